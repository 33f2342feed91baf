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

/// y = Σ over rows of a b, for each of `cols` columns, rows added in double from the first to the last.
void elbo_dot_cols(const float *a, const float *b, float *y, size_t rows, size_t cols);

#ifdef __cplusplus
}
#endif

#endif
