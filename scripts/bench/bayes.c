// Times the posterior's kernels: nanoseconds a weight, beside elbo_philox_normal and elbo_adam, for weights in the
// second-level cache and for the 2.4 million of a 784-1200-1200-10 network. Best of several runs; one thread. Bare loops
// say what bounds them: one that moves the same numbers and only adds them up, and one of multiply-adds in registers.
//
//   C=Sources/C/CKernels
//   clang -O2 -I$C/include scripts/bench/bayes.c $C/*.c -lm -o /tmp/bayes && /tmp/bayes
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "CKernels.h"

enum { CACHED = 16384, NETWORK = 784 * 1200 + 1200 * 1200 + 1200 * 10, BUFFERS = 8, BLOCK = 16384 };

static float *x[BUFFERS];
static volatile double sink;
static const struct elbo_prior mixture = {ELBO_PRIOR_MIXTURE, 1.0f, 0.0025f, 0.5f};
static const struct elbo_prior gaussian = {ELBO_PRIOR_GAUSSIAN, 0.1f, 0, 0};
static const struct elbo_adam_step step = {1e-9, 0.9, 0.999, 1e-8, 0.1, 0.001, 0, 0};
static const float scale = 1e-2f, cost = 1e-5f;

static void normal(size_t i, size_t n) { elbo_philox_normal(7, 1, 2, 3, i, x[2] + i, n); }
static void adam(size_t i, size_t n) {
  elbo_adam(x[0] + i, x[3] + i, x[4] + i, x[5] + i, 1e-9, 0.9, 0.999, 1e-8, 0.1, 0.001, 0, 0, 1, n);
}
#define SAMPLE(name, prior) \
  static void name(size_t i, size_t n) { sink = elbo_posterior_sample(x[0] + i, x[1] + i, 7, 1, 2, 3, i, prior, x[2] + i, n); }
SAMPLE(sample_alone, NULL) SAMPLE(sample_gaussian, &gaussian) SAMPLE(sample_mixture, &mixture)
#define UPDATE(name, at, prior)                                                                                     \
  static void name(size_t i, size_t n) {                                                                            \
    elbo_posterior_adam(x[0] + i, x[1] + i, x[2] + i, at, x[3] + i, NULL, scale, cost, prior, x[4] + i, x[5] + i,   \
                        x[6] + i, x[7] + i, &step, n);                                                              \
  }
UPDATE(update_closed, NULL, &gaussian) UPDATE(update_gaussian, x[2] + i, &gaussian) UPDATE(update_mixture, x[2] + i, &mixture)

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2,fma")))
#else
#define WIDE
#endif
WIDE static void move_sample(size_t i, size_t n) {
  const float *restrict mu = x[0] + i, *restrict rho = x[1] + i;
  float *restrict w = x[2] + i;
  for (size_t k = 0; k < n; k++) w[k] = mu[k] + rho[k];
}
WIDE static void move_update(size_t i, size_t n) {
  const float *restrict w = x[2] + i, *restrict g = x[3] + i;
  float *restrict mu = x[0] + i, *restrict rho = x[1] + i, *restrict m = x[4] + i, *restrict v = x[5] + i;
  float *restrict m2 = x[6] + i, *restrict v2 = x[7] + i;
  for (size_t k = 0; k < n; k++) {
    const float a = 1e-30f * (w[k] + g[k]);
    mu[k] += a, rho[k] += a, m[k] += a, v[k] += a, m2[k] += a, v2[k] += a;
  }
}
/// A multiply-add in each of 14 chains of eight numbers for every eight weights: 14 a weight.
WIDE static void multiply_add(size_t i, size_t n) {
  typedef float f8 __attribute__((ext_vector_type(8)));
  f8 sum[14];
  for (int c = 0; c < 14; c++) sum[c] = (f8)(float)(c + i);
  f8 factor = (f8)0.999f, term = (f8)1e-3f;
  for (size_t k = 0; k < n; k += 8) {
    __asm__ volatile("" : "+x"(factor), "+x"(term));
#pragma clang loop unroll(full)
    for (int c = 0; c < 14; c++) sum[c] = __builtin_elementwise_fma(sum[c], factor, term);
  }
  for (int c = 1; c < 14; c++) sum[0] += sum[c];
  sink = sum[0][0];
}

static const struct {
  const char *name;
  void (*run)(size_t, size_t);
} kernels[] = {{"normal", normal}, {"adam", adam}, {"sample, no sum", sample_alone}, {"sample, Gaussian", sample_gaussian},
               {"sample, mixture", sample_mixture}, {"update, closed form", update_closed},
               {"update, Gaussian", update_gaussian}, {"update, mixture", update_mixture},
               {"bare moves, sample", move_sample}, {"bare moves, update", move_update},
               {"14 multiply-adds", multiply_add}};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double best(void (*run)(size_t, size_t), size_t count, int repeats) {
  double least = 1e9;
  for (int r = 0; r < repeats; r++) {
    const double start = seconds();
    for (size_t i = 0; i < count; i += BLOCK) run(i, count - i < BLOCK ? count - i : BLOCK);
    const double taken = seconds() - start;
    if (taken < least) least = taken;
  }
  return least / (double)count * 1e9;
}

int main(void) {
  elbo_flush_denormals();  // as lanes do
  for (int b = 0; b < BUFFERS; b++) {
    x[b] = aligned_alloc(64, (NETWORK + 16) * sizeof(float));
    elbo_philox_normal(1, 0, 0, (uint32_t)b, 0, x[b], NETWORK);
    elbo_scale(x[b], 0.05f, x[b], NETWORK);
  }
  elbo_add_scalar(x[1], -3, x[1], NETWORK);
  elbo_square(x[5], x[5], NETWORK);
  elbo_square(x[7], x[7], NETWORK);
  printf("%s\n%-20s %10s %10s   ns a weight\n", elbo_kernels_name(), "", "cached", "network");
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
    printf("%-20s %10.3f %10.3f\n", kernels[k].name, best(kernels[k].run, CACHED, 400), best(kernels[k].run, NETWORK, 20));
  }
  return 0;
}
