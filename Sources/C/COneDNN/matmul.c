#pragma STDC FP_CONTRACT OFF

#include "COneDNN.h"

#include <dnnl.h>
#include <stdint.h>
#include <stdlib.h>

#include "thread.h"

#ifdef __linux__
extern void omp_set_num_threads(int);
#endif

typedef struct elbo_product_entry {
  struct elbo_product_entry *next;
  elbo_product product;
  bool has_bias;
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, bias, c;
} entry;

static void free_entry(entry *e) {
  if (e->primitive) dnnl_primitive_destroy(e->primitive);
  if (e->a) dnnl_memory_destroy(e->a);
  if (e->b) dnnl_memory_destroy(e->b);
  if (e->bias) dnnl_memory_destroy(e->bias);
  if (e->c) dnnl_memory_destroy(e->c);
  free(e);
}

void elbo_free_products(elbo_product_entry *table[]) {
  for (int i = 0; i < ELBO_BUCKETS; i++)
    for (entry *e = table[i], *next; e; e = next) next = e->next, free_entry(e);
}

/// A row-major rows×cols matrix, or the transposed view of a stored cols×rows one.
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t matrix;
static dnnl_status_t matrix_make(matrix *md, long rows, long cols, bool transposed) {
  dnnl_dims_t dims = {rows, cols}, strides = {transposed ? 1 : cols, transposed ? rows : 1};
  return dnnl_memory_desc_create_with_strides(md, 2, dims, dnnl_f32, strides);
}
static void matrix_free(matrix *md) {
  if (*md) dnnl_memory_desc_destroy(*md);
}
static const matrix matrix_none = NULL;
#else
typedef dnnl_memory_desc_t matrix;
static dnnl_status_t matrix_make(matrix *md, long rows, long cols, bool transposed) {
  dnnl_dims_t dims = {rows, cols}, strides = {transposed ? 1 : cols, transposed ? rows : 1};
  return dnnl_memory_desc_init_by_strides(md, 2, dims, dnnl_f32, strides);
}
static void matrix_free(matrix *md) { (void)md; }
static const matrix matrix_none = {0};
#endif

static dnnl_status_t append_post_ops(dnnl_post_ops_t ops, const elbo_product *p) {
#if DNNL_VERSION_MAJOR >= 3
  if (p->accumulate) return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
  return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0.0f, 0.0f);
#else
  if (p->accumulate) return dnnl_post_ops_append_sum(ops, 1.0f);
  return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
#endif
}

static dnnl_status_t describe(dnnl_primitive_desc_t *pd, elbo_thread *cache, const elbo_product *p, matrix *a,
                              matrix *b, matrix *bias, matrix *c) {
  dnnl_status_t status;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t ops = NULL;
  if ((status = dnnl_primitive_attr_create(&attributes))) return status;
  if (p->accumulate || p->activation != ELBO_ACTIVATION_NONE) {
    if ((status = dnnl_post_ops_create(&ops)) || (status = append_post_ops(ops, p)) ||
        (status = dnnl_primitive_attr_set_post_ops(attributes, ops)))
      goto done;
  }
#if DNNL_VERSION_MAJOR >= 3
  status = dnnl_matmul_primitive_desc_create(pd, cache->engine, *a, *b, bias ? *bias : NULL, *c, attributes);
#else
  dnnl_matmul_desc_t description;
  if ((status = dnnl_matmul_desc_init(&description, a, b, bias, c))) goto done;
  status = dnnl_primitive_desc_create(pd, &description, attributes, cache->engine, NULL);
#endif
done:
  if (ops) dnnl_post_ops_destroy(ops);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}

