#include "CPNG.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

// A compressed byte of deflate yields at most 1032 bytes (two 1-bit codes for each run of 258).
enum { DEFLATE_MOST_RATIO = 1032 };

// All that is needed after a longjmp lies in these, outside the functions that call setjmp: a local that changes
// between setjmp and longjmp is lost by C's rules.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  png_structp png;
  png_infop info;
  cpng_status status;
  cpng_message *message;
} source;

typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  png_structp png;
  png_infop info;
  cpng_status status;
  cpng_message *message;
} sink;

static void set_message(cpng_message *message, const char *text) {
  strncpy(message->text, text, sizeof message->text - 1);
  message->text[sizeof message->text - 1] = 0;
}

// The first cause stands: libpng may raise another error on its way out.
static void on_read_error(png_structp png, png_const_charp text) {
  source *from = png_get_error_ptr(png);
  if (from->status == CPNG_OK) {
    from->status = CPNG_INVALID;
    set_message(from->message, text);
  }
  png_longjmp(png, 1);
}

static void on_write_error(png_structp png, png_const_charp text) {
  sink *to = png_get_error_ptr(png);
  if (to->status == CPNG_OK) {
    to->status = CPNG_INVALID;
    set_message(to->message, text);
  }
  png_longjmp(png, 1);
}

// Warnings concern ancillary chunks, which do not change samples.
static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->count - from->position) {
    from->status = CPNG_TRUNCATED;
    set_message(from->message, "the data ends early");
    png_error(png, "truncated");
  }
  memcpy(target, from->bytes + from->position, count);
  from->position += count;
}

static void write_bytes(png_structp png, png_bytep data, size_t count) {
  sink *to = png_get_io_ptr(png);
  if (count > to->capacity - to->count) {
    size_t capacity = to->capacity * 2 > to->count + count ? to->capacity * 2 : to->count + count;
    uint8_t *grown = realloc(to->bytes, capacity);
    if (!grown) {
      to->status = CPNG_NO_MEMORY;
      set_message(to->message, "out of memory");
      png_error(png, "out of memory");
    }
    to->bytes = grown;
    to->capacity = capacity;
  }
  memcpy(to->bytes + to->count, data, count);
  to->count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

static void open_source(source *from) {
  if (from->count < 8 || png_sig_cmp(from->bytes, 0, 8)) {
    from->status = CPNG_NOT_PNG;
    set_message(from->message, "not a PNG file");
    return;
  }
  from->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, from, on_read_error, on_warning);
  if (from->png) from->info = png_create_info_struct(from->png);
  if (!from->info) {
    from->status = CPNG_NO_MEMORY;
    set_message(from->message, "out of memory");
  }
}

// Up to the first image data. Called under a setjmp. Chunks that may be large when decompressed, and whose contents
// nobody asks for, are skipped unread.
static void read_info(source *from) {
  static const png_byte skipped[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf\0hIST";
  png_set_keep_unknown_chunks(from->png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
  png_set_user_limits(from->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // A damaged transparent colour would be dropped with a warning, and the picture read with fewer channels.
  png_set_crc_action(from->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_read_fn(from->png, from, read_bytes);
  png_read_info(from->png, from->info);
}

static void read_header(source *from, uint64_t pixel_limit, cpng_header *header) {
  if (setjmp(png_jmpbuf(from->png))) return;
  read_info(from);
  header->width = png_get_image_width(from->png, from->info);
  header->height = png_get_image_height(from->png, from->info);
  int color = png_get_color_type(from->png, from->info);
  int alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(from->png, from->info, PNG_INFO_tRNS);
  header->depth = png_get_bit_depth(from->png, from->info);
  header->channels = header->as_stored ? png_get_channels(from->png, from->info)
                                       : (color & PNG_COLOR_MASK_COLOR ? 3 : 1) + (alpha ? 1 : 0);
  if ((uint64_t)header->width * header->height > pixel_limit) {
    from->status = CPNG_TOO_LARGE;
    set_message(from->message, "too many pixels");
  } else if (png_get_rowbytes(from->png, from->info) * header->height / DEFLATE_MOST_RATIO > from->count) {
    // Refused before anything is allocated for it.
    from->status = CPNG_TRUNCATED;
    set_message(from->message, "the header promises more than the data can hold");
  }
}

static void read_image(source *from, const cpng_header *header, uint8_t *pixels) {
  if (setjmp(png_jmpbuf(from->png))) return;
  read_info(from);
  if (header->as_stored) {
    png_set_packing(from->png);  // 1, 2 and 4 bits to bytes of the same values
  } else {
    // Palette to RGB, 1, 2 and 4 bits to 8, a key colour to alpha; 16 bits to 8 by rounding, not by cutting.
    png_set_expand(from->png);
    png_set_scale_16(from->png);
  }
  int passes = png_set_interlace_handling(from->png);
  png_read_update_info(from->png, from->info);

  size_t row_bytes = (size_t)header->width * header->channels;
  if (png_get_image_height(from->png, from->info) != header->height ||
      png_get_rowbytes(from->png, from->info) != row_bytes) {
    png_error(from->png, "the image is not what its header says");
  }
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t row = 0; row < header->height; row++) png_read_row(from->png, pixels + row * row_bytes, NULL);
  }
  png_read_end(from->png, NULL);
}

cpng_status cpng_read_header(const uint8_t *bytes, size_t count, uint64_t pixel_limit, cpng_header *header,
                             cpng_message *message) {
  source from = {.bytes = bytes, .count = count, .message = message};
  open_source(&from);
  if (from.status == CPNG_OK) read_header(&from, pixel_limit, header);
  png_destroy_read_struct(&from.png, &from.info, NULL);
  return from.status;
}

cpng_status cpng_read(const uint8_t *bytes, size_t count, const cpng_header *header, uint8_t *pixels,
                      cpng_message *message) {
  source from = {.bytes = bytes, .count = count, .message = message};
  open_source(&from);
  if (from.status == CPNG_OK) read_image(&from, header, pixels);
  png_destroy_read_struct(&from.png, &from.info, NULL);
  return from.status;
}

static void write_image(sink *to, const cpng_header *header, const uint8_t *pixels) {
  static const int colors[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                               PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(png_jmpbuf(to->png))) return;
  if (header->channels < 1 || header->channels > 4) png_error(to->png, "images have 1 to 4 channels");
  png_set_write_fn(to->png, to, write_bytes, flush_bytes);
  png_set_user_limits(to->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(to->png, to->info, header->width, header->height, 8, colors[header->channels - 1],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(to->png, to->info);
  for (uint32_t row = 0; row < header->height; row++) {
    png_write_row(to->png, pixels + (size_t)row * header->width * header->channels);
  }
  png_write_end(to->png, NULL);
}

cpng_status cpng_write(const cpng_header *header, const uint8_t *pixels, uint8_t **bytes, size_t *count,
                       cpng_message *message) {
  sink to = {.message = message};
  to.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &to, on_write_error, on_warning);
  if (to.png) to.info = png_create_info_struct(to.png);
  if (!to.info) {
    to.status = CPNG_NO_MEMORY;
    set_message(message, "out of memory");
  } else {
    write_image(&to, header, pixels);
  }
  png_destroy_write_struct(&to.png, &to.info);
  if (to.status != CPNG_OK) {
    free(to.bytes);
    return to.status;
  }
  *bytes = to.bytes;
  *count = to.count;
  return CPNG_OK;
}

void cpng_free(uint8_t *bytes) { free(bytes); }
