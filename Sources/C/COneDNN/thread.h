#ifndef ELBO_CONEDNN_THREAD_H
#define ELBO_CONEDNN_THREAD_H

#include <dnnl.h>
#include <stddef.h>

/// A memory descriptor is a value in version 2 of oneDNN and a handle in version 3; both as an argument.
#if DNNL_VERSION_MAJOR >= 3
#define REF(md) (md)
#else
#define REF(md) (&(md))
#endif

enum { ELBO_BUCKETS = 256 };

typedef struct elbo_product_entry elbo_product_entry;
typedef struct elbo_convolution_entry elbo_convolution_entry;

/// What one thread needs: an engine and stream of its own, and the primitives it has made.
typedef struct {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  elbo_product_entry *products[ELBO_BUCKETS];
  elbo_convolution_entry *convolutions[ELBO_BUCKETS];
  /// Room for what is made on the way to a result, and its length.
  float *scratch;
  size_t scratch_count;
} elbo_thread;

/// The calling thread's; NULL and a status when it cannot be made.
elbo_thread *elbo_this_thread(dnnl_status_t *status);

/// The thread's room for `count` numbers, whose values are lost; NULL when there is no memory.
float *elbo_scratch(elbo_thread *thread, size_t count);

void elbo_free_products(elbo_product_entry *table[]);
void elbo_free_convolutions(elbo_convolution_entry *table[]);

#endif
