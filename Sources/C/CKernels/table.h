// The table of the kernels that exist once per instruction set. One list makes the struct, each level's table and
// the public functions; the public headers declare them again with their comments, and the compiler compares.
#ifndef ELBO_TABLE_H
#define ELBO_TABLE_H

#include "CKernels.h"

#define ELBO_UNARY (const float *x, float *y, size_t n), (x, y, n)
#define ELBO_BINARY (const float *a, const float *b, float *y, size_t n), (a, b, y, n)
#define ELBO_MATRIX (const float *x, float *y, size_t rows, size_t cols), (x, y, rows, cols)
#define ELBO_MATRIX_VECTOR (const float *x, const float *b, float *y, size_t rows, size_t cols), (x, b, y, rows, cols)
#define ELBO_GRADIENT (const float *y, const float *dy, float *dx, size_t n), (y, dy, dx, n)

// K(result, name, (parameters), (arguments))

/// The kernels that go row by row through `rows` × `cols`. With wide vectors there are others for narrow rows, which give
/// the same bits.
#define ELBO_ROW_KERNELS(K)                                                                                        \
  K(void, add_row, ELBO_MATRIX_VECTOR)                                                                             \
  K(void, mul_row, ELBO_MATRIX_VECTOR)                                                                             \
  K(void, add_col, ELBO_MATRIX_VECTOR)                                                                             \
  K(void, mul_col, ELBO_MATRIX_VECTOR)                                                                             \
  K(void, sum_rows, ELBO_MATRIX)                                                                                   \
  K(void, max_rows, ELBO_MATRIX)                                                                                   \
  K(void, logsumexp_rows, ELBO_MATRIX)                                                                             \
  K(void, softmax_rows, ELBO_MATRIX)                                                                               \
  K(void, log_softmax_rows, ELBO_MATRIX)                                                                           \
  K(void, softmax_rows_grad, (const float *y, const float *dy, float *dx, size_t rows, size_t cols),               \
    (y, dy, dx, rows, cols))                                                                                       \
  K(void, bernoulli_ll_rows,                                                                                       \
    (const float *logits, const float *t, float *ll, float *residual, size_t rows, size_t cols),                   \
    (logits, t, ll, residual, rows, cols))                                                                         \
  K(void, gaussian_ll_rows,                                                                                        \
    (const float *x, const float *mu, const float *log_variance, float *ll, float *dmu, float *dlogvar,            \
     size_t rows, size_t cols),                                                                                    \
    (x, mu, log_variance, ll, dmu, dlogvar, rows, cols))                                                           \
  K(void, gaussian_kl_rows,                                                                                        \
    (const float *mu, const float *log_variance, float *kl, float *dmu, float *dlogvar, size_t rows, size_t cols), \
    (mu, log_variance, kl, dmu, dlogvar, rows, cols))

/// Shorter rows are narrow: they do not fill a vector of 32.
#define ELBO_NARROW 32

