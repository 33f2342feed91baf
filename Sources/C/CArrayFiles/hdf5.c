#include "parts.h"

#include <hdf5/serial/hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char broken[] = "is damaged, or written by a newer version of HDF5 than this one";

enum { MOST_DEPTH = 8, MOST_LINKS = 100000 };

// A chunk is decompressed as a whole.
static const uint64_t largest_chunk = (uint64_t)1 << 30;

// The library takes the bytes as they lie, and copies nothing.

static void *take(size_t size, H5FD_file_image_op_t operation, void *task) {
  (void)size;
  (void)operation;
  return (void *)(uintptr_t)((const carrays_task *)task)->bytes;
}

static void *keep(void *target, const void *source, size_t size, H5FD_file_image_op_t operation, void *task) {
  (void)source;
  (void)size;
  (void)operation;
  (void)task;
  return target;
}

static void *grow(void *memory, size_t size, H5FD_file_image_op_t operation, void *task) {
  (void)memory;
  (void)size;
  (void)operation;
  (void)task;
  return NULL;
}

static herr_t leave(void *memory, H5FD_file_image_op_t operation, void *task) {
  (void)memory;
  (void)operation;
  (void)task;
  return 0;
}

static void *same(void *task) { return task; }

static herr_t let_go(void *task) {
  (void)task;
  return 0;
}

static hid_t open_image(const carrays_task *task) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return -1;
  H5FD_file_image_callbacks_t callbacks = {take, keep, grow, leave, same, let_go, (void *)(uintptr_t)task};
  hid_t file = -1;
  if (H5Pset_fapl_core(access, 1 << 16, 0) >= 0 && H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
      H5Pset_file_image(access, (void *)(uintptr_t)task->bytes, task->count) >= 0) {
    file = H5Fopen("image", H5F_ACC_RDONLY, access);
  }
  H5Pclose(access);
  return file;
}

static carrays_type type_of(hid_t type, const char **reason) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: {
      int is_signed = H5Tget_sign(type) == H5T_SGN_2;
      switch (size) {
        case 1: return is_signed ? CARRAYS_INT8 : CARRAYS_UINT8;
        case 2: return is_signed ? CARRAYS_INT16 : CARRAYS_UINT16;
        case 4: return is_signed ? CARRAYS_INT32 : CARRAYS_UINT32;
        case 8: return is_signed ? CARRAYS_INT64 : CARRAYS_UINT64;
      }
      *reason = "holds integers of a size that is not read";
      return CARRAYS_UNREADABLE;
    }
    case H5T_FLOAT:
      // Half floats are numbers of single precision, all of them.
      if (size == 2 || size == 4) return CARRAYS_FLOAT32;
      if (size == 8) return CARRAYS_FLOAT64;
      *reason = "holds floating-point numbers of a size that is not read";
      return CARRAYS_UNREADABLE;
    case H5T_ENUM:
      // How numpy's booleans are kept.
      if (size == 1 && H5Tget_nmembers(type) == 2) return CARRAYS_BOOL;
      *reason = "holds names of values";
      return CARRAYS_UNREADABLE;
    case H5T_STRING: *reason = "holds texts"; return CARRAYS_UNREADABLE;
    case H5T_COMPOUND: *reason = "holds records"; return CARRAYS_UNREADABLE;
    case H5T_REFERENCE: *reason = "holds references"; return CARRAYS_UNREADABLE;
    default: *reason = "holds no numbers"; return CARRAYS_UNREADABLE;
  }
}

// Whether what MATLAB says of an array is `class`.
static int is_matlab_class(hid_t object, const char *class) {
  int result = 0;
  if (H5Aexists(object, "MATLAB_class") <= 0) return 0;
  hid_t attribute = H5Aopen(object, "MATLAB_class", H5P_DEFAULT);
  hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
  char text[64] = {0};
  if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
      H5Tget_size(type) < sizeof text && H5Aread(attribute, type, text) >= 0) {
    result = strcmp(text, class) == 0;
  }
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return result;
}

