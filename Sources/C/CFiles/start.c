// Refuses to begin in an address space that is too small. OpenBLAS asks without end for memory that it does not get,
// 128 MiB a thread, and does so before `main`: so this runs before the initializers of the libraries, by the one array of
// functions that the program itself has for that (DT_PREINIT_ARRAY of System V's ABI). Little of the C library is ready
// then, so it makes system calls and nothing else.
#define _GNU_SOURCE
#include "CFiles.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// MiB for the process, and for each processor that it may use.
enum { base = 1024, per_processor = 256 };

static char *append(char *end, const char *text) {
  size_t length = strlen(text);
  memcpy(end, text, length);
  return end + length;
}

static char *append_number(char *end, unsigned long long number) {
  char digits[24];
  char *first = digits + sizeof digits - 1;
  *first = 0;
  do *--first = (char)('0' + number % 10);
  while (number /= 10);
  return append(end, first);
}

static void refuse_small_address_space(void) {
  struct rlimit limit;
  cpu_set_t processors;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  int count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
  unsigned long long has = limit.rlim_cur >> 20, wanted = base + per_processor * (unsigned long long)count;
  if (has >= wanted) return;
  char line[256];
  char *end = append(line, "elbo: the address space is limited to ");
  end = append(append_number(end, has), " MiB, and ");
  end = append(append_number(end, wanted), " are needed; raise the limit (ulimit -v)\n");
  // What cannot be written is lost.
  ssize_t written = write(2, line, (size_t)(end - line));
  (void)written;
  _exit(2);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = refuse_small_address_space;
