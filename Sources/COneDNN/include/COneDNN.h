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

/// The version of the oneDNN that is loaded.
void elbo_onednn_version(int *major, int *minor, int *patch);

/// Makes oneDNN compute on the calling thread alone: a lane is one thread, and lanes are the parallelism.
void elbo_compute_on_this_thread_only(void);

#ifdef __cplusplus
}
#endif
#endif
