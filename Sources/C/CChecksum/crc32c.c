// CRC-32C. The instruction of x86 (SSE4.2) and ARM (CRC32) takes 8 bytes in 3 cycles of latency but can start one
// each cycle, so three stretches are summed at once and joined by multiplication with a power of x modulo the
// polynomial (Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel 2011).
#include "CChecksum.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP64(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define STEP8(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HARDWARE
#define STEP64(crc, word) __crc32cd((crc), (word))
#define STEP8(crc, byte) __crc32cb((crc), (byte))
#endif

// x^32 is implied; bit 31 is the coefficient of x^0.
#define POLYNOMIAL 0x82F63B78u
#define STRETCH 4096u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t bytes_table[8][256];
static uint32_t squares[48];     // x^(2^k) modulo the polynomial
static uint32_t stretch_power;   // x^(8 STRETCH)

static uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
    product ^= b & (0u - (uint32_t)((a & bit) != 0));
    b = (b >> 1) ^ (POLYNOMIAL & (0u - (b & 1u)));
  }
  return product;
}

static uint32_t power_of_x(uint64_t exponent) {
  uint32_t power = 1u << 31;
  for (unsigned k = 0; exponent && k < 48; exponent >>= 1, k++)
    if (exponent & 1) power = multiply(squares[k], power);
  return power;
}

static void prepare(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1u)));
    bytes_table[0][byte] = crc;
  }
  for (int slice = 1; slice < 8; slice++)
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t before = bytes_table[slice - 1][byte];
      bytes_table[slice][byte] = (before >> 8) ^ bytes_table[0][before & 0xFF];
    }
  squares[0] = 1u << 30;
  for (int k = 1; k < 48; k++) squares[k] = multiply(squares[k - 1], squares[k - 1]);
  stretch_power = power_of_x(8 * (uint64_t)STRETCH);
}

static uint64_t little_endian(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

uint32_t elbo_crc32c_portable(const void *bytes, size_t count) {
  pthread_once(&once, prepare);
  const uint8_t *at = bytes;
  uint32_t crc = ~0u;
  for (; count >= 8; at += 8, count -= 8) {
    uint64_t word = little_endian(at) ^ crc;
    crc = 0;
    for (int slice = 0; slice < 8; slice++) crc ^= bytes_table[7 - slice][(word >> (8 * slice)) & 0xFF];
  }
  for (; count; at++, count--) crc = (crc >> 8) ^ bytes_table[0][(crc ^ *at) & 0xFF];
  return ~crc;
}

#ifdef HARDWARE
// Goes on from `crc`, which is inverted.
HARDWARE static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t count) {
  for (; count >= 3 * STRETCH; at += 3 * STRETCH, count -= 3 * STRETCH) {
    uint32_t second = 0, third = 0;
    for (size_t offset = 0; offset < STRETCH; offset += 8) {
      crc = STEP64(crc, little_endian(at + offset));
      second = STEP64(second, little_endian(at + STRETCH + offset));
      third = STEP64(third, little_endian(at + 2 * STRETCH + offset));
    }
    crc = multiply(stretch_power, multiply(stretch_power, crc) ^ second) ^ third;
  }
  for (; count >= 8; at += 8, count -= 8) crc = STEP64(crc, little_endian(at));
  for (; count; at++, count--) crc = STEP8(crc, *at);
  return crc;
}

static int has_instruction(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2");
#else
  return 1;
#endif
}
#endif

uint32_t elbo_crc32c(const void *bytes, size_t count) {
#ifdef HARDWARE
  pthread_once(&once, prepare);
  if (has_instruction()) return ~by_instruction(~0u, bytes, count);
#endif
  return elbo_crc32c_portable(bytes, count);
}

uint32_t elbo_crc32c_copy(void *target, const void *bytes, size_t count) {
#ifdef HARDWARE
  pthread_once(&once, prepare);
  if (has_instruction()) {
    // In blocks that stay in the first-level cache from the one to the other.
    const size_t block = 3 * STRETCH;
    uint32_t crc = ~0u;
    for (size_t done = 0; done < count; done += block) {
      size_t part = count - done < block ? count - done : block;
      memcpy((uint8_t *)target + done, (const uint8_t *)bytes + done, part);
      crc = by_instruction(crc, (const uint8_t *)target + done, part);
    }
    return ~crc;
  }
#endif
  memcpy(target, bytes, count);
  return elbo_crc32c_portable(target, count);
}

uint32_t elbo_crc32c_combine(uint32_t first, uint32_t second, uint64_t second_count) {
  pthread_once(&once, prepare);
  return multiply(power_of_x(8 * second_count), first) ^ second;
}
