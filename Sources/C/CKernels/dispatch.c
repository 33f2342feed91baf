// Which level is used, and the public functions, which call it.
#pragma STDC FP_CONTRACT OFF

#include <stdlib.h>
#include <string.h>

#include "table.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Set before main, constant afterwards.
static const struct elbo_table *process_table = &elbo_table_baseline;
static _Thread_local const struct elbo_table *thread_table;

static const struct elbo_table *table_at(int level) {
  switch (level) {
  case ELBO_KERNELS_BASELINE:
    return &elbo_table_baseline;
#if defined(__x86_64__)
  case ELBO_KERNELS_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &elbo_table_avx2 : NULL;
  case ELBO_KERNELS_AVX512:
    if (table_at(ELBO_KERNELS_AVX2) == NULL) return NULL;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? &elbo_table_avx512
               : NULL;
#endif
  default:
    return NULL;
  }
}

__attribute__((constructor)) static void choose_table(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  const char *wish = getenv("ELBO_KERNELS");
  const struct elbo_table *chosen = NULL;
  for (int level = ELBO_KERNELS_AVX512; level >= ELBO_KERNELS_BASELINE; level--) {
    const struct elbo_table *table = table_at(level);
    if (table && (chosen == NULL || (wish && strcmp(wish, table->name) == 0))) chosen = table;
  }
  process_table = chosen;
}

static inline const struct elbo_table *current(void) { return thread_table ? thread_table : process_table; }

int elbo_kernels_select(int level) {
  const struct elbo_table *table = level < 0 ? NULL : table_at(level);
  if (level >= 0 && table == NULL) return -1;
  thread_table = table;
  return 0;
}

int elbo_kernels_level(void) {
  int level = ELBO_KERNELS_BASELINE;
  while (table_at(level) != current()) level++;
  return level;
}

const char *elbo_kernels_name(void) { return current()->name; }

void elbo_flush_denormals(void) {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // FTZ, bit 15, and DAZ, bit 6
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | (1ull << 24)));  // FZ
#endif
}

#define PUBLIC_(result, name, parameters, arguments) \
  result elbo_##name parameters { return current()->name arguments; }
#define PUBLIC(...) PUBLIC_(__VA_ARGS__)
ELBO_KERNELS(PUBLIC)

#define PUBLIC_ROWS_(result, name, parameters, arguments) \
  result elbo_##name parameters { return (cols < ELBO_NARROW ? current()->narrow : &current()->rows)->name arguments; }
#define PUBLIC_ROWS(...) PUBLIC_ROWS_(__VA_ARGS__)
ELBO_ROW_KERNELS(PUBLIC_ROWS)

void elbo_gather_bytes(const uint8_t *src, const uint32_t *rows_index, size_t rows, size_t cols, float scale,
                       float shift, float *y) {
  const struct elbo_table *table = current();
  for (size_t i = 0; i < rows; i++) table->bytes_to_float(src + rows_index[i] * cols, scale, shift, y + i * cols, cols);
}

void elbo_gather_floats(const float *src, const uint32_t *rows_index, size_t rows, size_t cols, float *y) {
  for (size_t i = 0; i < rows; i++) memcpy(y + i * cols, src + rows_index[i] * cols, cols * sizeof(float));
}

void elbo_philox_block(uint32_t key_lo, uint32_t key_hi, const uint32_t counter[4], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < 10; round++) {
    const uint64_t p = (uint64_t)0xD2511F53u * c0, q = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(q >> 32) ^ c1 ^ key_lo;
    c1 = (uint32_t)q;
    c2 = (uint32_t)(p >> 32) ^ c3 ^ key_hi;
    c3 = (uint32_t)p;
    key_lo += 0x9E3779B9u;
    key_hi += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}
