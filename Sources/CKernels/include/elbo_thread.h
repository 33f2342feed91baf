/// A hint to the processor.
#ifndef ELBO_THREAD_H
#define ELBO_THREAD_H

/// Tells the processor that this thread waits in a loop.
static inline void elbo_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
