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

/// What is done with a file once its header is read; libjpeg's errors end it from anywhere.
typedef cjpeg_status task(struct jpeg_decompress_struct *info, errors *e, void *context);

/// Reads the header and does a task, whose message is the one to fill.
static cjpeg_status after_header(const uint8_t *bytes, size_t count, cjpeg_message *message, task *task, void *context) {
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
  cjpeg_status status = task(&info, &e, context);
  jpeg_destroy_decompress(&info);
  return status;
}

struct measuring {
  uint64_t pixel_limit;
  cjpeg_header *header;
  cjpeg_message *message;
};

static cjpeg_status measure(struct jpeg_decompress_struct *info, errors *e, void *context) {
  (void)e;
  const struct measuring *m = context;
  m->header->width = info->image_width;
  m->header->height = info->image_height;
  m->header->channels = info->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  if (info->jpeg_color_space != JCS_GRAYSCALE && info->jpeg_color_space != JCS_RGB &&
      info->jpeg_color_space != JCS_YCbCr) {
    say(m->message, "its colours are neither grey nor RGB (CMYK?)");
    return CJPEG_UNSUPPORTED;
  }
  if ((uint64_t)info->image_width * info->image_height > m->pixel_limit) {
    snprintf(m->message->text, sizeof m->message->text, "%u × %u pixels are more than are accepted", info->image_width,
             info->image_height);
    return CJPEG_TOO_LARGE;
  }
  return CJPEG_OK;
}

cjpeg_status cjpeg_read_header(const uint8_t *bytes, size_t count, uint64_t pixel_limit, cjpeg_header *header,
                               cjpeg_message *message) {
  struct measuring context = {pixel_limit, header, message};
  return after_header(bytes, count, message, measure, &context);
}

struct decoding {
  const cjpeg_header *header;
  uint8_t *pixels;
  cjpeg_message *message;
};

static cjpeg_status decode(struct jpeg_decompress_struct *info, errors *e, void *context) {
  const struct decoding *d = context;
  info->out_color_space = d->header->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  // The slow integer transform: the same bits on every processor.
  info->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(info);
  size_t stride = (size_t)d->header->width * d->header->channels;
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = d->pixels + info->output_scanline * stride;
    jpeg_read_scanlines(info, &row, 1);
  }
  jpeg_finish_decompress(info);
  if (!e->base.num_warnings) return CJPEG_OK;
  say(d->message, e->text);
  return CJPEG_TRUNCATED;
}

cjpeg_status cjpeg_read(const uint8_t *bytes, size_t count, const cjpeg_header *header, uint8_t *pixels,
                        cjpeg_message *message) {
  struct decoding context = {header, pixels, message};
  return after_header(bytes, count, message, decode, &context);
}
