#pragma STDC FP_CONTRACT OFF

#include "windows.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum {
  TILE = 6,          // windows, or outputs of a weight's gradient, in a tile of registers
  PANEL = 16,        // numbers of a result beside each other in a tile: two vectors
  DEPTH = 256,       // numbers of a window that go through a tile at once: a panel of them fits the first-level cache
  BLOCK = 40 * TILE, // windows that are kept in the second-level cache while all panels pass them
  MOST_TAPS = 64
};

static bool has_avx2_alone;
__attribute__((constructor)) static void look_at_processor(void) {
  __builtin_cpu_init();
  has_avx2_alone =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
}

bool elbo_has_windows(const elbo_convolution *s) {
  return has_avx2_alone && s->dilation_height == 1 && s->dilation_width == 1 && s->in >= PANEL && s->out >= PANEL &&
         s->kernel_height * s->kernel_width <= MOST_TAPS;
}

static long blocks(long count, long block) { return (count + block - 1) / block; }

// MARK: Tiles

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

/// What a tile is added to, and what follows the last addition.
typedef struct {
  bool is_first, is_last;
  const float *bias;  ///< PANEL numbers, or NULL
  float slope;
} ending;

/// c[i][…] += Σ over k of a[i][k] b[k][…]
static inline void multiply_tile(const float *const a[TILE], const float *b, long depth, float *const c[TILE],
                                 const ending *end) {
  __m256 sum[TILE][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE; i++) {
    sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    __builtin_prefetch(c[i], 1);
  }
#pragma clang loop unroll_count(4)
  for (long k = 0; k < depth; k++) {
    const __m256 b0 = _mm256_load_ps(b + PANEL * k), b1 = _mm256_load_ps(b + PANEL * k + 8);
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE; i++) {
      const __m256 x = _mm256_broadcast_ss(a[i] + k);
      sum[i][0] = _mm256_fmadd_ps(x, b0, sum[i][0]);
      sum[i][1] = _mm256_fmadd_ps(x, b1, sum[i][1]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE; i++)
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      __m256 y = sum[i][half];
      if (!end->is_first) y = _mm256_add_ps(y, _mm256_loadu_ps(c[i] + 8 * half));
      if (end->is_last) {
        if (end->bias) y = _mm256_add_ps(y, _mm256_loadu_ps(end->bias + 8 * half));
        if (end->slope != 1) {
          const __m256 low = _mm256_mul_ps(y, _mm256_set1_ps(end->slope));
          y = _mm256_blendv_ps(low, y, _mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ));
        }
      }
      _mm256_storeu_ps(c[i] + 8 * half, y);
    }
}

/// c[i][…] += Σ over the pixels of `rows` lines of y[pixel][i] x[pixel][…], c being TILE × PANEL.
static inline void correlate_tile(const float *x, long x_line, long x_step, const float *y, long rows, long columns,
                                  __m256 sum[TILE][2]) {
  for (long row = 0; row < rows; row++, x += x_line) {
    const float *at = x;
#pragma clang loop unroll_count(4)
    for (long column = 0; column < columns; column++, at += x_step, y += TILE) {
      const __m256 x0 = _mm256_load_ps(at), x1 = _mm256_load_ps(at + 8);
#pragma clang loop unroll(full)
      for (int i = 0; i < TILE; i++) {
        const __m256 weight = _mm256_broadcast_ss(y + i);
        sum[i][0] = _mm256_fmadd_ps(weight, x0, sum[i][0]);
        sum[i][1] = _mm256_fmadd_ps(weight, x1, sum[i][1]);
      }
    }
  }
}

// MARK: Products of windows

/// Windows of images that have zeros around them, and where what each makes lies in the result.
typedef struct {
  long height, width;                         ///< how many windows there are in an image
  long first_row, first_column;               ///< of the first window, in pixels
  long step_height, step_width;               ///< from window to window
  long rows, columns;                         ///< of a window
  long channels, padded_height, padded_width; ///< of an image
  long made;                                  ///< numbers that a window makes
  long result_image, result_row, result_column, result_first;
} windows;

