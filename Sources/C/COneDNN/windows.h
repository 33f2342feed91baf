#ifndef ELBO_CONEDNN_WINDOWS_H
#define ELBO_CONEDNN_WINDOWS_H

#include "COneDNN.h"
#include "thread.h"

/// Convolutions and their derivatives as products of windows that are read where they lie: channels-last, a row of a
/// window is one piece of memory, and so a row of a matrix that never is built. On processors with AVX2 alone, where
/// oneDNN's kernels for strided windows stay below matrix products; with AVX-512 they do not.

/// Whether a convolution is better computed here.
bool elbo_has_windows(const elbo_convolution *sizes);

/// `bias` and `slope` (1: none) follow a forward convolution; otherwise as `elbo_convolve`.
int elbo_convolve_windows(elbo_thread *thread, elbo_convolution_kind kind, const elbo_convolution *sizes, const float *a,
                          const float *b, const float *bias, float slope, float *result);

#endif
