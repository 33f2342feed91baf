#pragma STDC FP_CONTRACT OFF

#include "thread.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_thread(void *pointer) {
  elbo_thread *thread = pointer;
  elbo_free_products(thread->products);
  elbo_free_convolutions(thread->convolutions);
  free(thread->scratch);
  if (thread->stream) dnnl_stream_destroy(thread->stream);
  if (thread->engine) dnnl_engine_destroy(thread->engine);
  free(thread);
}

static void make_key(void) { pthread_key_create(&key, free_thread); }

elbo_thread *elbo_this_thread(dnnl_status_t *status) {
  pthread_once(&once, make_key);
  elbo_thread *thread = pthread_getspecific(key);
  if (thread) return thread;
  thread = calloc(1, sizeof *thread);
  if (!thread) return *status = dnnl_out_of_memory, NULL;
  if ((*status = dnnl_engine_create(&thread->engine, dnnl_cpu, 0)) ||
      (*status = dnnl_stream_create(&thread->stream, thread->engine, dnnl_stream_default_flags))) {
    free_thread(thread);
    return NULL;
  }
  pthread_setspecific(key, thread);
  return thread;
}

float *elbo_scratch(elbo_thread *thread, size_t count) {
  if (count <= thread->scratch_count) return thread->scratch;
  free(thread->scratch);
  thread->scratch = NULL;
  thread->scratch_count = 0;
  if (posix_memalign((void **)&thread->scratch, 64, count * sizeof(float))) return thread->scratch = NULL;
  thread->scratch_count = count;
  return thread->scratch;
}
