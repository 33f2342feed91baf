/// Elementwise kernels: functions, derivatives, arithmetic, conversions.
#ifndef ELBO_ELEMENTWISE_H
#define ELBO_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Functions, y[i] = f(x[i])
//
// Bounds are in units of the last place (ulp) of the exact result, over all floats, on every instruction set. Zeros of
// either sign, infinities, NaN and the ends of the range are as IEEE 754 and C's Annex F have them; denormal arguments
// and results are exact in the same bounds unless the thread flushes them (elbo_flush_denormals).

/// ≤ 1.1 ulp.
void elbo_exp(const float *x, float *y, size_t n);
/// ≤ 1 ulp.
void elbo_log(const float *x, float *y, size_t n);
/// ≤ 1.75 ulp.
void elbo_log1p(const float *x, float *y, size_t n);
/// ≤ 2 ulp.
void elbo_expm1(const float *x, float *y, size_t n);
/// ≤ 3 ulp.
void elbo_tanh(const float *x, float *y, size_t n);
/// 1 / (1 + exp(-x)); ≤ 2.5 ulp.
void elbo_sigmoid(const float *x, float *y, size_t n);
/// log(1 + exp(x)), without overflow; ≤ 2.5 ulp.
void elbo_softplus(const float *x, float *y, size_t n);
/// The greater of x and 0; NaN for NaN.
void elbo_relu(const float *x, float *y, size_t n);
/// ≤ 1.25 ulp.
void elbo_erf(const float *x, float *y, size_t n);
/// Correctly rounded.
void elbo_sqrt(const float *x, float *y, size_t n);
/// 1 / sqrt(x); ≤ 1.5 ulp.
void elbo_rsqrt(const float *x, float *y, size_t n);
void elbo_square(const float *x, float *y, size_t n);
/// 1 / x, correctly rounded.
void elbo_reciprocal(const float *x, float *y, size_t n);
void elbo_neg(const float *x, float *y, size_t n);
void elbo_abs(const float *x, float *y, size_t n);
/// ≤ 1.75 ulp. Beyond ±2^20 as exact, one by one through the C library.
void elbo_sin(const float *x, float *y, size_t n);
/// As elbo_sin.
void elbo_cos(const float *x, float *y, size_t n);
/// x > 0 ? 1 : 0 (0 for NaN).
void elbo_step(const float *x, float *y, size_t n);
/// -1, 0 or 1; 0 for a zero of either sign, NaN for NaN.
void elbo_sign(const float *x, float *y, size_t n);
/// x > 0 ? x : slope * x.
void elbo_leaky_relu(const float *x, float slope, float *y, size_t n);

// MARK: Derivatives, from the output y where that is enough

/// dx = dy * (1 - y * y), for y = tanh(x).
void elbo_tanh_grad(const float *y, const float *dy, float *dx, size_t n);
/// dx = dy * y * (1 - y), for y = sigmoid(x).
void elbo_sigmoid_grad(const float *y, const float *dy, float *dx, size_t n);
/// dx = y > 0 ? dy : 0.
void elbo_relu_grad(const float *y, const float *dy, float *dx, size_t n);
/// dx = dy * sigmoid(x).
void elbo_softplus_grad(const float *x, const float *dy, float *dx, size_t n);
/// dx = x > 0 ? dy : slope * dy.
void elbo_leaky_relu_grad(const float *x, float slope, const float *dy, float *dx, size_t n);

// MARK: Arithmetic

void elbo_add(const float *a, const float *b, float *y, size_t n);
void elbo_sub(const float *a, const float *b, float *y, size_t n);
void elbo_mul(const float *a, const float *b, float *y, size_t n);
void elbo_div(const float *a, const float *b, float *y, size_t n);
/// The greater of the two; NaN when either is NaN.
void elbo_max(const float *a, const float *b, float *y, size_t n);
/// The lesser of the two; NaN when either is NaN.
void elbo_min(const float *a, const float *b, float *y, size_t n);
/// a > b ? 1 : 0 (0 when either is NaN).
void elbo_greater(const float *a, const float *b, float *y, size_t n);
/// y = a * x.
void elbo_scale(const float *x, float a, float *y, size_t n);
/// y = x + a.
void elbo_add_scalar(const float *x, float a, float *y, size_t n);
/// y += a * x; rounded once where the level has the instruction.
void elbo_axpy(float a, const float *x, float *y, size_t n);
/// y = a * b + c, elementwise, rounded once on every level.
void elbo_fma(const float *a, const float *b, const float *c, float *y, size_t n);
/// y = min(max(x, lo), hi); NaN stays NaN.
void elbo_clamp(const float *x, float lo, float hi, float *y, size_t n);
/// y = a.
void elbo_fill(float a, float *y, size_t n);

// MARK: Conversions and gathers

/// y = x * scale + shift.
void elbo_bytes_to_float(const uint8_t *x, float scale, float shift, float *y, size_t n);
/// Row i of y is row `rows_index[i]` of src, times scale plus shift.
void elbo_gather_bytes(const uint8_t *src, const uint32_t *rows_index, size_t rows, size_t cols, float scale,
                       float shift, float *y);
/// Row i of y is row `rows_index[i]` of src.
void elbo_gather_floats(const float *src, const uint32_t *rows_index, size_t rows, size_t cols, float *y);
/// Rounds to nearest, ties to even; every NaN becomes a quiet NaN of the same sign.
void elbo_float_to_bf16(const float *x, uint16_t *y, size_t n);
void elbo_bf16_to_float(const uint16_t *x, float *y, size_t n);

#ifdef __cplusplus
}
#endif

#endif
