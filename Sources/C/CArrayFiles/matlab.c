#define _GNU_SOURCE
#include "parts.h"

#include <matio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// libmatio reads files with names, so the bytes become one that is in memory.
static mat_t *open_copy(const carrays_task *task) {
  int descriptor = memfd_create("matlab", MFD_CLOEXEC);
  if (descriptor < 0) return NULL;
  size_t done = 0;
  while (done < task->count) {
    ssize_t written = write(descriptor, task->bytes + done, task->count - done);
    if (written <= 0) return NULL;
    done += (size_t)written;
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  return Mat_Open(path, MAT_ACC_RDONLY);
}

static carrays_type type_of(const matvar_t *variable, const char **reason) {
  if (variable->isComplex) {
    *reason = "holds complex numbers";
    return CARRAYS_UNREADABLE;
  }
  switch (variable->class_type) {
    case MAT_C_DOUBLE: return CARRAYS_FLOAT64;
    case MAT_C_SINGLE: return CARRAYS_FLOAT32;
    case MAT_C_INT8: return CARRAYS_INT8;
    case MAT_C_UINT8: return variable->isLogical ? CARRAYS_BOOL : CARRAYS_UINT8;
    case MAT_C_INT16: return CARRAYS_INT16;
    case MAT_C_UINT16: return CARRAYS_UINT16;
    case MAT_C_INT32: return CARRAYS_INT32;
    case MAT_C_UINT32: return CARRAYS_UINT32;
    case MAT_C_INT64: return CARRAYS_INT64;
    case MAT_C_UINT64: return CARRAYS_UINT64;
    case MAT_C_CHAR: *reason = "holds texts"; break;
    case MAT_C_SPARSE: *reason = "is a sparse matrix"; break;
    default: *reason = "is a structure, a cell array or an object"; break;
  }
  return CARRAYS_UNREADABLE;
}

static void describe(const matvar_t *variable, carrays_report *report) {
  if (variable->name == NULL || variable->name[0] == 0) return;
  carrays_array *array = elbo_next(report, variable->name);
  if (array == NULL || array->reason[0] != 0) return;
  const char *reason = NULL;
  carrays_type type = type_of(variable, &reason);
  if (reason == NULL && (variable->rank < 1 || variable->dims == NULL)) reason = "is damaged";
  if (reason == NULL && variable->rank > CARRAYS_MOST_AXES) reason = "has more than 8 axes";
  if (reason != NULL) {
    elbo_refuse(array, reason);
    return;
  }
  array->type = type;
  array->axes = (uint32_t)variable->rank;
  for (int axis = 0; axis < variable->rank; axis++) array->shape[axis] = variable->dims[axis];
}

static carrays_status read_numbers(mat_t *file, const carrays_task *task) {
  matvar_t *variable = Mat_VarRead(file, task->name);
  const char *reason = NULL;
  if (variable == NULL || type_of(variable, &reason) != task->type || variable->data == NULL ||
      variable->nbytes != task->size || (size_t)variable->data_size != elbo_size_of(task->type)) {
    return CARRAYS_DAMAGED;
  }
  memcpy(task->target, variable->data, task->size);
  return CARRAYS_OK;
}

carrays_status elbo_read_matlab(const carrays_task *task, carrays_report *report) {
  mat_t *file = open_copy(task);
  if (file == NULL || Mat_GetVersion(file) != MAT_FT_MAT5) return CARRAYS_DAMAGED;
  elbo_confine();
  if (task->name != NULL) return read_numbers(file, task);
  matvar_t *variable;
  while ((variable = Mat_VarReadNextInfo(file)) != NULL) {
    describe(variable, report);
    Mat_VarFree(variable);
    if (report->is_cut) break;
  }
  return CARRAYS_OK;
}
