#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <stdio.h>

#if defined(__linux__)
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

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
