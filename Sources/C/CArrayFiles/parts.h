// What the readers and the process they run in share.

#ifndef CARRAYFILES_PARTS_H
#define CARRAYFILES_PARTS_H

#include "CArrayFiles.h"

// A file in memory, and what is wanted of it.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  carrays_format format;
  // Nil: a list.
  const char *name;
  carrays_type type;
  void *target;
  size_t size;
} carrays_task;

// Each calls elbo_confine as soon as it needs nothing but memory any more.
carrays_status elbo_read_hdf5(const carrays_task *task, carrays_report *report);
carrays_status elbo_read_matlab(const carrays_task *task, carrays_report *report);

// From here on the process may only ask the system for memory.
void elbo_confine(void);

// Bytes of one number.
size_t elbo_size_of(carrays_type type);

// Another entry of the list; null when it is full.
carrays_array *elbo_next(carrays_report *report, const char *name);

// Says why an array is not read.
void elbo_refuse(carrays_array *array, const char *reason);

#endif
