#pragma STDC FP_CONTRACT OFF

#include <dnnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "COneDNN.h"
#include "narrow.h"
#include "thread.h"
#include "windows.h"

/// A primitive with its memories. Images lie channels-last, as everywhere in Elbo; how weights lie is left to oneDNN,
/// and a reorder stands before (or, for their gradient, after) the primitive where that is not as stored.
typedef struct elbo_convolution_entry {
  struct elbo_convolution_entry *next;
  elbo_convolution_kind kind;
  elbo_convolution sizes;
  /// Of the rectification that follows; 1: none.
  float slope;
  dnnl_primitive_t primitive, reorder;
  dnnl_memory_t source, destination;
  /// NULL where nothing is added.
  dnnl_memory_t bias;
  /// The weights as they are stored, and as the primitive wants them: the same where `reorder` is NULL.
  dnnl_memory_t stored, weights;
} entry;

static void free_entry(entry *e) {
  if (e->primitive) dnnl_primitive_destroy(e->primitive);
  if (e->reorder) dnnl_primitive_destroy(e->reorder);
  if (e->source) dnnl_memory_destroy(e->source);
  if (e->destination) dnnl_memory_destroy(e->destination);
  if (e->bias) dnnl_memory_destroy(e->bias);
  if (e->weights && e->weights != e->stored) dnnl_memory_destroy(e->weights);
  if (e->stored) dnnl_memory_destroy(e->stored);
  free(e);
}

void elbo_free_convolutions(elbo_convolution_entry *table[]) {
  for (int i = 0; i < ELBO_BUCKETS; i++)
    for (entry *e = table[i], *next; e; e = next) next = e->next, free_entry(e);
}

// MARK: What differs between versions 2 and 3

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t queried;
static dnnl_status_t describe_memory(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(md, rank, dims, dnnl_f32, tag);
}
static dnnl_status_t append_rectification(dnnl_post_ops_t ops, float slope) {
  return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, slope, 0);
}
static void free_description(dnnl_memory_desc_t *md) {
  if (*md) dnnl_memory_desc_destroy(*md);
}
static const dnnl_memory_desc_t no_description = NULL;
#else
typedef const dnnl_memory_desc_t *queried;
static dnnl_status_t describe_memory(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(md, rank, dims, dnnl_f32, tag);
}
static dnnl_status_t append_rectification(dnnl_post_ops_t ops, float slope) {
  return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, slope, 0);
}
static void free_description(dnnl_memory_desc_t *md) { (void)md; }
static const dnnl_memory_desc_t no_description = {0};
#endif

typedef struct {
  dnnl_dims_t strides, dilations, before, after;
} geometry;

/// The primitive descriptor of a kind; `forward` is a hint that derivatives want, `bias` may be NULL.
static dnnl_status_t describe(dnnl_primitive_desc_t *pd, elbo_convolution_kind kind, elbo_thread *thread,
                              dnnl_memory_desc_t *source, dnnl_memory_desc_t *weights, dnnl_memory_desc_t *bias,
                              dnnl_memory_desc_t *destination, const geometry *g, const_dnnl_primitive_desc_t forward,
                              const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  switch (kind) {
  case ELBO_CONVOLUTION_FORWARD:
    return dnnl_convolution_forward_primitive_desc_create(
        pd, thread->engine, dnnl_forward_training, dnnl_convolution_direct, *source, *weights,
        bias ? *bias : NULL, *destination, g->strides, g->dilations, g->before, g->after, attributes);
  case ELBO_CONVOLUTION_SOURCE:
    return dnnl_convolution_backward_data_primitive_desc_create(
        pd, thread->engine, dnnl_convolution_direct, *source, *weights, *destination, g->strides, g->dilations,
        g->before, g->after, forward, attributes);
  default:
    return dnnl_convolution_backward_weights_primitive_desc_create(
        pd, thread->engine, dnnl_convolution_direct, *source, *weights, NULL, *destination, g->strides, g->dilations,
        g->before, g->after, forward, attributes);
  }
#else
  dnnl_status_t status;
  dnnl_convolution_desc_t d;
  switch (kind) {
  case ELBO_CONVOLUTION_FORWARD:
    status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, source,
                                                        weights, bias, destination, g->strides, g->dilations,
                                                        g->before, g->after);
    break;
  case ELBO_CONVOLUTION_SOURCE:
    status = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, source, weights,
                                                              destination, g->strides, g->dilations, g->before,
                                                              g->after);
    break;
  default:
    status = dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, source, weights, NULL,
                                                                 destination, g->strides, g->dilations, g->before,
                                                                 g->after);
  }
  return status ? status : dnnl_primitive_desc_create(pd, &d, attributes, thread->engine, forward);
