// Arrays of HDF5 and MATLAB files, read by libhdf5 and libmatio in a process of their own.
//
// Both libraries trust what a file says of itself: a damaged one makes them crash, loop, or follow names to other
// files. So a child process without any open file, that may call the system for memory alone, reads the bytes that
// lie in memory, and what it leaves in shared memory is believed only after it has been checked.

#ifndef CARRAYFILES_H
#define CARRAYFILES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CARRAYS_OK = 0,
  CARRAYS_DAMAGED,      // the library refused the file, or the array
  CARRAYS_CRASHED,      // the child ended before it was done
  CARRAYS_TOO_LONG,     // it used up its time
  CARRAYS_NO_MEMORY,    // the system gave no memory, or no process
} carrays_status;

typedef enum {
  CARRAYS_HDF5,
  CARRAYS_MATLAB_HDF5,  // MATLAB's version 7.3: HDF5 with attributes that say what an array means
  CARRAYS_MATLAB,       // versions 5 to 7
} carrays_format;

typedef enum {
  CARRAYS_UNREADABLE = 0,
  CARRAYS_BOOL,
  CARRAYS_INT8,
  CARRAYS_INT16,
  CARRAYS_INT32,
  CARRAYS_INT64,
  CARRAYS_UINT8,
  CARRAYS_UINT16,
  CARRAYS_UINT32,
  CARRAYS_UINT64,
  CARRAYS_FLOAT32,
  CARRAYS_FLOAT64,
} carrays_type;

enum { CARRAYS_MOST_ARRAYS = 2048, CARRAYS_MOST_AXES = 8, CARRAYS_LONGEST_NAME = 255 };

typedef struct {
  char name[CARRAYS_LONGEST_NAME + 1];
  // Why an array of the type CARRAYS_UNREADABLE is not read.
  char reason[96];
  uint32_t type;
  uint32_t axes;
  // As the library says it: of HDF5 the last index runs fastest, of CARRAYS_MATLAB the first.
  uint64_t shape[CARRAYS_MOST_AXES];
  // Bytes in the file; 0 where the library does not say.
  uint64_t stored;
} carrays_array;

typedef struct {
  uint32_t status;
  uint32_t is_finished;
  uint32_t count;
  // Whether there are more arrays than are listed.
  uint32_t is_cut;
  carrays_array arrays[CARRAYS_MOST_ARRAYS];
} carrays_report;

// Lists the arrays of a file in memory. `*report` is released by carrays_free, also when it fails.
carrays_status carrays_list(const uint8_t *bytes, size_t count, carrays_format format, carrays_report **report);

// Reads one array, in this machine's byte order. `*target`, of `size` bytes, is released by carrays_free; null when it
// fails.
carrays_status carrays_read(const uint8_t *bytes, size_t count, carrays_format format, const char *name,
                            carrays_type type, size_t size, void **target);

void carrays_free(void *memory, size_t size);

#endif
