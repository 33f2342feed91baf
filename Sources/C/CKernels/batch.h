// Normalisation of the columns of a matrix, and its derivative: each a pass over the matrix for its sums and one for its
// elements. Sums add rows from the first to the last, in double.

/// The columns whose sums are made at once: two sums of each fit the registers.
#define BATCH_WIDTH (2 * W)

#define EACH_COLUMN_BLOCK(call)                                                  \
  do {                                                                           \
    for (size_t j = 0; j < cols; j += BATCH_WIDTH) {                             \
      const size_t width = cols - j < BATCH_WIDTH ? cols - j : BATCH_WIDTH;      \
      if (width == BATCH_WIDTH) {                                                \
        call(BATCH_WIDTH);                                                       \
      } else {                                                                   \
        call(width);                                                             \
      }                                                                          \
    }                                                                            \
  } while (0)

INLINE void moments_block(const float *x, float *mean, float *variance, size_t rows, size_t cols, size_t width) {
  vd sum[2] = {0}, squares[2] = {0};
  for (size_t row = 0; row < rows; row++, x += cols) {
    UNROLL for (int v = 0; v < 2; v++) {
      if ((size_t)v * W < width) {
        vd value = to_double(load_some(x + v * W, width - v * W));
        sum[v] += value;
        squares[v] += value * value;
      }
    }
  }
  UNROLL for (int v = 0; v < 2; v++) {
    if ((size_t)v * W < width) {
      vd m = sum[v] / (double)rows, spread = squares[v] / (double)rows - m * m;
      spread = spread < 0.0 ? (vd)0.0 : spread;
      store_some(mean + v * W, __builtin_convertvector(m, vf), width - v * W);
      store_some(variance + v * W, __builtin_convertvector(spread, vf), width - v * W);
    }
  }
}

static void column_moments_kernel(const float *x, float *mean, float *variance, size_t rows, size_t cols) {
#define MOMENTS(width) moments_block(x + j, mean + j, variance + j, rows, cols, width)
  EACH_COLUMN_BLOCK(MOMENTS);
#undef MOMENTS
}

/// What the rectification is of.
INLINE vf batch_scaled(vf centred, vf scale, vf shift) { return FMA(centred, scale, shift); }

static void normalise_columns_kernel(const float *x, const float *mean, const float *scale, const float *shift,
                                     float slope, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, x += cols, y += cols) {
    EACH(cols, {
      vf z = batch_scaled(load_some(x + i, k) - load_some(mean + i, k), load_some(scale + i, k), load_some(shift + i, k));
      store_some(y + i, z > 0.0f ? z : slope * z, k);
    });
  }
}

INLINE void normalise_sums_block(const float *x, const float *mean, const float *scale, const float *shift, float slope,
                                 const float *dy, float *sum, float *product, size_t rows, size_t cols, size_t width) {
  vd plain[2] = {0}, along[2] = {0};
  for (size_t row = 0; row < rows; row++, x += cols, dy += cols) {
    UNROLL for (int v = 0; v < 2; v++) {
      if ((size_t)v * W < width) {
        const size_t k = width - v * W;
        vf centred = load_some(x + v * W, k) - load_some(mean + v * W, k);
        vf z = batch_scaled(centred, load_some(scale + v * W, k), load_some(shift + v * W, k));
        vf d = load_some(dy + v * W, k);
        d = z > 0.0f ? d : slope * d;
        plain[v] += to_double(d);
        along[v] += to_double(d) * to_double(centred);
      }
    }
  }
  UNROLL for (int v = 0; v < 2; v++) {
    if ((size_t)v * W < width) {
      store_some(sum + v * W, __builtin_convertvector(plain[v], vf), width - v * W);
      store_some(product + v * W, __builtin_convertvector(along[v], vf), width - v * W);
    }
  }
}

static void normalise_columns_sums_kernel(const float *x, const float *mean, const float *scale, const float *shift,
                                          float slope, const float *dy, float *sum, float *product, size_t rows,
                                          size_t cols) {
#define SUMS(width)                                                                                               \
  normalise_sums_block(x + j, mean + j, scale + j, shift + j, slope, dy + j, sum + j, product + j, rows, cols, width)
  EACH_COLUMN_BLOCK(SUMS);
#undef SUMS
}

static void normalise_columns_grad_kernel(const float *x, const float *mean, const float *scale, const float *shift,
                                          float slope, const float *dy, const float *along, const float *constant,
                                          float *dx, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, x += cols, dy += cols, dx += cols) {
    EACH(cols, {
      vf centred = load_some(x + i, k) - load_some(mean + i, k), s = load_some(scale + i, k);
      vf z = batch_scaled(centred, s, load_some(shift + i, k)), d = load_some(dy + i, k);
      d = z > 0.0f ? d : slope * d;
      store_some(dx + i, FMA(s, d, FMA(centred, load_some(along + i, k), load_some(constant + i, k))), k);
    });
  }
}
