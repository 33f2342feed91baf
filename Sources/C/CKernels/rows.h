// Operations on the rows of row-major matrices.

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
