#pragma STDC FP_CONTRACT OFF

#define _GNU_SOURCE
#include "include/elbo_thread.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif
#ifdef __linux__
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

unsigned long elbo_floating_point_mode(void) {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
#else
  return 0;
#endif
}

void elbo_set_floating_point_mode(unsigned long mode) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)mode);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
#else
  (void)mode;
#endif
}

void elbo_begin_thread(const char *name) {
#ifdef __linux__
  char shortened[16];
  strncpy(shortened, name, sizeof shortened - 1);
  shortened[sizeof shortened - 1] = 0;
  pthread_setname_np(pthread_self(), shortened);
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, (id_t)getpid()));
#else
  (void)name;
#endif
}

void elbo_keep_to_share(int index, int count) {
#ifdef __linux__
  cpu_set_t all, mine;
  if (sched_getaffinity(0, sizeof all, &all)) return;
  const int each = CPU_COUNT(&all) / count;
  CPU_ZERO(&mine);
  for (int processor = 0, seen = 0; processor < CPU_SETSIZE; processor++)
    if (CPU_ISSET(processor, &all) && seen++ / (each ? each : 1) == index) CPU_SET(processor, &mine);
  // This thread first: those that it begins meanwhile follow it.
  sched_setaffinity(0, sizeof mine, &mine);
  // Twice: other threads may begin some until it is their turn.
  for (int pass = 0; pass < 2; pass++) {
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return;
    for (const struct dirent *thread; (thread = readdir(threads));)
      if (atoi(thread->d_name) > 0) sched_setaffinity(atoi(thread->d_name), sizeof mine, &mine);
    closedir(threads);
  }
#else
  (void)index, (void)count;
#endif
}

void elbo_prefer_huge_pages(void *start, size_t length) {
#ifdef __linux__
  madvise(start, length, MADV_HUGEPAGE);
#else
  (void)start, (void)length;
#endif
}
