/// Images, channels last: resampling by a small filter, and sums over pixels.
#ifndef ELBO_IMAGES_H
#define ELBO_IMAGES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Taps of the filter that resampling uses.
enum { ELBO_TAPS = 4 };

/// One axis of an array, seen as `outer` × length × `inner`: `up` − 1 zeros follow each number, `before` zeros come
/// first, the filter runs over them, and every `down`-th of its results is kept.
struct elbo_resampling {
  size_t outer, length, out_length, inner, up, down, before;
  float taps[ELBO_TAPS];
};

/// y[o, j, i] = Σ over t of taps[t] · z[j · down + t − before], with z[p] = x[o, p / up, i] where `up` divides p, zero
/// elsewhere and outside of the array. Sums go from the first tap to the last.
void elbo_resample(const float *x, const struct elbo_resampling *axis, float *y);

/// One image of `pixels` × `channels`: y = f(x scale[channel] + strength noise[pixel] + bias[channel]), f(z) = z where z > 0,
/// slope z elsewhere. Without noise `noise` is null.
void elbo_rectify_styled(
    const float *x, const float *scale, const float *noise, float strength, const float *bias, float slope, float *y,
    size_t pixels, size_t channels);

/// Its derivatives, given y and dy: dx, and sums over pixels in double for each channel: dscale, dbias, and dnoise, what comes
/// to the strength (not written without noise).
void elbo_rectify_styled_grad(
    const float *x, const float *scale, const float *noise, const float *y, float slope, const float *dy, float *dx,
    float *dscale, float *dbias, float *dnoise, size_t pixels, size_t channels);

/// y = Σ over rows of a b, for each of `cols` columns, rows added in double from the first to the last.
void elbo_dot_cols(const float *a, const float *b, float *y, size_t rows, size_t cols);

#ifdef __cplusplus
}
#endif

#endif
