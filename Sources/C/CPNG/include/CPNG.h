// A thin shim over libpng. libpng reports errors by longjmp, which must not cross Swift frames, so every use of it
// lies between a setjmp and a return here, and what comes out is a status and a message.
//
// Samples are taken as they are: no gamma, no colour management. They are data before they are a picture.

#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CPNG_OK = 0,
  CPNG_NOT_PNG,    // the signature is missing
  CPNG_TRUNCATED,  // the bytes end before the image does
  CPNG_INVALID,    // libpng refused the image; the message says why
  CPNG_TOO_LARGE,  // more pixels than the caller's limit
  CPNG_NO_MEMORY,
} cpng_status;

typedef struct {
  char text[96];
} cpng_message;

typedef struct {
  uint32_t width;
  uint32_t height;
  // Of the decoded image: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. Palettes and key colours are expanded,
  // unless samples are wanted as they are stored: a palette's then are its numbers, one channel.
  uint32_t channels;
  // Bits of a sample in the file.
  uint32_t depth;
  // Set by the caller: samples as they are stored, without a palette's colours, of at most 8 bits, not spread to 0…255.
  uint32_t as_stored;
} cpng_header;

// Reads the header of a PNG in memory, of which the caller has set `as_stored`.
cpng_status cpng_read_header(const uint8_t *bytes, size_t count, uint64_t pixel_limit, cpng_header *header,
                             cpng_message *message);

// Decodes a PNG in memory to 8 bits a sample, interleaved, rows from the top.
// `pixels` has room for exactly height × width × channels bytes of the header that cpng_read_header gave.
cpng_status cpng_read(const uint8_t *bytes, size_t count, const cpng_header *header, uint8_t *pixels,
                      cpng_message *message);

// Encodes 8-bit samples. On success `*bytes` is released by cpng_free.
cpng_status cpng_write(const cpng_header *header, const uint8_t *pixels, uint8_t **bytes, size_t *count,
                       cpng_message *message);

void cpng_free(uint8_t *bytes);

#endif
