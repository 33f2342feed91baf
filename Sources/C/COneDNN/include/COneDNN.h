#ifndef ELBO_CONEDNN_H
#define ELBO_CONEDNN_H

#include <stdbool.h>
#include <stddef.h>

/// Thin shim over oneDNN's C API, versions 2 and 3, whose ways of making a primitive differ.
///
/// Every call computes on the calling thread. Primitives are kept per thread, keyed by the product's shape, so that
/// a product that was seen before costs no set-up and takes no lock.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  ELBO_ACTIVATION_NONE = 0,
  ELBO_ACTIVATION_RELU = 1,
} elbo_activation;

/// A product C = activation(op(A) op(B) + bias) [+ C], row-major and contiguous.
/// op(A) is m×k: A is stored m×k, or k×m when `transpose_a`. op(B) is k×n: B is stored k×n, or n×k when `transpose_b`.
typedef struct {
  long m, n, k;
  bool transpose_a, transpose_b;
  bool accumulate;             ///< adds to C what it held; not together with an activation
  elbo_activation activation;  ///< relu is fused into the product
} elbo_product;

/// Computes a product. `bias` is n floats, or NULL. m, n and k are at least 1.
/// Returns 0, or the status of the oneDNN call that failed.
int elbo_multiply(const elbo_product *product, const float *a, const float *b, const float *bias, float *c);

/// The sizes of a convolution of images, or of one of its two derivatives, in the words of the convolution itself:
/// source → destination. Images are n × height × width × channels, weights out × in × height × width.
typedef struct {
  long n;
  long in, in_height, in_width;     ///< channels and extent of the source
  long out, out_height, out_width;  ///< channels and extent of the destination
  long kernel_height, kernel_width;
  long stride_height, stride_width;
  long dilation_height, dilation_width;  ///< distance of the kernel's taps; 1: none left out
  long top, left, bottom, right;         ///< zeros around the source; negative at the bottom and right: rows unused
} elbo_convolution;

typedef enum {
  ELBO_CONVOLUTION_FORWARD = 0,  ///< (source, weights) → destination
  ELBO_CONVOLUTION_SOURCE = 1,   ///< (destination, weights) → source: the gradient of the source
  ELBO_CONVOLUTION_WEIGHTS = 2,  ///< (source, destination) → weights: the gradient of the weights
} elbo_convolution_kind;

/// Computes a convolution or a derivative of it: every number of the result is written. All extents are at least 1.
/// Returns 0, or the status of the oneDNN call that failed.
int elbo_convolve(elbo_convolution_kind kind, const elbo_convolution *sizes, const float *a, const float *b,
                  float *result);

/// Computes result = y > 0 ? y : slope * y of y = source ∗ weights + bias; `bias` is `out` floats. Slope 1 is no
/// rectification.
int elbo_convolve_rectified(const elbo_convolution *sizes, const float *source, const float *weights, const float *bias,
                            float slope, float *result);

/// The version of the oneDNN that is loaded.
void elbo_onednn_version(int *major, int *minor, int *patch);

/// Makes oneDNN compute on the calling thread alone: a lane is one thread, and lanes are the parallelism.
void elbo_compute_on_this_thread_only(void);

#ifdef __cplusplus
}
#endif
#endif
