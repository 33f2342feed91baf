#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

int elbo_files_exchange(const char *path, const char *other) {
  // By number: not every C library has the function.
  return (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
}

#elif defined(__APPLE__)

int elbo_files_exchange(const char *path, const char *other) { return renamex_np(path, other, RENAME_SWAP); }

#else

int elbo_files_exchange(const char *path, const char *other) {
  (void)path, (void)other;
  errno = ENOSYS;
  return -1;
}

#endif

static char fault_line[512];
static size_t fault_length;

static void explain_fault(int signal) {
  (void)signal;
  // What cannot be written is lost: nobody is left to be told.
  ssize_t written = write(2, fault_line, fault_length);
  (void)written;
  _exit(1);
}

void elbo_files_explain_faults(const char *line) {
  fault_length = strnlen(line, sizeof fault_line);
  memcpy(fault_line, line, fault_length);
  static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
  struct sigaction action = {.sa_handler = explain_fault};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}
