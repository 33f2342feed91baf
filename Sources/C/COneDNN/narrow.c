#pragma STDC FP_CONTRACT OFF

#include "narrow.h"

#include <string.h>

enum { MOST_CHANNELS = 4, FEWEST_OUTPUTS = 8, BLOCK = 1 << 16 };

bool elbo_is_narrow(elbo_convolution_kind kind, const elbo_convolution *s) {
  return kind == ELBO_CONVOLUTION_SOURCE && s->in <= MOST_CHANNELS && s->out >= FEWEST_OUTPUTS &&
         s->dilation_width == 1;
}

/// Weights out × in × height × width become out × height × width × in: a row of a window is then a piece of a row of
/// the image.
static void pack(const elbo_convolution *s, const float *weights, float *packed) {
  const long taps = s->kernel_height * s->kernel_width;
  for (long out = 0; out < s->out; out++)
    for (long in = 0; in < s->in; in++)
      for (long tap = 0; tap < taps; tap++)
        packed[(out * taps + tap) * s->in + in] = weights[(out * s->in + in) * taps + tap];
}

/// Adds the rows of each window to the rows of the image below it, windows in order; `windows` are those of the rows
/// from `first_row` to `end_row` of the destination.
static void add_windows(const elbo_convolution *s, long first_row, long end_row, const float *restrict windows,
                        float *restrict image) {
  const long width = s->kernel_width * s->in, window = s->kernel_height * width, row = s->in_width * s->in;
  for (long i = first_row; i < end_row; i++, windows += s->out_width * window) {
    for (long k = 0; k < s->kernel_height; k++) {
      const long y = i * s->stride_height + k * s->dilation_height - s->top;
      if (y < 0 || y >= s->in_height) continue;
      float *line = image + y * row;
      const float *values = windows + k * width;
      for (long j = 0; j < s->out_width; j++, values += window) {
        const long start = (j * s->stride_width - s->left) * s->in;
        const long first = start < 0 ? -start : 0, last = start + width > row ? row - start : width;
        for (long at = first; at < last; at++) line[start + at] += values[at];
      }
    }
  }
}

int elbo_convolve_narrow(elbo_thread *thread, const elbo_convolution *s, const float *destination,
                         const float *weights, float *source) {
  const long window = s->kernel_height * s->kernel_width * s->in, image = s->in_height * s->in_width * s->in;
  // So many rows of windows at once as the second-level cache holds, with what they are made of.
  long rows = BLOCK / (s->out_width * window);
  rows = rows < 1 ? 1 : rows > s->out_height ? s->out_height : rows;
  // Rounded up, so that the windows too start on a cache line.
  const long packed_count = (s->out * window + 15) / 16 * 16;
  float *packed = elbo_scratch(thread, (size_t)(packed_count + rows * s->out_width * window));
  if (!packed) return dnnl_out_of_memory;
  float *windows = packed + packed_count;
  pack(s, weights, packed);
  memset(source, 0, sizeof(float) * (size_t)(s->n * image));
  for (long n = 0; n < s->n; n++, source += image) {
    for (long row = 0; row < s->out_height; row += rows) {
      const long end = row + rows < s->out_height ? row + rows : s->out_height;
      const elbo_product product = {.m = (end - row) * s->out_width, .n = window, .k = s->out};
      const int status = elbo_multiply(&product, destination, packed, NULL, windows);
      if (status) return status;
      add_windows(s, row, end, windows, source);
      destination += product.m * s->out;
    }
  }
  return 0;
}