static void multiply_windows(const windows *w, const float *images, long count, const float *panels, const float *bias,
                             float slope, float *result) {
  const long length = w->columns * w->channels, line = w->padded_width * w->channels;
  const long total = count * w->height * w->width, depth = w->rows * length;
  const float *starts[BLOCK];
  float *ends[BLOCK], spare[TILE * PANEL], edge[TILE * PANEL];
  for (long first = 0; first < total; first += BLOCK) {
    const long block = total - first < BLOCK ? total - first : BLOCK, whole = blocks(block, TILE) * TILE;
    for (long m = 0; m < block; m++) {
      const long image = (first + m) / (w->height * w->width), pixel = (first + m) % (w->height * w->width);
      const long row = pixel / w->width, column = pixel % w->width;
      starts[m] = images + image * w->padded_height * line + (w->first_row + row * w->step_height) * line +
                  (w->first_column + column * w->step_width) * w->channels;
      ends[m] = result + image * w->result_image + row * w->result_row + column * w->result_column + w->result_first;
    }
    // A tile that reaches over the end computes its last window again.
    for (long m = block; m < whole; m++) starts[m] = starts[block - 1], ends[m] = NULL;
    for (long at = 0; at < depth;) {
      const long row = at / length, column = at % length;
      const long part = length - column < DEPTH ? length - column : DEPTH;
      for (long n = 0; n < w->made; n += PANEL) {
        const long wide = w->made - n < PANEL ? w->made - n : PANEL;
        float bias_edge[PANEL] = {0};
        if (bias) memcpy(bias_edge, bias + n, sizeof(float) * (size_t)wide);
        const ending end = {at == 0, at + part == depth, bias ? bias_edge : NULL, slope};
        const float *b = panels + n * depth + at * PANEL;
        for (long m = 0; m < whole; m += TILE) {
          const float *a[TILE];
          float *c[TILE];
          for (int i = 0; i < TILE; i++) {
            a[i] = starts[m + i] + row * line + column;
            c[i] = ends[m + i] == NULL ? spare + i * PANEL : ends[m + i] + n;
            if (wide == PANEL || ends[m + i] == NULL) continue;
            // A narrow panel goes by a copy, or it would write over what lies beside it.
            if (!end.is_first) memcpy(edge + i * PANEL, c[i], sizeof(float) * (size_t)wide);
            c[i] = edge + i * PANEL;
          }
          multiply_tile(a, b, part, c, &end);
          for (int i = 0; i < TILE && wide < PANEL; i++)
            if (ends[m + i]) memcpy(ends[m + i] + n, edge + i * PANEL, sizeof(float) * (size_t)wide);
        }
      }
      at += part;
    }
  }
}

#pragma clang attribute pop

/// Copies images with zeros around them; what does not fit is left out.
static void pad(const float *images, long count, long height, long width, long channels, long top, long left,
                long padded_height, long padded_width, float *padded) {
  const long line = padded_width * channels, end = left + width < padded_width ? left + width : padded_width;
  for (long image = 0; image < count; image++, images += height * width * channels)
    for (long y = 0; y < padded_height; y++, padded += line) {
      if (y < top || y >= top + height) {
        memset(padded, 0, sizeof(float) * (size_t)line);
        continue;
      }
      memset(padded, 0, sizeof(float) * (size_t)(left * channels));
      memcpy(padded + left * channels, images + (y - top) * width * channels,
             sizeof(float) * (size_t)((end - left) * channels));
      memset(padded + end * channels, 0, sizeof(float) * (size_t)((padded_width - end) * channels));
    }
}

/// Transposes `taps` weights of each of up to PANEL rows, so that those of a tap lie beside each other, at `to[tap]`.
static void pack(const float *weights, long distance, long rows, long taps, float *const *to) {
  float side[MOST_TAPS][PANEL] = {{0}};
  for (long i = 0; i < PANEL && i < rows; i++, weights += distance)
    for (long tap = 0; tap < taps; tap++) side[tap][i] = weights[tap];
  for (long tap = 0; tap < taps; tap++) memcpy(to[tap], side[tap], sizeof side[tap]);
}

