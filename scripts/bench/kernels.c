// Times the kernels of each instruction set: nanoseconds an element, in the second-level cache and from memory, and
// the bytes read and written a second beside a plain copy. Best of several runs; one thread.
//
//   C=Sources/C/CKernels
//   clang -O2 -I$C/include scripts/bench/kernels.c $C/*.c -lm -o /tmp/kernels
//   /tmp/kernels [name]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CKernels.h"

enum { CACHED = 16384, STREAMED = 4 << 20, BUFFERS = 8, COLUMNS = 784 };

static float *a[BUFFERS];
static uint32_t ids[STREAMED / COLUMNS + 1];
static volatile double sink;

static void copy(size_t n) { memcpy(a[1], a[0], n * sizeof(float)); }
#define CALL(name, ...) static void run_##name(size_t n) { __VA_ARGS__; }
#define UNARY(name) CALL(name, elbo_##name(a[0], a[1], n))
UNARY(exp) UNARY(log) UNARY(log1p) UNARY(expm1) UNARY(tanh) UNARY(sigmoid) UNARY(softplus) UNARY(erf) UNARY(sin)
UNARY(relu) UNARY(sqrt) UNARY(rsqrt)
CALL(add, elbo_add(a[0], a[1], a[2], n))
CALL(axpy, elbo_axpy(1e-9f, a[0], a[1], n))
CALL(sum, sink = elbo_sum(a[0], n))
CALL(dot, sink = elbo_dot(a[0], a[1], n))
CALL(all_finite, sink = elbo_all_finite(a[0], n))
CALL(sum_cols, elbo_sum_cols(a[0], a[1], n / 512, 512))
CALL(add_row, elbo_add_row(a[0], a[1], a[2], n / 512, 512))
CALL(transpose, elbo_transpose(a[0], a[1], n / 512, 512))
CALL(softmax_10, elbo_softmax_rows(a[0], a[1], n / 10, 10))
CALL(softmax_512, elbo_softmax_rows(a[0], a[1], n / 512, 512))
CALL(bernoulli_ll, elbo_bernoulli_ll_rows(a[0], a[1], a[2], a[3], n / COLUMNS, COLUMNS))
CALL(gaussian_ll, elbo_gaussian_ll_rows(a[0], a[1], a[2], a[3], a[4], a[5], n / COLUMNS, COLUMNS))
CALL(gaussian_kl_20, elbo_gaussian_kl_rows(a[0], a[1], a[2], a[3], a[4], n / 20, 20))
CALL(reparameterise, elbo_reparameterise(a[0], a[1], a[2], a[3], n))
CALL(uniform, elbo_philox_uniform(7, 1, 2, 3, 0, a[1], n))
CALL(normal, elbo_philox_normal(7, 1, 2, 3, 0, a[1], n))
CALL(normal_rows_20, elbo_philox_normal_rows(7, 1, ids, 3, n / COLUMNS, 20, a[1]))
CALL(binarise, elbo_philox_binarise_bytes(7, 1, 3, (const uint8_t *)a[0], ids, n / COLUMNS, COLUMNS, a[1]))
CALL(gather_bytes, elbo_gather_bytes((const uint8_t *)a[0], ids, n / COLUMNS, COLUMNS, 1 / 255.0f, 0, a[1]))
CALL(sgd, elbo_sgd(a[0], a[1], 1e-9, 0, 1, n))
CALL(adam, elbo_adam(a[0], a[1], a[2], a[3], 1e-9, 0.9, 0.999, 1e-8, 0.1, 0.001, 0, 0, 1, n))
CALL(sum_tree_4, elbo_sum_tree((const float *const *)a, 4, a[7], n))
CALL(sum_tree_7, elbo_sum_tree((const float *const *)a, 7, a[7], n))
CALL(to_bf16, elbo_float_to_bf16(a[0], (uint16_t *)a[1], n))
CALL(from_bf16, elbo_bf16_to_float((const uint16_t *)a[0], a[1], n))

// `bytes` an element reads and writes.
#define ROW(name, bytes) {#name, run_##name, bytes}
static const struct {
  const char *name;
  void (*run)(size_t);
  double bytes;
} kernels[] = {
    {"copy", copy, 8}, ROW(add, 12), ROW(axpy, 12), ROW(relu, 8), ROW(sqrt, 8), ROW(rsqrt, 8), ROW(exp, 8),
    ROW(log, 8), ROW(log1p, 8), ROW(expm1, 8), ROW(tanh, 8), ROW(sigmoid, 8), ROW(softplus, 8), ROW(erf, 8),
    ROW(sin, 8), ROW(sum, 4), ROW(dot, 8), ROW(all_finite, 4), ROW(sum_cols, 4), ROW(add_row, 8), ROW(transpose, 8),
    ROW(softmax_10, 8), ROW(softmax_512, 8), ROW(bernoulli_ll, 12), ROW(gaussian_ll, 20), ROW(gaussian_kl_20, 16),
    ROW(reparameterise, 16), ROW(uniform, 4), ROW(normal, 4), ROW(normal_rows_20, 4 * 20.0 / COLUMNS),
    ROW(binarise, 5), ROW(gather_bytes, 5), ROW(sgd, 12), ROW(adam, 28), ROW(sum_tree_4, 20), ROW(sum_tree_7, 32),
    ROW(to_bf16, 6), ROW(from_bf16, 6),
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double best(void (*run)(size_t), size_t n) {
  const int calls = n >= STREAMED ? 1 : 20;
  double least = 1e9;
  for (int i = 0; i < (n >= STREAMED ? 7 : 40); i++) {
    const double start = now();
    for (int c = 0; c < calls; c++) run(n);
    const double taken = (now() - start) / calls;
    if (taken < least) least = taken;
  }
  return least;
}

int main(int count, char **arguments) {
  for (int b = 0; b < BUFFERS; b++) a[b] = aligned_alloc(64, STREAMED * sizeof(float));
  for (uint32_t i = 0; i < STREAMED / COLUMNS; i++) ids[i] = i;
  for (int level = 0; level < 3; level++) {
    if (elbo_kernels_select(level) != 0) continue;
    printf("%-16s %12s %12s %12s\n", elbo_kernels_name(), "ns, cached", "ns, memory", "GB/s, memory");
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
      if (count > 1 && strcmp(arguments[1], kernels[k].name) != 0) continue;
      for (int b = 0; b < BUFFERS; b++) elbo_philox_uniform(1, (uint32_t)b, 0, 0, 0, a[b], STREAMED);
      const double cached = best(kernels[k].run, CACHED) / CACHED, streamed = best(kernels[k].run, STREAMED) / STREAMED;
      printf("%-16s %12.3f %12.3f %12.1f\n", kernels[k].name, cached * 1e9, streamed * 1e9,
             kernels[k].bytes / streamed * 1e-9);
    }
  }
}