// Why the numbers of a dataset cannot be had from this file alone, by what this library has; null: they can.
static const char *obstacle(hid_t dataset, size_t element) {
  H5D_space_status_t space;
  if (H5Dget_space_status(dataset, &space) < 0) return broken;
  if (space == H5D_SPACE_STATUS_NOT_ALLOCATED) return "has a shape, but no numbers";
  hid_t creation = H5Dget_create_plist(dataset);
  if (creation < 0) return broken;
  const char *result = NULL;
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) != 0) {
    result = "has its numbers in other files";
  } else if (layout < 0) {
    result = broken;
  }
  if (result == NULL && layout == H5D_CHUNKED) {
    hsize_t extents[H5S_MAX_RANK];
    int axes = H5Pget_chunk(creation, H5S_MAX_RANK, extents);
    uint64_t size = element;
    for (int axis = 0; axis < axes && axis < H5S_MAX_RANK && size <= largest_chunk; axis++) {
      size = extents[axis] > largest_chunk ? largest_chunk + 1 : size * extents[axis];
    }
    if (axes < 0 || size > largest_chunk) result = "has chunks of more than 1 GiB";
  }
  int filters = H5Pget_nfilters(creation);
  if (filters < 0) result = broken;
  for (int index = 0; index < filters && result == NULL; index++) {
    unsigned flags = 0;
    size_t values = 0;
    unsigned configuration = 0;
    H5Z_filter_t filter =
        H5Pget_filter2(creation, (unsigned)index, &flags, &values, NULL, 0, NULL, &configuration);
    // Those of the library itself; the others are code that it would load.
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
      result = "is compressed by other means than gzip";
    }
  }
  H5Pclose(creation);
  return result;
}

static void describe(hid_t dataset, const char *name, carrays_format format, carrays_report *report) {
  carrays_array *array = elbo_next(report, name);
  if (array == NULL || array->reason[0] != 0) return;
  hid_t type = H5Dget_type(dataset);
  hid_t space = H5Dget_space(dataset);
  const char *reason = NULL;
  if (type < 0 || space < 0) {
    reason = broken;
  } else {
    carrays_type known = type_of(type, &reason);
    int axes = H5Sget_simple_extent_ndims(space);
    hsize_t extents[H5S_MAX_RANK] = {0};
    if (reason == NULL && (axes < 0 || H5Sget_simple_extent_type(space) == H5S_NULL)) reason = "holds nothing";
    if (reason == NULL && axes > CARRAYS_MOST_AXES) reason = "has more than 8 axes";
    if (reason == NULL && H5Sget_simple_extent_dims(space, extents, NULL) < 0) reason = broken;
    if (reason == NULL && format == CARRAYS_MATLAB_HDF5) {
      if (is_matlab_class(dataset, "char")) reason = "holds texts";
      if (H5Aexists(dataset, "MATLAB_empty") > 0) reason = "holds nothing";
    }
    if (reason == NULL) reason = obstacle(dataset, elbo_size_of(known));
    if (reason == NULL) {
      array->type = known;
      array->axes = (uint32_t)axes;
      for (int axis = 0; axis < axes; axis++) array->shape[axis] = extents[axis];
      array->stored = H5Dget_storage_size(dataset);
    }
  }
  if (reason != NULL) elbo_refuse(array, reason);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
}

typedef struct {
  carrays_format format;
  carrays_report *report;
  const char *path;
  int depth;
  int *links;
} visit;

