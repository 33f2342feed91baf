// Windows of images, channels last: a vector holds channels.

/// Runs its body for each window, with `window` its first channel's offset among the windows.
#define EACH_WINDOW(g, ...)                                                                 \
  do {                                                                                      \
    size_t window = 0;                                                                      \
    for (size_t n = 0; n < (g)->images; n++) {                                              \
      for (size_t row = 0; row < (g)->rows; row++) {                                        \
        for (size_t column = 0; column < (g)->columns; column++, window += (g)->channels) { \
          __VA_ARGS__                                                                       \
        }                                                                                   \
      }                                                                                     \
    }                                                                                       \
  } while (0)

/// Runs its body for each pixel of the window that lies in the image, with `pixel` its first channel's offset and `tap`
/// its number in the window.
#define EACH_TAP(g, ...)                                                                         \
  do {                                                                                           \
    const size_t top = row * (g)->stride, left = column * (g)->stride;                           \
    for (size_t r = 0; r < (g)->size; r++) {                                                     \
      const size_t y_axis = top + r - (g)->padding; /* wraps around above the image */           \
      if (y_axis >= (g)->height) continue;                                                       \
      for (size_t c = 0; c < (g)->size; c++) {                                                   \
        const size_t x_axis = left + c - (g)->padding;                                           \
        if (x_axis >= (g)->width) continue;                                                      \
        const size_t pixel = ((n * (g)->height + y_axis) * (g)->width + x_axis) * (g)->channels; \
        const vi tap = (vi)(int32_t)(r * (g)->size + c);                                         \
        __VA_ARGS__                                                                              \
      }                                                                                          \
    }                                                                                            \
  } while (0)

static void max_windows_kernel(const float *x, const struct elbo_windows *g, float *y, int32_t *place) {
  EACH_WINDOW(g, {
    EACH(g->channels, {
      vf greatest = (vf)0.0f;
      vi where = (vi)-1;
      EACH_TAP(g, {
        const vf value = load_some(x + pixel + i, k);
        const vi isGreater = (where < 0) | (value > greatest);
        greatest = isGreater ? value : greatest;
        where = isGreater ? tap : where;
      });
      store_some(y + window + i, greatest, k);
      store_some((float *)place + window + i, (vf)where, k);
    });
  });
}

static void gather_windows_kernel(const float *x, const int32_t *place, const struct elbo_windows *g, float *y) {
  EACH_WINDOW(g, {
    EACH(g->channels, {
      const vi where = (vi)load_some((const float *)place + window + i, k);
      vf value = (vf)0.0f;
      EACH_TAP(g, { value = where == tap ? load_some(x + pixel + i, k) : value; });
      store_some(y + window + i, value, k);
    });
  });
}

static void scatter_windows_kernel(const float *y, const int32_t *place, const struct elbo_windows *g, float *x) {
  EACH_WINDOW(g, {
    EACH(g->channels, {
      const vi where = (vi)load_some((const float *)place + window + i, k);
      const vf value = load_some(y + window + i, k) + 0.0f;  // -0 becomes +0, as it does when it is added to +0
      EACH_TAP(g, {
        const vf part = where == tap ? value : (vf)0.0f;
        store_some(x + pixel + i, g->tiles ? part : load_some(x + pixel + i, k) + part, k);
      });
    });
  });
}
