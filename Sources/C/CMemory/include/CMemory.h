// Memory that processes of one machine share, and how malloc keeps what is used again and again.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Memory of `count` bytes, zeros, of a size that can never change; other processes of this user may map it by this
/// process's number and `*descriptor` as long as that is open. It vanishes with its last user, however that ends.
/// Null, with nothing left behind, where the system has no such memory, or not so much of it.
void *elbo_memory_share(size_t count, int *descriptor);

/// Ends what `elbo_memory_share` began; readers keep what they have mapped.
void elbo_memory_unshare(void *start, size_t count, int descriptor);

/// Maps, to be read only, what another process shares. Null when there is no such memory, when it is not this user's
/// to see, or when it is something else: a file that could shrink under its reader.
const void *elbo_memory_map(uint32_t process, uint32_t descriptor, size_t *count);

void elbo_memory_unmap(const void *start, size_t count);

/// Begins or ends a time in which the memory behind a counter does not change, as a sequence lock does: the writer sets
/// the counter before it writes anything else, and a reader finds it as it was after it has read all.
static inline void elbo_memory_begin(uint64_t *counter, uint64_t value) {
  __atomic_store_n(counter, value, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint64_t elbo_memory_age(const uint64_t *counter) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return value;
}

/// As memcpy, past the caches: for what is not used before much else has been.
void elbo_memory_stream(void *target, const void *source, size_t count);

/// Has malloc keep the blocks of messages (up to 4 MiB) instead of giving them back to the system after each one and
/// taking page faults to get them again.
void elbo_memory_keep_blocks(void);