#endif
}

// MARK: Making

static dnnl_status_t make_weights(entry *e, elbo_thread *thread, dnnl_memory_desc_t *stored, queried wanted) {
  dnnl_status_t status;
  if ((status = dnnl_memory_create(&e->stored, REF(*stored), thread->engine, DNNL_MEMORY_NONE))) return status;
  if (dnnl_memory_desc_equal(wanted, REF(*stored))) return e->weights = e->stored, dnnl_success;
  if ((status = dnnl_memory_create(&e->weights, wanted, thread->engine, DNNL_MEMORY_ALLOCATE))) return status;
  dnnl_primitive_desc_t pd = NULL;
  bool leaves = e->kind == ELBO_CONVOLUTION_WEIGHTS;
  status = dnnl_reorder_primitive_desc_create(&pd, leaves ? wanted : REF(*stored), thread->engine,
                                              leaves ? REF(*stored) : wanted, thread->engine, NULL);
  if (!status) status = dnnl_primitive_create(&e->reorder, pd);
  if (pd) dnnl_primitive_desc_destroy(pd);
  return status;
}

/// NULL where nothing follows the convolution.
static dnnl_status_t make_attributes(dnnl_primitive_attr_t *attributes, float slope) {
  if (slope == 1) return dnnl_success;
  dnnl_post_ops_t ops = NULL;
  dnnl_status_t status;
  if ((status = dnnl_primitive_attr_create(attributes)) || (status = dnnl_post_ops_create(&ops)) ||
      (status = append_rectification(ops, slope)) || (status = dnnl_primitive_attr_set_post_ops(*attributes, ops))) {
    // falls through to the common clean-up
  }
  if (ops) dnnl_post_ops_destroy(ops);
  return status;
}

static dnnl_status_t make_entry(entry *e, elbo_thread *thread, bool has_bias) {
  const elbo_convolution *s = &e->sizes;
  const dnnl_dims_t in = {s->n, s->in, s->in_height, s->in_width}, out = {s->n, s->out, s->out_height, s->out_width};
  const dnnl_dims_t kernel = {s->out, s->in, s->kernel_height, s->kernel_width}, channels = {s->out};
  // oneDNN counts the taps left out.
  const geometry g = {{s->stride_height, s->stride_width},
                      {s->dilation_height - 1, s->dilation_width - 1},
                      {s->top, s->left},
                      {s->bottom, s->right}};
  dnnl_memory_desc_t source = no_description, destination = no_description, weights = no_description,
                     stored = no_description, bias = no_description;
  dnnl_primitive_desc_t pd = NULL, forward = NULL;
  dnnl_primitive_attr_t attributes = NULL;
  const dnnl_query_t query =
      e->kind == ELBO_CONVOLUTION_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  dnnl_status_t status;
  if ((status = describe_memory(&source, 4, in, dnnl_nhwc)) ||
      (status = describe_memory(&destination, 4, out, dnnl_nhwc)) ||
      (status = describe_memory(&weights, 4, kernel, dnnl_format_tag_any)) ||
      (status = describe_memory(&stored, 4, kernel, dnnl_oihw)) ||
      (has_bias && (status = describe_memory(&bias, 1, channels, dnnl_a))) ||
      (status = make_attributes(&attributes, e->slope)) ||
      (e->kind != ELBO_CONVOLUTION_FORWARD && (status = describe(&forward, ELBO_CONVOLUTION_FORWARD, thread, &source,
                                                                 &weights, NULL, &destination, &g, NULL, NULL))) ||
      (status = describe(&pd, e->kind, thread, &source, &weights, has_bias ? &bias : NULL, &destination, &g, forward,
                         attributes)) ||
      (status = dnnl_primitive_create(&e->primitive, pd)) ||
      (status = dnnl_memory_create(&e->source, REF(source), thread->engine, DNNL_MEMORY_NONE)) ||
      (status = dnnl_memory_create(&e->destination, REF(destination), thread->engine, DNNL_MEMORY_NONE)) ||
      (has_bias && (status = dnnl_memory_create(&e->bias, REF(bias), thread->engine, DNNL_MEMORY_NONE))) ||
      (status = make_weights(e, thread, &stored, dnnl_primitive_desc_query_md(pd, query, 0)))) {
    // falls through to the common clean-up
  }
  if (pd) dnnl_primitive_desc_destroy(pd);
  if (forward) dnnl_primitive_desc_destroy(forward);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  free_description(&source), free_description(&destination), free_description(&weights), free_description(&stored);
  free_description(&bias);
  return status;
}

