// Sums of columns, and transposition, of row-major matrices.

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
