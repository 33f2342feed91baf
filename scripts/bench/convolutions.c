// Times the convolutions of a DCGAN's step alone, layer by layer: what share of the processor's peak they reach, and
// what a step can never be faster than. The peak is that of fused multiply-adds on registers, measured beside them.
//
//   C=Sources/C/COneDNN
//   clang -O3 -march=native -I$C/include scripts/bench/convolutions.c $C/*.c -ldnnl -lgomp -lpthread -o /tmp/convolutions
//   /tmp/convolutions [threads [batch [filters [side]]]]
//
// Each thread has a part of the batch, as a lane has a shard.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "COneDNN.h"

enum { REPEATS = 3, MOST_LEVELS = 8 };
static int threads = 2, batch = 64, filters = 64, side = 64, levels;
static pthread_barrier_t barrier;
static const char *const kinds[] = {"forward", "source", "weights"};
/// How often a step has each: the discriminator's phase sees two batches and a generated one, the generator's one.
static double milliseconds[2][MOST_LEVELS][3];
static double peak;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif
typedef float wide __attribute__((ext_vector_type(LANES)));
static wide multiply_add(long rounds) {
  wide x[12];
  for (int i = 0; i < 12; i++) x[i] = (wide)(float)i;
  const wide a = 0.999f, b = 0.001f;
  for (long round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; i++) x[i] = __builtin_elementwise_fma(x[i], a, b);
  wide sum = 0;
  for (int i = 0; i < 12; i++) sum += x[i];
  return sum;
}

static elbo_convolution sizes_of(int level, int images) {
  const long out = (long)side >> (level + 1), in = level == 0 ? 3 : (long)filters << (level - 1);
  return (elbo_convolution){.n = images, .in = in, .in_height = 2 * out, .in_width = 2 * out,
                            .out = (long)filters << level, .out_height = out, .out_width = out, .kernel_height = 4,
                            .kernel_width = 4, .stride_height = 2, .stride_width = 2, .dilation_height = 1,
                            .dilation_width = 1, .top = 1, .left = 1, .bottom = 1, .right = 1};
}

static double operations(const elbo_convolution *s) {
  return 2.0 * (double)(s->n * s->out * s->out_height * s->out_width * s->in * 16);
}

static float *numbers(long count) {
  float *x = aligned_alloc(64, (size_t)(count + 16) / 16 * 64);
  for (long i = 0; i < count; i++) x[i] = (float)(i % 13 - 6) / 10;
  return x;
}

static void *work(void *index) {
  elbo_compute_on_this_thread_only();
  for (int doubled = 0; doubled < 2; doubled++) {
    for (int level = 0; level < levels; level++) {
      const elbo_convolution s = sizes_of(level, (doubled + 1) * batch / threads);
      float *source = numbers(s.n * s.in * s.in_height * s.in_width), *weights = numbers(s.out * s.in * 16);
      float *destination = numbers(s.n * s.out * s.out_height * s.out_width);
      for (int kind = 0; kind < 3; kind++) {
        double best = 1e30;
        for (int repeat = -1; repeat < REPEATS; repeat++) {
          pthread_barrier_wait(&barrier);
          const double start = now();
          int status = kind == 0   ? elbo_convolve(0, &s, source, weights, destination)
                       : kind == 1 ? elbo_convolve(1, &s, destination, weights, source)
                                   : elbo_convolve(2, &s, source, destination, weights);
          if (status) exit(fprintf(stderr, "oneDNN status %d\n", status));
          pthread_barrier_wait(&barrier);
          const double took = now() - start;
          if (repeat >= 0 && took < best) best = took;
        }
        if (index == 0) milliseconds[doubled][level][kind] = best;
      }
      free(source), free(weights), free(destination);
    }
  }
  const long rounds = 30000000;
  volatile float sink = multiply_add(rounds / 10)[0];
  pthread_barrier_wait(&barrier);
  const double start = now();
  sink = multiply_add(rounds)[0];
  pthread_barrier_wait(&barrier);
  (void)sink;
  if (index == 0) peak = threads * 12.0 * LANES * 2 * (double)rounds / (now() - start) / 1e6;
  return NULL;
}

int main(int count, char **words) {
  int *const options[] = {&threads, &batch, &filters, &side};
  for (int i = 1; i < count && i < 5; i++) *options[i - 1] = atoi(words[i]);
  while (side >> (levels + 1) >= 4) levels++;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t others[64];
  for (long i = 1; i < threads; i++) pthread_create(&others[i], NULL, work, (void *)i);
  work((void *)0);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);

  printf("%d threads, batch %d, %d filters; peak %.0f GFLOP/s\n", threads, batch, filters, peak);
  double total = 0, done = 0;
  for (int level = 0; level < levels; level++) {
    const elbo_convolution s = sizes_of(level, batch);
    const double amount = operations(&s);
    for (int kind = 0; kind < 3; kind++) {
      // The discriminator's phase: its forward and weights on two batches, its source but for the image's, and the
      // generator's forward (a source). The generator's phase: its forward and the discriminator's, the discriminator's
      // source, and the generator's source (a forward) and weights.
      const double twice = kind == 1 && level == 0 ? 0 : 1;
      const double once = kind == 0 ? 2 : kind == 1 ? 3 : 1;
      const double *both = &milliseconds[0][level][kind];
      total += once * *both + twice * milliseconds[1][level][kind];
      done += (once + 2 * twice) * amount;
      printf("  level %d %-8s %8.2f ms %6.0f GFLOP/s, of two batches %6.0f\n", level, kinds[kind], *both,
             amount / *both / 1e6, 2 * amount / milliseconds[1][level][kind] / 1e6);
    }
  }
  printf("a step: %.0f GFLOP in %.0f ms, %.0f GFLOP/s, %.0f %% of the peak\n", done / 1e9, total, done / total / 1e6,
         100 * done / total / 1e6 / peak);
}
