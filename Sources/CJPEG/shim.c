#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  char text[JMSG_LENGTH_MAX];
} errors;

static void leave(j_common_ptr info) {
  errors *e = (errors *)info->err;
  (*info->err->format_message)(info, e->text);
  longjmp(e->jump, 1);
}

// libjpeg goes on after warnings and makes up what is missing; level -1 is a warning, others are traces.
static void hear(j_common_ptr info, int level) {
  errors *e = (errors *)info->err;
  if (level < 0 && info->err->num_warnings++ == 0) (*info->err->format_message)(info, e->text);
}

static void say(cjpeg_message *message, const char *text) {
  snprintf(message->text, sizeof message->text, "%s", text);
}

static void prepare(struct jpeg_decompress_struct *info, errors *e) {
  memset(info, 0, sizeof *info);
  memset(e, 0, sizeof *e);
  info->err = jpeg_std_error(&e->base);
  e->base.error_exit = leave;
  e->base.emit_message = hear;
}

cjpeg_status cjpeg_read_header(const uint8_t *bytes, size_t count, uint64_t pixel_limit, cjpeg_header *header,
                               cjpeg_message *message) {
  struct jpeg_decompress_struct info;
  errors e;
  prepare(&info, &e);
  if (setjmp(e.jump)) {
    say(message, e.text);
    jpeg_destroy_decompress(&info);
    return CJPEG_INVALID;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, (unsigned char *)bytes, count);
  jpeg_read_header(&info, TRUE);
  header->width = info.image_width;
  header->height = info.image_height;
  header->channels = info.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  cjpeg_status status = CJPEG_OK;
  if (info.jpeg_color_space != JCS_GRAYSCALE && info.jpeg_color_space != JCS_RGB &&
      info.jpeg_color_space != JCS_YCbCr) {
    say(message, "its colours are neither grey nor RGB (CMYK?)");
    status = CJPEG_UNSUPPORTED;
  } else if ((uint64_t)info.image_width * info.image_height > pixel_limit) {
    snprintf(message->text, sizeof message->text, "%u × %u pixels are more than are accepted", info.image_width,
             info.image_height);
    status = CJPEG_TOO_LARGE;
  }
  jpeg_destroy_decompress(&info);
  return status;
}

cjpeg_status cjpeg_read(const uint8_t *bytes, size_t count, const cjpeg_header *header, uint8_t *pixels,
                        cjpeg_message *message) {
  struct jpeg_decompress_struct info;
  errors e;
  prepare(&info, &e);
  if (setjmp(e.jump)) {
    say(message, e.text);
    jpeg_destroy_decompress(&info);
    return CJPEG_INVALID;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, (unsigned char *)bytes, count);
  jpeg_read_header(&info, TRUE);
  info.out_color_space = header->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  // The slow integer transform: the same bits on every processor.
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  size_t stride = (size_t)header->width * header->channels;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  cjpeg_status status = e.base.num_warnings ? CJPEG_TRUNCATED : CJPEG_OK;
  if (status) say(message, e.text);
  jpeg_destroy_decompress(&info);
  return status;
}
