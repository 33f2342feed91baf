// Images, channels last: a vector holds channels, or channels of several pixels of a row.

// Images near the full size have few channels: what does not fill a vector of W is done in narrower ones. An element's
// operations are the same in all of them.
typedef VECTOR(float, 16) float_16;
typedef VECTOR(float, 8) float_8;
typedef VECTOR(float, 4) float_4;
typedef VECTOR(float, 1) float_1;
typedef VECTOR(double, 16) double_16;
typedef VECTOR(double, 8) double_8;
typedef VECTOR(double, 4) double_4;
typedef VECTOR(double, 1) double_1;

#define LOAD_AS(type, p)                       \
  ({                                           \
    type loaded;                               \
    memcpy(&loaded, (p), sizeof loaded);       \
    loaded;                                    \
  })
#define STORE_AS(type, p, value)               \
  do {                                         \
    const type stored = (value);               \
    memcpy((p), &stored, sizeof stored);       \
  } while (0)
#if FUSED
#define FMA_AS(type, a, b, c) __builtin_elementwise_fma((type)(a), (type)(b), (type)(c))
#else
#define FMA_AS(type, a, b, c) ((type)(a) * (type)(b) + (type)(c))
#endif

/// Runs BODY(type of float vectors, type of double vectors) for whole vectors of each width in turn, from the widest on,
/// with `i` the first channel.
#define EACH_SPAN(count, BODY)                               \
  do {                                                       \
    const size_t end = (count);                              \
    size_t i = 0;                                            \
    for (; i + 16 <= end; i += 16) BODY(float_16, double_16); \
    for (; i + 8 <= end; i += 8) BODY(float_8, double_8);    \
    for (; i + 4 <= end; i += 4) BODY(float_4, double_4);    \
    for (; i < end; i++) BODY(float_1, double_1);            \
  } while (0)

#define RESAMPLE(type, wide)                                                                             \
  {                                                                                                      \
    type sum = (type)0.0f;                                                                               \
    for (int t = 0; t < count; t++) sum = FMA_AS(type, LOAD_AS(type, sources[t] + i), taps[t], sum);     \
    STORE_AS(type, y + i, sum);                                                                          \
  }

static void resample_kernel(const float *x, const struct elbo_resampling *axis, float *y) {
  const size_t inner = axis->inner;
  for (size_t outer = 0; outer < axis->outer; outer++, x += axis->length * inner) {
    for (size_t j = 0; j < axis->out_length; j++, y += inner) {
      const float *sources[ELBO_TAPS];
      float taps[ELBO_TAPS];
      int count = 0;
      for (size_t t = 0; t < ELBO_TAPS; t++) {
        const size_t place = j * axis->down + t - axis->before;  // wraps around before the first
        if (place >= axis->length * axis->up || place % axis->up != 0) continue;
        sources[count] = x + place / axis->up * inner;
        taps[count++] = axis->taps[t];
      }
      EACH_SPAN(inner, RESAMPLE);
    }
  }
}

#define STYLED(type, wide)                                                                     \
  {                                                                                            \
    const type factor = LOAD_AS(type, scale + i), offset = LOAD_AS(type, bias + i);            \
    for (size_t pixel = 0; pixel < pixels; pixel++) {                                          \
      const size_t place = pixel * channels + i;                                               \
      type z = FMA_AS(type, LOAD_AS(type, x + place), factor, offset);                         \
      if (noise) z = FMA_AS(type, noise[pixel], strength, z);                                  \
      STORE_AS(type, y + place, z > 0 ? z : z * slope);                                        \
    }                                                                                          \
  }

static void rectify_styled_kernel(
    const float *x, const float *scale, const float *noise, float strength, const float *bias, float slope, float *y,
    size_t pixels, size_t channels) {
  EACH_SPAN(channels, STYLED);
}

#define STYLED_GRAD(type, wide)                                                                    \
  {                                                                                                \
    const type factor = LOAD_AS(type, scale + i);                                                  \
    wide along = (wide)0.0, across = (wide)0.0, below = (wide)0.0;                                 \
    for (size_t pixel = 0; pixel < pixels; pixel++) {                                              \
      const size_t place = pixel * channels + i;                                                   \
      const type slopes = LOAD_AS(type, y + place) > 0 ? (type)1.0f : (type)slope;                 \
      const type dz = LOAD_AS(type, dy + place) * slopes;                                          \
      const wide exact = __builtin_convertvector(dz, wide);                                        \
      along += exact * __builtin_convertvector(LOAD_AS(type, x + place), wide);                    \
      across += exact;                                                                             \
      if (noise) below += exact * (double)noise[pixel];                                            \
      STORE_AS(type, dx + place, dz * factor);                                                     \
    }                                                                                              \
    STORE_AS(type, dscale + i, __builtin_convertvector(along, type));                              \
    STORE_AS(type, dbias + i, __builtin_convertvector(across, type));                              \
    if (noise) STORE_AS(type, dnoise + i, __builtin_convertvector(below, type));                   \
  }

static void rectify_styled_grad_kernel(
    const float *x, const float *scale, const float *noise, const float *y, float slope, const float *dy, float *dx,
    float *dscale, float *dbias, float *dnoise, size_t pixels, size_t channels) {
  EACH_SPAN(channels, STYLED_GRAD);
}

/// As sum_column_block, of products.
INLINE void dot_column_block(const float *a, const float *b, float *y, size_t rows, size_t cols, size_t width) {
  vd s[2] = {0};
  for (size_t row = 0; row < rows; row++, a += cols, b += cols) {
    UNROLL for (int v = 0; v < 2; v++) {
      if ((size_t)v * W < width) {
        s[v] += to_double(load_some(a + v * W, width - v * W)) * to_double(load_some(b + v * W, width - v * W));
      }
    }
  }
  UNROLL for (int v = 0; v < 2; v++) {
    if ((size_t)v * W < width) store_some(y + v * W, __builtin_convertvector(s[v], vf), width - v * W);
  }
}

static void dot_cols_kernel(const float *a, const float *b, float *y, size_t rows, size_t cols) {
  size_t j = 0;
  for (; j + 2 * W <= cols; j += 2 * W) dot_column_block(a + j, b + j, y + j, rows, cols, 2 * W);
  if (j < cols) dot_column_block(a + j, b + j, y + j, rows, cols, cols - j);
}
