#pragma STDC FP_CONTRACT OFF

#include "CExact.h"

#include <math.h>
#include <stddef.h>

// Vectors of eight doubles on every processor: the compiler splits them where registers are narrower.
typedef double v8 __attribute__((vector_size(64)));
typedef double v8u __attribute__((vector_size(64), aligned(8)));
typedef long long l8 __attribute__((vector_size(64)));
typedef double v4 __attribute__((vector_size(32)));
typedef long long l4 __attribute__((vector_size(32)));
typedef float f8u __attribute__((vector_size(32), aligned(4)));

#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define load(p) ((v8) * (const v8u *)(p))
#define store(p, x) (*(v8u *)(p) = (x))
#define splat(x) NAME(splat8)(x)
// Lanes of `a` where the mask is set, of `b` elsewhere. C has no ?: over vectors.
#define choose(mask, a, b) ((v8)(((l8)(mask) & (l8)(a)) | (~(l8)(mask) & (l8)(b))))

#pragma clang diagnostic ignored "-Wpsabi"

#define FUSED(a, b, c) __builtin_elementwise_fma((a), (b), (c))

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))), apply_to = function)
#define NAME(x) x##_avx512
#define NAME_TEXT "avx512"
#define MADD FUSED
#define ROWS 12
#define BLOCKS 2
#define LEFT 8
#define RIGHT 3
#include "kernels.inc"
#include "undefine.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define NAME_TEXT "avx2"
#define MADD FUSED
#define ROWS 6
#define BLOCKS 1
#define LEFT 4
#define RIGHT 1
#include "kernels.inc"
#include "undefine.inc"
#pragma clang attribute pop

#define NAME(x) x##_baseline
#define NAME_TEXT "sse2"
#define MADD(a, b, c) ((a) * (b) + (c))
#define ROWS 3
#define BLOCKS 1
#define LEFT 2
#define RIGHT 1
#include "kernels.inc"
#include "undefine.inc"

#else

// Processors with 32 vector registers of two doubles and a fused multiply-add.
#define NAME(x) x##_baseline
#define NAME_TEXT "baseline"
#define MADD FUSED
#define ROWS 6
#define BLOCKS 1
#define LEFT 4
#define RIGHT 1
#include "kernels.inc"
#include "undefine.inc"

#endif

const cexact_kernels *cexact_at(int index) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && index-- == 0)
    return &kernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && index-- == 0) return &kernels_avx2;
#endif
  return index == 0 ? &kernels_baseline : NULL;
}

const cexact_kernels *cexact_best(void) { return cexact_at(0); }

void cexact_pack_lower(const double *lower, long dimension, double *packed) {
  for (long block = 0; 8 * block < dimension; block++)
    for (long column = 0; column < 8 * (block + 1); column++)
      for (long i = 0; i < 8; i++) {
        long row = 8 * block + i;
        *packed++ = row < dimension && column <= row ? lower[row * dimension + column] : 0.0;
      }
}

void cexact_pack_centres(const double *centres, long count, long panel_count, double *packed) {
  for (long block = 0; 8 * block < count; block++)
    for (long column = 0; column < 8 * panel_count; column++)
      for (long i = 0; i < 8; i++) {
        long k = 8 * block + i;
        *packed++ = k < count ? -2.0 * centres[k * 8 * panel_count + column] : 0.0;
      }
}

void cexact_add_tiles(const double *tiles, long dimension, double *lower) {
  for (long i = 0; i < dimension; i++)
    for (long j = 0; j <= i; j++) {
      long block = i / 8, tile = block * (block + 1) / 2 + j / 8;
      *lower++ += tiles[tile * 64 + (i % 8) * 8 + j % 8];
    }
}