#define ELBO_KERNELS(K)                                                                                            \
  K(void, exp, ELBO_UNARY)                                                                                         \
  K(void, log, ELBO_UNARY)                                                                                         \
  K(void, log1p, ELBO_UNARY)                                                                                       \
  K(void, expm1, ELBO_UNARY)                                                                                       \
  K(void, tanh, ELBO_UNARY)                                                                                        \
  K(void, sigmoid, ELBO_UNARY)                                                                                     \
  K(void, softplus, ELBO_UNARY)                                                                                    \
  K(void, relu, ELBO_UNARY)                                                                                        \
  K(void, erf, ELBO_UNARY)                                                                                         \
  K(void, sqrt, ELBO_UNARY)                                                                                        \
  K(void, rsqrt, ELBO_UNARY)                                                                                       \
  K(void, square, ELBO_UNARY)                                                                                      \
  K(void, reciprocal, ELBO_UNARY)                                                                                  \
  K(void, neg, ELBO_UNARY)                                                                                         \
  K(void, abs, ELBO_UNARY)                                                                                         \
  K(void, sin, ELBO_UNARY)                                                                                         \
  K(void, cos, ELBO_UNARY)                                                                                         \
  K(void, step, ELBO_UNARY)                                                                                        \
  K(void, sign, ELBO_UNARY)                                                                                        \
  K(void, leaky_relu, (const float *x, float slope, float *y, size_t n), (x, slope, y, n))                         \
  K(void, tanh_grad, ELBO_GRADIENT)                                                                                \
  K(void, sigmoid_grad, ELBO_GRADIENT)                                                                             \
  K(void, relu_grad, ELBO_GRADIENT)                                                                                \
  K(void, softplus_grad, ELBO_GRADIENT)                                                                            \
  K(void, leaky_relu_grad, (const float *x, float slope, const float *dy, float *dx, size_t n),                    \
    (x, slope, dy, dx, n))                                                                                         \
  K(void, add, ELBO_BINARY)                                                                                        \
  K(void, sub, ELBO_BINARY)                                                                                        \
  K(void, mul, ELBO_BINARY)                                                                                        \
  K(void, div, ELBO_BINARY)                                                                                        \
  K(void, max, ELBO_BINARY)                                                                                        \
  K(void, min, ELBO_BINARY)                                                                                        \
  K(void, greater, ELBO_BINARY)                                                                                    \
  K(void, scale, (const float *x, float a, float *y, size_t n), (x, a, y, n))                                      \
  K(void, add_scalar, (const float *x, float a, float *y, size_t n), (x, a, y, n))                                 \
  K(void, axpy, (float a, const float *x, float *y, size_t n), (a, x, y, n))                                       \
  K(void, fma, (const float *a, const float *b, const float *c, float *y, size_t n), (a, b, c, y, n))              \
  K(void, clamp, (const float *x, float lo, float hi, float *y, size_t n), (x, lo, hi, y, n))                      \
  K(void, fill, (float a, float *y, size_t n), (a, y, n))                                                          \
  K(void, bytes_to_float, (const uint8_t *x, float scale, float shift, float *y, size_t n),                        \
    (x, scale, shift, y, n))                                                                                       \
  K(void, float_to_bf16, (const float *x, uint16_t *y, size_t n), (x, y, n))                                       \
  K(void, bf16_to_float, (const uint16_t *x, float *y, size_t n), (x, y, n))                                       \
  K(void, sum_cols, ELBO_MATRIX)                                                                                   \
  K(void, sum_cols_acc, ELBO_MATRIX)                                                                               \
  K(void, column_moments, (const float *x, float *mean, float *variance, size_t rows, size_t cols),                \
    (x, mean, variance, rows, cols))                                                                               \
  K(void, normalise_columns,                                                                                       \
    (const float *x, const float *mean, const float *scale, const float *shift, float slope, float *y,             \
     size_t rows, size_t cols),                                                                                    \
    (x, mean, scale, shift, slope, y, rows, cols))                                                                 \
  K(void, normalise_columns_sums,                                                                                  \
    (const float *x, const float *mean, const float *scale, const float *shift, float slope, const float *dy,      \
     float *sum, float *product, size_t rows, size_t cols),                                                        \
    (x, mean, scale, shift, slope, dy, sum, product, rows, cols))                                                  \
  K(void, normalise_columns_grad,                                                                                  \
    (const float *x, const float *mean, const float *scale, const float *shift, float slope, const float *dy,      \
     const float *along, const float *constant, float *dx, size_t rows, size_t cols),                              \
    (x, mean, scale, shift, slope, dy, along, constant, dx, rows, cols))                                           \
  K(void, max_windows, (const float *x, const struct elbo_windows *windows, float *y, int32_t *place),              \
    (x, windows, y, place))                                                                                        \
  K(void, gather_windows, (const float *x, const int32_t *place, const struct elbo_windows *windows, float *y),    \
    (x, place, windows, y))                                                                                        \
  K(void, scatter_windows, (const float *y, const int32_t *place, const struct elbo_windows *windows, float *x),   \
    (y, place, windows, x))                                                                                        \
  K(void, resample, (const float *x, const struct elbo_resampling *axis, float *y), (x, axis, y))                  \
  K(void, rectify_styled,                                                                                          \
    (const float *x, const float *scale, const float *noise, float strength, const float *bias, float slope, float *y,\
     size_t pixels, size_t channels),                                                                              \
    (x, scale, noise, strength, bias, slope, y, pixels, channels))                                                 \
  K(void, rectify_styled_grad,                                                                                     \
    (const float *x, const float *scale, const float *noise, const float *y, float slope, const float *dy, float *dx,\
     float *dscale, float *dbias, float *dnoise, size_t pixels, size_t channels),                                  \
    (x, scale, noise, y, slope, dy, dx, dscale, dbias, dnoise, pixels, channels))                                  \
  K(void, dot_cols, (const float *a, const float *b, float *y, size_t rows, size_t cols), (a, b, y, rows, cols))   \
  K(void, transpose, ELBO_MATRIX)                                                                                  \
  K(double, sum, (const float *x, size_t n), (x, n))                                                               \
  K(double, dot, (const float *a, const float *b, size_t n), (a, b, n))                                            \
  K(double, sum_squares, (const float *x, size_t n), (x, n))                                                       \
  K(float, max_value, (const float *x, size_t n), (x, n))                                                          \
  K(int, all_finite, (const float *x, size_t n), (x, n))                                                           \
  K(void, sum_tree, (const float *const *parts, size_t count, float *y, size_t n), (parts, count, y, n))           \
  K(void, sum_tree_f64, (const double *const *parts, size_t count, double *y, size_t n), (parts, count, y, n))     \
  K(void, reparameterise, (const float *mu, const float *log_variance, const float *eps, float *z, size_t n),      \
    (mu, log_variance, eps, z, n))                                                                                 \
  K(void, reparameterise_grad,                                                                                     \
    (const float *log_variance, const float *eps, const float *dz, float *dlogvar, size_t n),                      \
    (log_variance, eps, dz, dlogvar, n))                                                                           \
  K(void, philox_words,                                                                                            \
    (uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, uint32_t *y, size_t n),                  \
    (key, c1, c2, c3, first, y, n))                                                                                \
  K(void, philox_uniform,                                                                                          \
    (uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y, size_t n),                     \
    (key, c1, c2, c3, first, y, n))                                                                                \
  K(void, philox_normal,                                                                                           \
    (uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y, size_t n),                     \
    (key, c1, c2, c3, first, y, n))                                                                                \
  K(void, philox_bernoulli,                                                                                        \
    (uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float p, float *y, size_t n),            \
    (key, c1, c2, c3, first, p, y, n))                                                                             \
  K(void, philox_uniform_rows,                                                                                     \
    (uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows, size_t cols, float *y),         \
    (key, c1, row_ids, c3, rows, cols, y))                                                                         \
  K(void, philox_normal_rows,                                                                                      \
    (uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows, size_t cols, float *y),         \
    (key, c1, row_ids, c3, rows, cols, y))                                                                         \
  K(void, philox_binarise_bytes,                                                                                   \
    (uint64_t key, uint32_t c1, uint32_t c3, const uint8_t *src, const uint32_t *row_ids, size_t rows,             \
     size_t cols, float *y),                                                                                       \
    (key, c1, c3, src, row_ids, rows, cols, y))                                                                    \
  K(void, sgd, (float *w, const float *g, double lr, double weight_decay, float gradient_scale, size_t n),         \
    (w, g, lr, weight_decay, gradient_scale, n))                                                                   \
  K(void, momentum,                                                                                                \
    (float *w, const float *g, float *v, double lr, double momentum, double dampening, double weight_decay,        \
     int nesterov, float gradient_scale, size_t n),                                                                \
    (w, g, v, lr, momentum, dampening, weight_decay, nesterov, gradient_scale, n))                                 \
  K(void, adagrad,                                                                                                 \
    (float *w, const float *g, float *s, double lr, double eps, double weight_decay, float gradient_scale,         \
     size_t n),                                                                                                    \
    (w, g, s, lr, eps, weight_decay, gradient_scale, n))                                                           \
  K(void, rmsprop,                                                                                                 \
    (float *w, const float *g, float *s, double lr, double alpha, double eps, double weight_decay,                 \
     float gradient_scale, size_t n),                                                                              \
    (w, g, s, lr, alpha, eps, weight_decay, gradient_scale, n))                                                    \
  K(void, adam,                                                                                                    \
    (float *w, const float *g, float *m, float *v, double lr, double beta1, double beta2, double eps,              \
     double bias1, double bias2, double weight_decay, int decoupled, float gradient_scale, size_t n),              \
    (w, g, m, v, lr, beta1, beta2, eps, bias1, bias2, weight_decay, decoupled, gradient_scale, n))                 \
  K(double, posterior_sample,                                                                                      \
    (const float *mu, const float *rho, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first,       \
     const struct elbo_prior *prior, float *w, size_t n),                                                          \
    (mu, rho, key, c1, c2, c3, first, prior, w, n))                                                                \
  K(double, posterior_kl, (const float *mu, const float *rho, float scale, size_t n), (mu, rho, scale, n))         \
  K(void, posterior_variance, ELBO_UNARY)                                                                          \
  K(void, posterior_share,                                                                                         \
    (const float *mu, const float *w, const float *g, float cost, const struct elbo_prior *prior, float *a, float *b,\
     size_t n),                                                                                                    \
    (mu, w, g, cost, prior, a, b, n))                                                                              \
  K(void, posterior_gradient,                                                                                      \
    (const float *mu, const float *rho, const float *w, const float *prior_w, const float *a, const float *b,      \
     float scale, float cost, const struct elbo_prior *prior, float *dmu, float *drho, size_t n),                  \
    (mu, rho, w, prior_w, a, b, scale, cost, prior, dmu, drho, n))                                                 \
  K(void, posterior_adam,                                                                                          \
    (float *mu, float *rho, const float *w, const float *prior_w, const float *a, const float *b, float scale,     \
     float cost, const struct elbo_prior *prior, float *m_mu, float *v_mu, float *m_rho, float *v_rho,             \
     const struct elbo_adam_step *step, size_t n),                                                                 \
    (mu, rho, w, prior_w, a, b, scale, cost, prior, m_mu, v_mu, m_rho, v_rho, step, n))                            \
  K(void, gaussian_sample,                                                                                         \
    (const float *mean, const float *precision, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first,\
     float *w, size_t n),                                                                                          \
    (mean, precision, key, c1, c2, c3, first, w, n))                                                               \
  K(void, ivon,                                                                                                    \
    (float *mean, float *precision, float *momentum, const float *w, const float *g, const struct elbo_ivon_step *step,\
     float gradient_scale, size_t n),                                                                              \
    (mean, precision, momentum, w, g, step, gradient_scale, n))                                                    \
  K(void, langevin,                                                                                                \
    (float *w, float *v, const float *g, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first,      \
     const struct elbo_langevin_step *step, float gradient_scale, size_t n),                                       \
    (w, v, g, key, c1, c2, c3, first, step, gradient_scale, n))

#define ELBO_FIELD_(result, name, parameters, arguments) result(*name) parameters;
#define ELBO_FIELD(...) ELBO_FIELD_(__VA_ARGS__)
#define ELBO_ENTRY_(result, name, parameters, arguments) .name = name##_kernel,
#define ELBO_ENTRY(...) ELBO_ENTRY_(__VA_ARGS__)

struct elbo_row_table {
  ELBO_ROW_KERNELS(ELBO_FIELD)
};

struct elbo_table {
  const char *name;
  struct elbo_row_table rows;
  const struct elbo_row_table *narrow;
  ELBO_KERNELS(ELBO_FIELD)
};

extern const struct elbo_table elbo_table_baseline;
#if defined(__x86_64__)
extern const struct elbo_table elbo_table_avx2;
extern const struct elbo_table elbo_table_avx512;
extern const struct elbo_row_table elbo_narrow_rows;
#endif

#endif
