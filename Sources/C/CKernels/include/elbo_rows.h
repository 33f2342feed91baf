/// Row and column operations on row-major matrices of `rows` × `cols`, reductions, transposition, sums of shards.
#ifndef ELBO_ROWS_H
#define ELBO_ROWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: A vector applied to a matrix

/// y[i, j] = x[i, j] + b[j].
void elbo_add_row(const float *x, const float *b, float *y, size_t rows, size_t cols);
/// y[i, j] = x[i, j] * b[j].
void elbo_mul_row(const float *x, const float *b, float *y, size_t rows, size_t cols);
/// y[i, j] = x[i, j] + c[i].
void elbo_add_col(const float *x, const float *c, float *y, size_t rows, size_t cols);
/// y[i, j] = x[i, j] * c[i].
void elbo_mul_col(const float *x, const float *c, float *y, size_t rows, size_t cols);

// MARK: Reductions of a matrix, accumulated in double

/// y[i] = sum over j of x[i, j].
void elbo_sum_rows(const float *x, float *y, size_t rows, size_t cols);
/// y[j] = sum over i of x[i, j].
void elbo_sum_cols(const float *x, float *y, size_t rows, size_t cols);
/// y[j] += sum over i of x[i, j].
void elbo_sum_cols_acc(const float *x, float *y, size_t rows, size_t cols);
/// y[i] = the greatest of row i; -inf when cols is 0; NaN when the row holds one.
void elbo_max_rows(const float *x, float *y, size_t rows, size_t cols);
/// y[i] = log of the sum over j of exp(x[i, j]); -inf when cols is 0.
void elbo_logsumexp_rows(const float *x, float *y, size_t rows, size_t cols);
/// y[i, j] = exp(x[i, j]) / sum over k of exp(x[i, k]).
void elbo_softmax_rows(const float *x, float *y, size_t rows, size_t cols);
/// y[i, j] = x[i, j] - log of the sum over k of exp(x[i, k]).
void elbo_log_softmax_rows(const float *x, float *y, size_t rows, size_t cols);
/// dx[i, j] = y[i, j] * (dy[i, j] - sum over k of dy[i, k] * y[i, k]), for y = softmax(x).
void elbo_softmax_rows_grad(const float *y, const float *dy, float *dx, size_t rows, size_t cols);

/// y[j, i] = x[i, j]; y holds cols × rows and may not overlap x.
void elbo_transpose(const float *x, float *y, size_t rows, size_t cols);

// MARK: Reductions of a range
//
// Element i is added, in double, to the sum of lane i % 32; then lane i is added to lane i + 16, i + 8, and so on. Sums
// along rows have the same order. So a sum is the same on every instruction set, but not the sum of its parts' sums.

double elbo_sum(const float *x, size_t n);
double elbo_dot(const float *a, const float *b, size_t n);
double elbo_sum_squares(const float *x, size_t n);
/// The greatest; -inf when n is 0; NaN when the range holds one.
float elbo_max_value(const float *x, size_t n);
/// 1 when no element is infinite or NaN, else 0.
int elbo_all_finite(const float *x, size_t n);

// MARK: Sums of shards

/// y = the sum of `count` ranges of n elements in a fixed binary tree over their index: a range of parts is halved
/// at the greatest power of two below its length. Three parts: (p0 + p1) + p2; five: ((p0 + p1) + (p2 + p3)) + p4.
/// So a node that owns an aligned subtree can send its sum and the total has the same bits. y may be any of the
/// parts, but may overlap none in part. count 0 gives zeros.
void elbo_sum_tree(const float *const *parts, size_t count, float *y, size_t n);
void elbo_sum_tree_f64(const double *const *parts, size_t count, double *y, size_t n);

#ifdef __cplusplus
}
#endif

#endif
