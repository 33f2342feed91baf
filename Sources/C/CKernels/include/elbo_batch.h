/// Normalisation of the columns of a row-major matrix (Ioffe and Szegedy 2015), the rectification behind it fused in.
/// Throughout, z[i, j] = (x[i, j] - mean[j]) * scale[j] + shift[j].
#ifndef ELBO_BATCH_H
#define ELBO_BATCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Mean and (biased) variance of each column, summed in double; rows is at least 1.
void elbo_column_moments(const float *x, float *mean, float *variance, size_t rows, size_t cols);

/// y = z > 0 ? z : slope * z; slope 1 is no rectification.
void elbo_normalise_columns(const float *x, const float *mean, const float *scale, const float *shift, float slope,
                            float *y, size_t rows, size_t cols);

/// With d = z > 0 ? dy : slope * dy: sum[j] = Σ d and product[j] = Σ d * (x - mean), both over rows, in double.
void elbo_normalise_columns_sums(const float *x, const float *mean, const float *scale, const float *shift, float slope,
                                 const float *dy, float *sum, float *product, size_t rows, size_t cols);

/// dx = scale * d + along * (x - mean) + constant, with d as above.
void elbo_normalise_columns_grad(const float *x, const float *mean, const float *scale, const float *shift, float slope,
                                 const float *dy, const float *along, const float *constant, float *dx, size_t rows,
                                 size_t cols);

#ifdef __cplusplus
}
#endif

#endif