static herr_t look(hid_t group, const char *name, const H5L_info_t *link, void *context) {
  const visit *here = context;
  if (++*here->links > MOST_LINKS) {
    here->report->is_cut = 1;
    return 1;
  }
  char path[CARRAYS_LONGEST_NAME + 2];
  snprintf(path, sizeof path, "%s%s%s", here->path, here->path[0] ? "/" : "", name);
  // MATLAB's own.
  if (here->format == CARRAYS_MATLAB_HDF5 && name[0] == '#') return 0;
  if (link->type != H5L_TYPE_HARD) {
    carrays_array *array = elbo_next(here->report, path);
    if (array != NULL) elbo_refuse(array, link->type == H5L_TYPE_SOFT ? "is a link" : "is a link to another file");
    return 0;
  }
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) {
    carrays_array *array = elbo_next(here->report, path);
    if (array != NULL) elbo_refuse(array, broken);
    return 0;
  }
  H5I_type_t kind = H5Iget_type(object);
  herr_t status = 0;
  if (kind == H5I_DATASET) {
    describe(object, path, here->format, here->report);
  } else if (kind == H5I_GROUP && here->format == CARRAYS_MATLAB_HDF5) {
    carrays_array *array = elbo_next(here->report, path);
    if (array != NULL) elbo_refuse(array, "is a structure or a sparse matrix");
  } else if (kind == H5I_GROUP && here->depth < MOST_DEPTH) {
    visit inside = *here;
    inside.path = path;
    inside.depth++;
    status = H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, look, &inside);
  }
  H5Oclose(object);
  return status;
}

static carrays_status list(hid_t file, const carrays_task *task, carrays_report *report) {
  int links = 0;
  visit root = {task->format, report, "", 0, &links};
  return H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, look, &root) < 0 ? CARRAYS_DAMAGED : CARRAYS_OK;
}

static hid_t memory_type(carrays_type type) {
  switch (type) {
    case CARRAYS_INT8: return H5T_NATIVE_INT8;
    case CARRAYS_INT16: return H5T_NATIVE_INT16;
    case CARRAYS_INT32: return H5T_NATIVE_INT32;
    case CARRAYS_INT64: return H5T_NATIVE_INT64;
    case CARRAYS_UINT8: return H5T_NATIVE_UINT8;
    case CARRAYS_UINT16: return H5T_NATIVE_UINT16;
    case CARRAYS_UINT32: return H5T_NATIVE_UINT32;
    case CARRAYS_UINT64: return H5T_NATIVE_UINT64;
    case CARRAYS_FLOAT32: return H5T_NATIVE_FLOAT;
    case CARRAYS_FLOAT64: return H5T_NATIVE_DOUBLE;
    default: return -1;
  }
}

static carrays_status read_numbers(hid_t file, const carrays_task *task) {
  hid_t dataset = H5Dopen2(file, task->name, H5P_DEFAULT);
  if (dataset < 0) return CARRAYS_DAMAGED;
  hid_t own = H5Dget_type(dataset);
  hid_t space = H5Dget_space(dataset);
  carrays_status status = CARRAYS_DAMAGED;
  const char *reason = NULL;
  // What was listed is looked at once more: the array must still fill the target, and nothing more.
  if (own >= 0 && space >= 0 && type_of(own, &reason) == task->type &&
      obstacle(dataset, elbo_size_of(task->type)) == NULL) {
    hssize_t count = H5Sget_simple_extent_npoints(space);
    hid_t type = task->type == CARRAYS_BOOL ? own : memory_type(task->type);
    if (count >= 0 && (uint64_t)count == task->size / elbo_size_of(task->type) &&
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, task->target) >= 0) {
      status = CARRAYS_OK;
    }
  }
  if (space >= 0) H5Sclose(space);
  if (own >= 0) H5Tclose(own);
  H5Dclose(dataset);
  return status;
}

carrays_status elbo_read_hdf5(const carrays_task *task, carrays_report *report) {
  if (H5open() < 0) return CARRAYS_NO_MEMORY;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  elbo_confine();
  hid_t file = open_image(task);
  if (file < 0) return CARRAYS_DAMAGED;
  return task->name == NULL ? list(file, task, report) : read_numbers(file, task);
}