static entry **find(elbo_thread *thread, elbo_convolution_kind kind, const elbo_convolution *sizes, bool has_bias,
                    float slope) {
  // The struct is all `long`s, so that its bytes are its value.
  uint64_t h = (uint64_t)kind << 1 | has_bias;
  const long *words = (const long *)sizes;
  for (size_t i = 0; i < sizeof *sizes / sizeof *words; i++) h = (h ^ (uint64_t)words[i]) * 0x9E3779B97F4A7C15u;
  entry **slot = &thread->convolutions[(h ^ h >> 32) % ELBO_BUCKETS];
  while (*slot && ((*slot)->kind != kind || memcmp(&(*slot)->sizes, sizes, sizeof *sizes) ||
                   ((*slot)->bias != NULL) != has_bias || (*slot)->slope != slope))
    slot = &(*slot)->next;
  return slot;
}

// MARK: Computing

static dnnl_status_t run_reorder(const entry *e, elbo_thread *thread) {
  if (!e->reorder) return dnnl_success;
  bool leaves = e->kind == ELBO_CONVOLUTION_WEIGHTS;
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, leaves ? e->weights : e->stored},
                                 {DNNL_ARG_TO, leaves ? e->stored : e->weights}};
  return dnnl_primitive_execute(e->reorder, thread->stream, 2, arguments);
}

static int convolve(elbo_convolution_kind kind, const elbo_convolution *sizes, const float *a, const float *b,
                    const float *bias, float slope, float *result) {
  dnnl_status_t status = dnnl_success;
  elbo_thread *thread = elbo_this_thread(&status);
  if (!thread) return status;
  if (elbo_is_narrow(kind, sizes)) return elbo_convolve_narrow(thread, sizes, a, b, result);
  if (elbo_has_windows(sizes)) return elbo_convolve_windows(thread, kind, sizes, a, b, bias, slope, result);
  entry **slot = find(thread, kind, sizes, bias != NULL, slope);
  if (!*slot) {
    entry *made = calloc(1, sizeof *made);
    if (!made) return dnnl_out_of_memory;
    made->kind = kind, made->sizes = *sizes, made->slope = slope;
    if ((status = make_entry(made, thread, bias != NULL))) return free_entry(made), status;
    *slot = made;
  }
  const entry *e = *slot;
  float *source = kind == ELBO_CONVOLUTION_SOURCE ? result : (float *)a;
  float *weights = kind == ELBO_CONVOLUTION_WEIGHTS ? result : (float *)b;
  float *destination = kind == ELBO_CONVOLUTION_FORWARD ? result : (float *)(kind == ELBO_CONVOLUTION_SOURCE ? a : b);
  if ((status = dnnl_memory_set_data_handle(e->source, source)) ||
      (status = dnnl_memory_set_data_handle(e->stored, weights)) ||
      (status = dnnl_memory_set_data_handle(e->destination, destination)) ||
      (bias && (status = dnnl_memory_set_data_handle(e->bias, (float *)bias))))
    return status;
  static const int arguments_of[][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                        {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                        {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
  dnnl_exec_arg_t arguments[] = {{arguments_of[kind][0], e->source},
                                 {arguments_of[kind][1], e->weights},
                                 {arguments_of[kind][2], e->destination},
                                 {DNNL_ARG_BIAS, e->bias}};
  if (kind != ELBO_CONVOLUTION_WEIGHTS && (status = run_reorder(e, thread))) return status;
  if ((status = dnnl_primitive_execute(e->primitive, thread->stream, bias ? 4 : 3, arguments))) return status;
  if (kind == ELBO_CONVOLUTION_WEIGHTS && (status = run_reorder(e, thread))) return status;
  return dnnl_stream_wait(thread->stream);
}

int elbo_convolve(elbo_convolution_kind kind, const elbo_convolution *sizes, const float *a, const float *b,
                  float *result) {
  return convolve(kind, sizes, a, b, NULL, 1, result);
}

int elbo_convolve_rectified(const elbo_convolution *sizes, const float *source, const float *weights, const float *bias,
                            float slope, float *result) {
  return convolve(ELBO_CONVOLUTION_FORWARD, sizes, source, weights, bias, slope, result);
}
