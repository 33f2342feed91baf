// Images, channels last: a vector holds channels, or channels of several pixels of a row.

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
      EACH(inner, {
        vf sum = (vf)0.0f;
        for (int t = 0; t < count; t++) sum = FMA(load_some(sources[t] + i, k), (vf)taps[t], sum);
        store_some(y + i, sum, k);
      });
    }
  }
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
