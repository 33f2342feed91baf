#define _GNU_SOURCE
#include "CMemory.h"

#include <string.h>

typedef uint64_t Vector __attribute__((vector_size(16)));

void elbo_memory_stream(void *target, const void *source, size_t count) {
  size_t done = 0;
  if ((uintptr_t)target % sizeof(Vector) == 0 && (uintptr_t)source % sizeof(Vector) == 0) {
    for (; done + 4 * sizeof(Vector) <= count; done += 4 * sizeof(Vector)) {
      const Vector *from = (const Vector *)((const char *)source + done);
      Vector *to = (Vector *)((char *)target + done);
      for (int i = 0; i < 4; i++) __builtin_nontemporal_store(from[i], to + i);
    }
    // Such stores are not ordered with those that tell other threads of them.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
  memcpy((char *)target + done, (const char *)source + done, count - done);
}

#if defined(__linux__)
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

void *elbo_memory_share(size_t count, int *descriptor) {
  int made = memfd_create("elbo", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made < 0) return NULL;
  // Allocated now: a page that the system cannot give later would end the process.
  if (posix_fallocate(made, 0, (off_t)count) == 0 && fcntl(made, F_ADD_SEALS, SEALS) == 0) {
    void *start = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, made, 0);
    if (start != MAP_FAILED) {
      *descriptor = made;
      return start;
    }
  }
  close(made);
  return NULL;
}

void elbo_memory_unshare(void *start, size_t count, int descriptor) {
  munmap(start, count);
  close(descriptor);
}

const void *elbo_memory_map(uint32_t process, uint32_t descriptor, size_t *count) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%u/fd/%u", process, descriptor);
  struct stat status;
  // Opening something else, such as a terminal, might do something.
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid()) return NULL;
  int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return NULL;
  const void *result = NULL;
  if (fstat(opened, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
      fcntl(opened, F_GET_SEALS) == SEALS) {
    void *start = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, opened, 0);
    if (start != MAP_FAILED) {
      *count = (size_t)status.st_size;
      result = start;
    }
  }
  close(opened);
  return result;
}

void elbo_memory_unmap(const void *start, size_t count) { munmap((void *)start, count); }

void elbo_memory_keep_blocks(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
}

#else

void *elbo_memory_share(size_t count, int *descriptor) { return (void)count, (void)descriptor, NULL; }
void elbo_memory_unshare(void *start, size_t count, int descriptor) { (void)start, (void)count, (void)descriptor; }
const void *elbo_memory_map(uint32_t process, uint32_t descriptor, size_t *count) {
  return (void)process, (void)descriptor, (void)count, NULL;
}
void elbo_memory_unmap(const void *start, size_t count) { (void)start, (void)count; }
void elbo_memory_keep_blocks(void) {}

#endif