/// How many images are treated at once: about two blocks of windows.
static long group_of(long images, long windows) {
  const long group = blocks(2 * BLOCK, windows);
  return group < images ? group : images;
}

static int forward(elbo_thread *thread, const elbo_convolution *s, const float *source, const float *weights,
                   const float *bias, float slope, float *destination) {
  windows w = {.height = s->out_height, .width = s->out_width, .step_height = s->stride_height,
               .step_width = s->stride_width, .rows = s->kernel_height, .columns = s->kernel_width, .channels = s->in,
               .padded_height = (s->out_height - 1) * s->stride_height + s->kernel_height,
               .padded_width = (s->out_width - 1) * s->stride_width + s->kernel_width, .made = s->out,
               .result_image = s->out_height * s->out_width * s->out, .result_row = s->out_width * s->out,
               .result_column = s->out};
  const long taps = w.rows * w.columns, depth = taps * s->in, group = group_of(s->n, w.height * w.width);
  const long packed = blocks(s->out, PANEL) * PANEL * depth;
  const long image = s->in_height * s->in_width * s->in, padded_image = w.padded_height * w.padded_width * s->in;
  float *panels = elbo_scratch(thread, (size_t)(packed + group * padded_image)), *padded = panels + packed;
  if (!panels) return dnnl_out_of_memory;
  for (long n = 0; n < s->out; n += PANEL)
    for (long in = 0; in < s->in; in++) {
      float *to[MOST_TAPS];
      for (long tap = 0; tap < taps; tap++) to[tap] = panels + n * depth + (tap * s->in + in) * PANEL;
      pack(weights + (n * s->in + in) * taps, s->in * taps, s->out - n, taps, to);
    }
  for (long n = 0; n < s->n; n += group) {
    const long count = s->n - n < group ? s->n - n : group;
    pad(source + n * image, count, s->in_height, s->in_width, s->in, s->top, s->left, w.padded_height, w.padded_width,
        padded);
    multiply_windows(&w, padded, count, panels, bias, slope, destination + n * w.result_image);
  }
  return 0;
}

// MARK: The gradient of the source

/// The pixels of the source along one axis that lie alike to the windows: every `stride`-th. Each is in `taps` windows,
/// of which the last begins `reach` windows after the pixel's own place.
typedef struct {
  long count, first_tap, taps, reach;
} phase;

static phase phase_of(long index, long extent, long kernel, long stride, long before) {
  const long first_tap = (index + before) % stride;
  return (phase){.count = index < extent ? (extent - index - 1) / stride + 1 : 0, .first_tap = first_tap,
                 .taps = first_tap < kernel ? (kernel - first_tap - 1) / stride + 1 : 0,
                 .reach = (index + before) / stride};
}

/// Zeros before the windows that all phases need, and the extent with those behind.
static void margins(long extent, long kernel, long stride, long before, long windows, long *margin, long *padded) {
  *margin = 0, *padded = windows;
  for (long index = 0; index < stride; index++) {
    const phase p = phase_of(index, extent, kernel, stride, before);
    if (p.taps - 1 - p.reach > *margin) *margin = p.taps - 1 - p.reach;
    if (p.count + p.reach > *padded) *padded = p.count + p.reach;
  }
  *padded += *margin;
}

/// Zeros where no window makes anything: windows apart from each other leave pixels between them.
static void clear(const windows *w, long count, float *result) {
  for (long image = 0; image < count; image++)
    for (long row = 0; row < w->height; row++)
      for (long column = 0; column < w->width; column++)
        memset(result + image * w->result_image + row * w->result_row + column * w->result_column + w->result_first, 0,
               sizeof(float) * (size_t)w->made);
}

