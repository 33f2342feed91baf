/// Maximum pooling of images, channels last, that remembers where each maximum lay, and the ways between both sides.
#ifndef ELBO_POOLING_H
#define ELBO_POOLING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Square windows on images of height × width × channels: window (i, j) of rows × columns begins at pixel
/// (i * stride - padding, j * stride - padding). What lies outside of the image is no part of it; each has a pixel.
struct elbo_windows {
  size_t images, height, width, channels, rows, columns, size, stride, padding;
  /// Not 0: every pixel lies in exactly one window.
  int tiles;
};

/// y = the greatest number of each window and channel, place = which pixel of the window it is, counted row by row; at
/// a tie the first.
void elbo_max_windows(const float *x, const struct elbo_windows *windows, float *y, int32_t *place);

/// y = the number of each window and channel at its place.
void elbo_gather_windows(const float *x, const int32_t *place, const struct elbo_windows *windows, float *y);

/// The transpose: adds each y at its place to x; where the windows tile the image it sets x, zeros elsewhere.
void elbo_scatter_windows(const float *y, const int32_t *place, const struct elbo_windows *windows, float *x);

#ifdef __cplusplus
}
#endif

#endif
