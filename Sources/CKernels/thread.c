#define _GNU_SOURCE
#include "include/elbo_thread.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

void elbo_name_thread(const char *name) {
#ifdef __linux__
  char shortened[16];
  strncpy(shortened, name, sizeof shortened - 1);
  shortened[sizeof shortened - 1] = 0;
  pthread_setname_np(pthread_self(), shortened);
#else
  (void)name;
#endif
}

void elbo_prefer_huge_pages(void *start, size_t length) {
#ifdef __linux__
  madvise(start, length, MADV_HUGEPAGE);
#else
  (void)start, (void)length;
#endif
}