/// Each phase is a convolution of the destination's gradient with some of the taps, from the last to the first; its
/// panels follow those of the phase before.
static int source_gradient(elbo_thread *thread, const elbo_convolution *s, const float *destination,
                           const float *weights, float *source) {
  long top, left, padded_height, padded_width;
  margins(s->in_height, s->kernel_height, s->stride_height, s->top, s->out_height, &top, &padded_height);
  margins(s->in_width, s->kernel_width, s->stride_width, s->left, s->out_width, &left, &padded_width);
  const long taps = s->kernel_height * s->kernel_width, image = s->out_height * s->out_width * s->out;
  const long padded_image = padded_height * padded_width * s->out, source_image = s->in_height * s->in_width * s->in;
  const long group = group_of(s->n, s->out_height * s->out_width), wide = blocks(s->in, PANEL) * PANEL;
  float *panels = elbo_scratch(thread, (size_t)(wide * taps * s->out + group * padded_image));
  if (!panels) return dnnl_out_of_memory;
  float *padded = panels + wide * taps * s->out;

  // Where a tap's weights of the first output and channels go, and how much further those of the next channels.
  float *start[MOST_TAPS], *to[MOST_TAPS], *next = panels;
  long depth[MOST_TAPS];
  for (long y = 0; y < s->stride_height; y++)
    for (long x = 0; x < s->stride_width; x++) {
      const phase rows = phase_of(y, s->in_height, s->kernel_height, s->stride_height, s->top);
      const phase columns = phase_of(x, s->in_width, s->kernel_width, s->stride_width, s->left);
      for (long t = 0; t < rows.taps * columns.taps; t++) {
        const long k = rows.first_tap + s->stride_height * (rows.taps - 1 - t / columns.taps);
        const long l = columns.first_tap + s->stride_width * (columns.taps - 1 - t % columns.taps);
        start[k * s->kernel_width + l] = next + t * s->out * PANEL;
        depth[k * s->kernel_width + l] = rows.taps * columns.taps * s->out;
      }
      next += wide * rows.taps * columns.taps * s->out;
    }
  for (long c = 0; c < s->in; c += PANEL)
    for (long out = 0; out < s->out; out++) {
      for (long tap = 0; tap < taps; tap++) to[tap] = start[tap] + c * depth[tap] + out * PANEL;
      pack(weights + (out * s->in + c) * taps, taps, s->in - c, taps, to);
    }

  for (long n = 0; n < s->n; n += group) {
    const long count = s->n - n < group ? s->n - n : group;
    pad(destination + n * image, count, s->out_height, s->out_width, s->out, top, left, padded_height, padded_width,
        padded);
    next = panels;
    for (long y = 0; y < s->stride_height; y++)
      for (long x = 0; x < s->stride_width; x++) {
        const phase rows = phase_of(y, s->in_height, s->kernel_height, s->stride_height, s->top);
        const phase columns = phase_of(x, s->in_width, s->kernel_width, s->stride_width, s->left);
        const windows w = {.height = rows.count, .width = columns.count,
                           .first_row = top + rows.reach - rows.taps + 1,
                           .first_column = left + columns.reach - columns.taps + 1, .step_height = 1, .step_width = 1,
                           .rows = rows.taps, .columns = columns.taps, .channels = s->out,
                           .padded_height = padded_height, .padded_width = padded_width, .made = s->in,
                           .result_image = source_image, .result_row = s->stride_height * s->in_width * s->in,
                           .result_column = s->stride_width * s->in, .result_first = (y * s->in_width + x) * s->in};
        if (rows.taps * columns.taps == 0) {
          clear(&w, count, source + n * source_image);
        } else {
          multiply_windows(&w, padded, count, next, NULL, 1, source + n * source_image);
        }
        next += wide * rows.taps * columns.taps * s->out;
      }
  }
  return 0;
}

// MARK: The gradient of the weights

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

