// A thin shim over libjpeg (libjpeg-turbo). It reports errors by longjmp, which must not cross Swift frames, so every
// use of it lies between a setjmp and a return here, and what comes out is a status and a message.

#ifndef CJPEG_H
#define CJPEG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CJPEG_OK = 0,
  CJPEG_TRUNCATED,    // the bytes end before the image does, or are damaged where it could be gone on
  CJPEG_INVALID,      // libjpeg refused the image; the message says why
  CJPEG_UNSUPPORTED,  // neither grey nor RGB: CMYK
  CJPEG_TOO_LARGE,    // more pixels than the caller's limit
} cjpeg_status;

typedef struct {
  char text[96];
} cjpeg_message;

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t channels;  // of the decoded image: 1 grey, 3 RGB
} cjpeg_header;

// Reads the header of a JPEG in memory.
cjpeg_status cjpeg_read_header(const uint8_t *bytes, size_t count, uint64_t pixel_limit, cjpeg_header *header,
                               cjpeg_message *message);

// Decodes a JPEG in memory to 8 bits a sample, interleaved, rows from the top. `pixels` has room for exactly height ×
// width × channels bytes of the header that cjpeg_read_header gave. A warning of libjpeg's is a failure: damaged data
// would be made up.
cjpeg_status cjpeg_read(const uint8_t *bytes, size_t count, const cjpeg_header *header, uint8_t *pixels,
                        cjpeg_message *message);

#endif
