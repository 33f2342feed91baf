#ifndef ELBO_CONEDNN_NARROW_H
#define ELBO_CONEDNN_NARROW_H

#include <stdbool.h>

#include "COneDNN.h"
#include "thread.h"

/// Whether a convolution is the gradient of a source of so few channels that a product does better than oneDNN, whose
/// kernels fill vectors with channels.
bool elbo_is_narrow(elbo_convolution_kind kind, const elbo_convolution *sizes);

/// Computes that gradient: for each image a product, whose rows are then added where their windows lie.
int elbo_convolve_narrow(elbo_thread *thread, const elbo_convolution *sizes, const float *destination,
                         const float *weights, float *source);

#endif