/// Of a group of images, TILE outputs × PANEL channels of a tap at once, over all pixels. Channels of the padded source
/// lie in panels, outputs in tiles, and so do the sums: channels / PANEL × taps × outputs / TILE × TILE × PANEL.
static int weights_gradient(elbo_thread *thread, const elbo_convolution *s, const float *source,
                            const float *destination, float *weights) {
  const long height = (s->out_height - 1) * s->stride_height + s->kernel_height;
  const long width = (s->out_width - 1) * s->stride_width + s->kernel_width;
  const long taps = s->kernel_height * s->kernel_width, pixels = s->out_height * s->out_width;
  const long group = group_of(s->n, pixels), panels = blocks(s->in, PANEL), tiles = blocks(s->out, TILE);
  const long panel = group * height * width * PANEL, tile = group * pixels * TILE;
  const long sums_count = panels * taps * tiles * TILE * PANEL;
  float *x = elbo_scratch(thread, (size_t)(panels * panel + sums_count + tiles * tile)), *sums = x + panels * panel;
  if (!x) return dnnl_out_of_memory;
  float *y = sums + sums_count;
  for (long n = 0; n < s->n; n += group) {
    const long count = s->n - n < group ? s->n - n : group;
    memset(x, 0, sizeof(float) * (size_t)(panels * panel));
    for (long image = 0; image < count; image++)
      for (long i = 0; i < s->in_height && i + s->top < height; i++)
        for (long j = 0; j < s->in_width && j + s->left < width; j++) {
          const float *from = source + (((n + image) * s->in_height + i) * s->in_width + j) * s->in;
          float *to = x + ((image * height + i + s->top) * width + j + s->left) * PANEL;
          long c = 0;
          for (; c + PANEL <= s->in; c += PANEL, to += panel) memcpy(to, from + c, sizeof(float) * PANEL);
          memcpy(to, from + c, sizeof(float) * (size_t)(s->in - c));
        }
    for (long p = 0; p < count * pixels; p++) {
      const float *from = destination + (n * pixels + p) * s->out;
      float *to = y + p * TILE;
      long t = 0;
      for (; t + TILE <= s->out; t += TILE, to += tile) memcpy(to, from + t, sizeof(float) * TILE);
      for (long i = 0; t < s->out && i < TILE; i++) to[i] = t + i < s->out ? from[t + i] : 0;
    }
    for (long c = 0; c < panels; c++)
      for (long tap = 0; tap < taps; tap++)
        for (long t = 0; t < tiles; t++) {
          float *at = sums + ((c * taps + tap) * tiles + t) * TILE * PANEL;
          __m256 sum[TILE][2];
          for (int i = 0; i < TILE; i++)
            for (int half = 0; half < 2; half++)
              sum[i][half] = n == 0 ? _mm256_setzero_ps() : _mm256_load_ps(at + i * PANEL + 8 * half);
          const float *from = x + c * panel + (tap / s->kernel_width * width + tap % s->kernel_width) * PANEL;
          for (long image = 0; image < count; image++)
            correlate_tile(from + image * height * width * PANEL, s->stride_height * width * PANEL,
                           s->stride_width * PANEL, y + t * tile + image * pixels * TILE, s->out_height, s->out_width,
                           sum);
          for (int i = 0; i < TILE; i++)
            for (int half = 0; half < 2; half++) _mm256_store_ps(at + i * PANEL + 8 * half, sum[i][half]);
        }
  }
  for (long out = 0; out < s->out; out++)
    for (long c = 0; c < s->in; c += PANEL) {
      float *to = weights + (out * s->in + c) * taps;
      const long wide = s->in - c < PANEL ? s->in - c : PANEL;
      for (long tap = 0; tap < taps; tap++) {
        const float *from = sums + ((c / PANEL * taps + tap) * tiles * TILE + out) * PANEL;
        for (long i = 0; i < wide; i++) to[i * taps + tap] = from[i];
      }
    }
  return 0;
}

#pragma clang attribute pop

int elbo_convolve_windows(elbo_thread *thread, elbo_convolution_kind kind, const elbo_convolution *s, const float *a,
                          const float *b, const float *bias, float slope, float *result) {
  switch (kind) {
  case ELBO_CONVOLUTION_FORWARD: return forward(thread, s, a, b, bias, slope, result);
  case ELBO_CONVOLUTION_SOURCE: return source_gradient(thread, s, a, b, result);
  default: return weights_gradient(thread, s, a, b, result);
  }
}

#else
bool elbo_has_windows(const elbo_convolution *s) { return (void)s, false; }

int elbo_convolve_windows(elbo_thread *thread, elbo_convolution_kind kind, const elbo_convolution *s, const float *a,
                          const float *b, const float *bias, float slope, float *result) {
  (void)thread, (void)kind, (void)s, (void)a, (void)b, (void)bias, (void)slope, (void)result;
  return dnnl_unimplemented;
}
#endif
