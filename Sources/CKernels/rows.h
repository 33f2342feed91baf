// Row and column operations on row-major matrices.

#define ROW_MAP(name, value)                                                                              \
  static void name##_kernel(const float *x, const float *b, float *y, size_t rows, size_t cols) {        \
    for (size_t row = 0; row < rows; row++, x += cols, y += cols) {                                       \
      EACH(cols, { store_some(y + i, value, k); });                                                       \
    }                                                                                                     \
  }

ROW_MAP(add_row, load_some(x + i, k) + load_some(b + i, k))
ROW_MAP(mul_row, load_some(x + i, k) * load_some(b + i, k))
ROW_MAP(add_col, load_some(x + i, k) + b[row])
ROW_MAP(mul_col, load_some(x + i, k) * b[row])

static void sum_rows_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++) y[row] = (float)sum_kernel(x + row * cols, cols);
}

static void max_rows_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++) y[row] = max_value_kernel(x + row * cols, cols);
}

/// The sums of up to 4 W columns, rows added from the first to the last.
INLINE void sum_column_block(const float *x, float *y, size_t rows, size_t cols, size_t width, int add) {
  vd s[4] = {0};
  for (size_t row = 0; row < rows; row++, x += cols) {
    UNROLL for (int v = 0; v < 4; v++) {
      if ((size_t)v * W < width) s[v] += to_double(load_some(x + v * W, width - v * W));
    }
  }
  UNROLL for (int v = 0; v < 4; v++) {
    if ((size_t)v * W < width) {
      vf column = __builtin_convertvector(s[v], vf);
      if (add) column += load_some(y + v * W, width - v * W);
      store_some(y + v * W, column, width - v * W);
    }
  }
}

INLINE void sum_columns(const float *x, float *y, size_t rows, size_t cols, int add) {
  size_t j = 0;
  for (; j + 4 * W <= cols; j += 4 * W) sum_column_block(x + j, y + j, rows, cols, 4 * W, add);
  if (j < cols) sum_column_block(x + j, y + j, rows, cols, cols - j, add);
}

static void sum_cols_kernel(const float *x, float *y, size_t rows, size_t cols) { sum_columns(x, y, rows, cols, 0); }
static void sum_cols_acc_kernel(const float *x, float *y, size_t rows, size_t cols) {
  sum_columns(x, y, rows, cols, 1);
}

/// What softmax subtracts: the greatest of the row, or 0 where that is not finite (then the sum itself says so).
INLINE float softmax_shift(const float *x, size_t n) {
  float m = max_value_kernel(x, n);
  return isfinite(m) ? m : 0.0f;
}

INLINE float log_of(float x) { return v_log((vf)x)[0]; }

static void logsumexp_rows_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, x += cols) {
    const float shift = softmax_shift(x, cols);
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf e = v_exp(load_some(x + i, k) - shift);
      s.lane[v] += to_double(k == W || below(k) ? e : (vf)0.0f);
    });
    y[row] = shift + log_of((float)total(&s));
  }
}

static void softmax_rows_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, x += cols, y += cols) {
    const float shift = softmax_shift(x, cols);
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf e = v_exp(load_some(x + i, k) - shift);
      store_some(y + i, e, k);
      s.lane[v] += to_double(k == W || below(k) ? e : (vf)0.0f);
    });
    const float factor = (float)(1.0 / total(&s));
    EACH(cols, { store_some(y + i, load_some(y + i, k) * factor, k); });
  }
}

static void log_softmax_rows_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, x += cols, y += cols) {
    const float shift = softmax_shift(x, cols);
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf e = v_exp(load_some(x + i, k) - shift);
      s.lane[v] += to_double(k == W || below(k) ? e : (vf)0.0f);
    });
    const float log_sum = log_of((float)total(&s));
    EACH(cols, { store_some(y + i, (load_some(x + i, k) - shift) - log_sum, k); });
  }
}

static void softmax_rows_grad_kernel(const float *y, const float *dy, float *dx, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++, y += cols, dy += cols, dx += cols) {
    const float mean = (float)dot_kernel(y, dy, cols);
    EACH(cols, { store_some(dx + i, load_some(y + i, k) * (load_some(dy + i, k) - mean), k); });
  }
}

/// Four rows of four, transposed in registers.
INLINE void transpose_four(const float *x, size_t stride, float *y, size_t out_stride) {
  typedef f4 unaligned_f4 __attribute__((aligned(4), may_alias));
  f4 a = *(const unaligned_f4 *)x, b = *(const unaligned_f4 *)(x + stride);
  f4 c = *(const unaligned_f4 *)(x + 2 * stride), d = *(const unaligned_f4 *)(x + 3 * stride);
  f4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  f4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(unaligned_f4 *)y = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  *(unaligned_f4 *)(y + out_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  *(unaligned_f4 *)(y + 2 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  *(unaligned_f4 *)(y + 3 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/// In tiles of TILE × TILE, so that the rows of both sides stay in the first-level cache.
#define TILE 32
static void transpose_kernel(const float *x, float *y, size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row += TILE) {
    const size_t row_end = row + TILE < rows ? row + TILE : rows;
    for (size_t col = 0; col < cols; col += TILE) {
      const size_t col_end = col + TILE < cols ? col + TILE : cols;
      size_t i = row;
      for (; i + 4 <= row_end; i += 4) {
        size_t j = col;
        for (; j + 4 <= col_end; j += 4) transpose_four(x + i * cols + j, cols, y + j * rows + i, rows);
        for (; j < col_end; j++) {
          for (size_t r = i; r < i + 4; r++) y[j * rows + r] = x[r * cols + j];
        }
      }
      for (; i < row_end; i++) {
        for (size_t j = col; j < col_end; j++) y[j * rows + i] = x[i * cols + j];
      }
    }
  }
}
