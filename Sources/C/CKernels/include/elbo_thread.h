/// What threads and memory ask of the system.
#ifndef ELBO_THREAD_H
#define ELBO_THREAD_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Tells the processor that this thread waits in a loop.
static inline void elbo_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Whether the calling thread reads and writes denormals as they are: what `elbo_set_floating_point_mode` takes.
unsigned long elbo_floating_point_mode(void);

/// Gives a thread back the mode that it had.
void elbo_set_floating_point_mode(unsigned long mode);

/// Names the calling thread for debuggers and `top -H` (at most 15 bytes are kept), and gives it the niceness of the
/// process: threads of the concurrency pool, which start others, have one of their own where they may (as root).
void elbo_begin_thread(const char *name);

/// Keeps this process, with the threads that it has and will have, on part `index` of `count` equal parts of the
/// processors that it may use. A wish: where the system does not let it, nothing changes.
void elbo_keep_to_share(int index, int count);

/// Asks for huge pages under memory that begins on a 2 MiB boundary: a sweep over megabytes then misses no
/// translations. A wish, not a demand.
void elbo_prefer_huge_pages(void *start, size_t length);

#ifdef __cplusplus
}
#endif

#endif
