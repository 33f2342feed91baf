#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli; iSCSI, RFC 3720 appendix B.4) of `count` bytes. The check value of "123456789" is 0xE3069283.
uint32_t elbo_crc32c(const void *bytes, size_t count);

/// The same, by tables alone: what a processor without the instruction runs.
uint32_t elbo_crc32c_portable(const void *bytes, size_t count);

/// CRC-32C of two pieces joined, from the CRC-32C of each and the length of the second.
uint32_t elbo_crc32c_combine(uint32_t first, uint32_t second, uint64_t second_count);

/// Copies, and returns the checksum of the copy: the bytes may change meanwhile.
uint32_t elbo_crc32c_copy(void *target, const void *bytes, size_t count);