static dnnl_status_t make_entry(entry *e, elbo_thread *cache) {
  const elbo_product *p = &e->product;
  matrix a = matrix_none, b = matrix_none, bias = matrix_none, c = matrix_none;
  dnnl_primitive_desc_t pd = NULL;
  dnnl_status_t status;
  if ((status = matrix_make(&a, p->m, p->k, p->transpose_a)) || (status = matrix_make(&b, p->k, p->n, p->transpose_b)) ||
      (status = matrix_make(&c, p->m, p->n, false)) || (e->has_bias && (status = matrix_make(&bias, 1, p->n, false))) ||
      (status = describe(&pd, cache, p, &a, &b, e->has_bias ? &bias : NULL, &c)) ||
      (status = dnnl_primitive_create(&e->primitive, pd)) ||
      (status = dnnl_memory_create(&e->a, REF(a), cache->engine, DNNL_MEMORY_NONE)) ||
      (status = dnnl_memory_create(&e->b, REF(b), cache->engine, DNNL_MEMORY_NONE)) ||
      (status = dnnl_memory_create(&e->c, REF(c), cache->engine, DNNL_MEMORY_NONE)) ||
      (e->has_bias && (status = dnnl_memory_create(&e->bias, REF(bias), cache->engine, DNNL_MEMORY_NONE)))) {
    // falls through to the common clean-up
  }
  if (pd) dnnl_primitive_desc_destroy(pd);
  matrix_free(&a), matrix_free(&b), matrix_free(&c), matrix_free(&bias);
  return status;
}

static bool same(const entry *e, const elbo_product *p, bool has_bias) {
  return e->product.m == p->m && e->product.n == p->n && e->product.k == p->k &&
         e->product.transpose_a == p->transpose_a && e->product.transpose_b == p->transpose_b &&
         e->product.accumulate == p->accumulate && e->product.activation == p->activation && e->has_bias == has_bias;
}

static size_t bucket_of(const elbo_product *p, bool has_bias) {
  uint64_t h = (uint64_t)p->m * 0x9E3779B97F4A7C15u ^ (uint64_t)p->n * 0xC2B2AE3D27D4EB4Fu ^
               (uint64_t)p->k * 0x165667B19E3779F9u;
  h ^= (uint64_t)p->transpose_a << 3 ^ (uint64_t)p->transpose_b << 4 ^ (uint64_t)p->accumulate << 5 ^
       (uint64_t)p->activation << 6 ^ (uint64_t)has_bias << 9;
  return (h ^ h >> 29) % ELBO_BUCKETS;
}

int elbo_multiply(const elbo_product *product, const float *a, const float *b, const float *bias, float *c) {
  dnnl_status_t status = dnnl_success;
  elbo_thread *cache = elbo_this_thread(&status);
  if (!cache) return status;
  entry **slot = &cache->products[bucket_of(product, bias != NULL)];
  entry *e = *slot;
  while (e && !same(e, product, bias != NULL)) e = e->next;
  if (!e) {
    e = calloc(1, sizeof *e);
    if (!e) return dnnl_out_of_memory;
    e->product = *product;
    e->has_bias = bias != NULL;
    if ((status = make_entry(e, cache))) return free_entry(e), status;
    e->next = *slot;
    *slot = e;
  }
  if ((status = dnnl_memory_set_data_handle(e->a, (void *)a)) || (status = dnnl_memory_set_data_handle(e->b, (void *)b)) ||
      (status = dnnl_memory_set_data_handle(e->c, c)))
    return status;
  if (bias && (status = dnnl_memory_set_data_handle(e->bias, (void *)bias))) return status;
  dnnl_exec_arg_t arguments[] = {
      {DNNL_ARG_SRC, e->a}, {DNNL_ARG_WEIGHTS, e->b}, {DNNL_ARG_DST, e->c}, {DNNL_ARG_BIAS, e->bias}};
  if ((status = dnnl_primitive_execute(e->primitive, cache->stream, bias ? 4 : 3, arguments))) return status;
  return dnnl_stream_wait(cache->stream);
}

void elbo_onednn_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *v = dnnl_version();
  *major = v->major, *minor = v->minor, *patch = v->patch;
}

void elbo_compute_on_this_thread_only(void) {
#ifdef __linux__
  omp_set_num_threads(1);
#endif
}
