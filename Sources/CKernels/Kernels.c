// Scalar kernels over the C library: right, not fast. The vector kernels replace them one for one.
#include "CKernels.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

int elbo_kernels_select(int level) { return level == 0 ? 0 : -1; }
int elbo_kernels_level(void) { return 0; }
const char *elbo_kernels_name(void) { return "portable"; }
void elbo_flush_denormals(void) {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t r;
  __asm__ volatile("mrs %0, fpcr" : "=r"(r));
  __asm__ volatile("msr fpcr, %0" : : "r"(r | (1ull << 24)));
#endif
}

#define MAP(name, params, ...) \
  void elbo_##name params { for (size_t i = 0; i < n; i++) { __VA_ARGS__; } }
#define UNARY(name, f) MAP(name, (const float *p, float *y, size_t n), double x = p[i]; y[i] = (float)(f))
UNARY(exp, exp(x)) UNARY(log, log(x)) UNARY(log1p, log1p(x)) UNARY(expm1, expm1(x)) UNARY(tanh, tanh(x))
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))) + (x != x ? x : 0); }
UNARY(sigmoid, sigmoid(x)) UNARY(softplus, softplus(x)) UNARY(relu, x > 0 || x != x ? x : 0) UNARY(erf, erf(x))
UNARY(sqrt, sqrt(x)) UNARY(rsqrt, 1 / sqrt(x)) UNARY(square, x * x) UNARY(reciprocal, 1 / x) UNARY(neg, -x)
UNARY(abs, fabs(x)) UNARY(sin, sin(x)) UNARY(cos, cos(x)) UNARY(step, x > 0 ? 1 : 0)
UNARY(sign, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x)
MAP(leaky_relu, (const float *x, float slope, float *y, size_t n), y[i] = x[i] > 0 ? x[i] : slope * x[i])
#define GRAD(name, f) MAP(name, (const float *y, const float *dy, float *dx, size_t n), dx[i] = (float)(f))
GRAD(tanh_grad, dy[i] * (1 - y[i] * y[i])) GRAD(sigmoid_grad, dy[i] * (y[i] * (1 - y[i])))
GRAD(relu_grad, y[i] > 0 ? dy[i] : 0) GRAD(softplus_grad, dy[i] * sigmoid(y[i]))
MAP(leaky_relu_grad, (const float *x, float slope, const float *dy, float *dx, size_t n),
    dx[i] = x[i] > 0 ? dy[i] : slope * dy[i])
#define BINARY(name, f) MAP(name, (const float *a, const float *b, float *y, size_t n), y[i] = f)
BINARY(add, a[i] + b[i]) BINARY(sub, a[i] - b[i]) BINARY(mul, a[i] * b[i]) BINARY(div, a[i] / b[i])
BINARY(max, a[i] != a[i] ? a[i] : b[i] != b[i] ? b[i] : a[i] > b[i] ? a[i] : b[i])
BINARY(min, a[i] != a[i] ? a[i] : b[i] != b[i] ? b[i] : a[i] < b[i] ? a[i] : b[i])
BINARY(greater, a[i] > b[i] ? 1 : 0)
MAP(scale, (const float *x, float a, float *y, size_t n), y[i] = a * x[i])
MAP(add_scalar, (const float *x, float a, float *y, size_t n), y[i] = x[i] + a)
MAP(axpy, (float a, const float *x, float *y, size_t n), y[i] = fmaf(a, x[i], y[i]))
MAP(fma, (const float *a, const float *b, const float *c, float *y, size_t n), y[i] = fmaf(a[i], b[i], c[i]))
MAP(clamp, (const float *x, float lo, float hi, float *y, size_t n), y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i])
MAP(fill, (float a, float *y, size_t n), y[i] = a)
MAP(bytes_to_float, (const uint8_t *x, float scale, float shift, float *y, size_t n), y[i] = fmaf(x[i], scale, shift))
void elbo_gather_bytes(const uint8_t *src, const uint32_t *index, size_t rows, size_t cols, float scale, float shift,
                       float *y) {
  for (size_t i = 0; i < rows; i++) elbo_bytes_to_float(src + index[i] * cols, scale, shift, y + i * cols, cols);
}
void elbo_gather_floats(const float *src, const uint32_t *index, size_t rows, size_t cols, float *y) {
  for (size_t i = 0; i < rows; i++) memcpy(y + i * cols, src + index[i] * cols, cols * sizeof(float));
}
void elbo_float_to_bf16(const float *x, uint16_t *y, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t b;
    memcpy(&b, x + i, 4);
    y[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >> 16) | 0x40 : (b + 0x7fff + ((b >> 16) & 1)) >> 16;
  }
}
void elbo_bf16_to_float(const uint16_t *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t b = (uint32_t)x[i] << 16;
    memcpy(y + i, &b, 4);
  }
}

#define ROWMAP(name, other, f) \
  void elbo_##name(const float *x, const float *other, float *y, size_t rows, size_t cols) { \
    for (size_t i = 0; i < rows; i++) for (size_t j = 0; j < cols; j++) y[i * cols + j] = x[i * cols + j] f; }
ROWMAP(add_row, b, +b[j]) ROWMAP(mul_row, b, *b[j]) ROWMAP(add_col, c, +c[i]) ROWMAP(mul_col, c, *c[i])
double elbo_sum(const float *x, size_t n) { double s = 0; for (size_t i = 0; i < n; i++) s += x[i]; return s; }
double elbo_dot(const float *a, const float *b, size_t n) {
  double s = 0; for (size_t i = 0; i < n; i++) s += (double)a[i] * b[i]; return s; }
double elbo_sum_squares(const float *x, size_t n) { return elbo_dot(x, x, n); }
float elbo_max_value(const float *x, size_t n) {
  float m = -INFINITY; for (size_t i = 0; i < n; i++) elbo_max(&m, x + i, &m, 1); return m; }
int elbo_all_finite(const float *x, size_t n) {
  int r = 1; for (size_t i = 0; i < n; i++) r &= isfinite(x[i]) != 0; return r; }
#define ROWS for (size_t i = 0; i < rows; i++)
void elbo_sum_rows(const float *x, float *y, size_t rows, size_t cols) { ROWS y[i] = (float)elbo_sum(x + i * cols, cols); }
void elbo_max_rows(const float *x, float *y, size_t rows, size_t cols) { ROWS y[i] = elbo_max_value(x + i * cols, cols); }
static void columns(const float *x, float *y, size_t rows, size_t cols, float keep) {
  for (size_t j = 0; j < cols; j++) {
    double s = 0;
    ROWS s += x[i * cols + j];
    y[j] = (keep ? y[j] : 0) + (float)s;
  }
}
void elbo_sum_cols(const float *x, float *y, size_t rows, size_t cols) { columns(x, y, rows, cols, 0); }
void elbo_sum_cols_acc(const float *x, float *y, size_t rows, size_t cols) { columns(x, y, rows, cols, 1); }
static double logsumexp(const float *x, size_t n) {
  float m = elbo_max_value(x, n);
  if (isinf(m)) return m;
  double s = 0;
  for (size_t i = 0; i < n; i++) s += exp((double)x[i] - m);
  return m + log(s);
}
void elbo_logsumexp_rows(const float *x, float *y, size_t rows, size_t cols) { ROWS y[i] = (float)logsumexp(x + i * cols, cols); }
void elbo_softmax_rows(const float *x, float *y, size_t rows, size_t cols) {
  ROWS { double l = logsumexp(x + i * cols, cols);
    for (size_t j = 0; j < cols; j++) y[i * cols + j] = (float)exp(x[i * cols + j] - l); } }
void elbo_log_softmax_rows(const float *x, float *y, size_t rows, size_t cols) {
  ROWS { double l = logsumexp(x + i * cols, cols);
    for (size_t j = 0; j < cols; j++) y[i * cols + j] = (float)(x[i * cols + j] - l); } }
void elbo_softmax_rows_grad(const float *y, const float *dy, float *dx, size_t rows, size_t cols) {
  ROWS { double s = elbo_dot(y + i * cols, dy + i * cols, cols);
    for (size_t j = 0; j < cols; j++) dx[i * cols + j] = (float)(y[i * cols + j] * (dy[i * cols + j] - s)); } }
void elbo_transpose(const float *x, float *y, size_t rows, size_t cols) {
  ROWS for (size_t j = 0; j < cols; j++) y[j * rows + i] = x[i * cols + j]; }
#define TREE(name, T) \
  static T name##_part(const T *const *p, size_t count, size_t i) { \
    if (count == 1) return p[0][i]; \
    size_t half = 1; \
    while (half * 2 < count) half *= 2; \
    return name##_part(p, half, i) + name##_part(p + half, count - half, i); } \
  void name(const T *const *parts, size_t count, T *y, size_t n) { \
    for (size_t i = 0; i < n; i++) y[i] = count ? name##_part(parts, count, i) : 0; }
TREE(elbo_sum_tree, float) TREE(elbo_sum_tree_f64, double)

#define HALF_LOG_2PI 0.91893853320467274178
void elbo_bernoulli_ll_rows(const float *logits, const float *t, float *ll, float *residual, size_t rows, size_t cols) {
  ROWS { double s = 0;
    for (size_t k = i * cols; k < (i + 1) * cols; k++) {
      double l = logits[k], u = t[k];
      s += u * l - softplus(l);
      if (residual) residual[k] = (float)(u - sigmoid(l));
    }
    ll[i] = (float)s; } }
void elbo_gaussian_ll_rows(const float *x, const float *mu, const float *lv, float *ll, float *dmu, float *dlv,
                           size_t rows, size_t cols) {
  ROWS { double s = 0;
    for (size_t k = i * cols; k < (i + 1) * cols; k++) {
      double d = (double)x[k] - mu[k], p = exp(-lv[k]), v = lv[k];
      s -= HALF_LOG_2PI + 0.5 * (v + d * d * p);
      if (dmu) dmu[k] = (float)(d * p);
      if (dlv) dlv[k] = (float)(0.5 * (d * d * p - 1));
    }
    if (ll) ll[i] = (float)s; } }
void elbo_gaussian_kl_rows(const float *mu, const float *lv, float *kl, float *dmu, float *dlv, size_t rows, size_t cols) {
  ROWS { double s = 0;
    for (size_t k = i * cols; k < (i + 1) * cols; k++) {
      double m = mu[k], v = lv[k], e = expm1(v);
      s += 0.5 * (m * m + e - v);
      if (dmu) dmu[k] = (float)m;
      if (dlv) dlv[k] = (float)(0.5 * e);
    }
    if (kl) kl[i] = (float)s; } }
MAP(reparameterise, (const float *mu, const float *lv, const float *eps, float *z, size_t n),
    z[i] = (float)(mu[i] + exp(0.5 * lv[i]) * eps[i]))
MAP(reparameterise_grad, (const float *lv, const float *eps, const float *dz, float *dlv, size_t n),
    dlv[i] = (float)(0.5 * dz[i] * eps[i] * exp(0.5 * lv[i])))

void elbo_philox_block(uint32_t k0, uint32_t k1, const uint32_t c[4], uint32_t out[4]) {
  uint32_t a = c[0], b = c[1], d = c[2], e = c[3];
  for (int r = 0; r < 10; r++) {
    uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * d;
    uint32_t na = (uint32_t)(q >> 32) ^ b ^ k0, nd = (uint32_t)(p >> 32) ^ e ^ k1;
    b = (uint32_t)q; e = (uint32_t)p; a = na; d = nd;
    k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
  }
  out[0] = a; out[1] = b; out[2] = d; out[3] = e;
}
static void block(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t e, uint32_t w[4]) {
  uint32_t c[4] = {(uint32_t)(e / 4), c1, c2, c3};
  elbo_philox_block((uint32_t)key, (uint32_t)(key >> 32), c, w);
}
#define STREAM(...) (uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, __VA_ARGS__, size_t n)
#define WORD uint32_t w[4]; uint64_t e = first + i; block(key, c1, c2, c3, e, w); uint32_t u = w[e % 4]; (void)u
MAP(philox_words, STREAM(uint32_t *y), WORD; y[i] = u)
MAP(philox_uniform, STREAM(float *y), WORD; y[i] = (float)(u >> 8) * 0x1p-24f)
MAP(philox_bernoulli, STREAM(float p, float *y), WORD; y[i] = (float)(u >> 8) * 0x1p-24f < p)
MAP(philox_normal, STREAM(float *y), WORD;
    double r = sqrt(-2 * log(((double)w[e % 4 & 2] + 0.5) * 0x1p-32));
    double a = 6.283185307179586477 * 0x1p-32 * w[(e % 4 & 2) + 1];
    y[i] = (float)(r * (e % 2 ? sin(a) : cos(a))))
void elbo_philox_uniform_rows(uint64_t key, uint32_t c1, const uint32_t *ids, uint32_t c3, size_t rows, size_t cols, float *y) {
  ROWS elbo_philox_uniform(key, c1, ids[i], c3, 0, y + i * cols, cols); }
void elbo_philox_normal_rows(uint64_t key, uint32_t c1, const uint32_t *ids, uint32_t c3, size_t rows, size_t cols, float *y) {
  ROWS elbo_philox_normal(key, c1, ids[i], c3, 0, y + i * cols, cols); }
void elbo_philox_binarise_bytes(uint64_t key, uint32_t c1, uint32_t c3, const uint8_t *src, const uint32_t *ids,
                                size_t rows, size_t cols, float *y) {
  ROWS { elbo_philox_uniform(key, c1, ids[i], c3, 0, y + i * cols, cols);
    for (size_t j = 0; j < cols; j++) y[i * cols + j] = y[i * cols + j] < src[ids[i] * cols + j] / 255.0f; } }

MAP(sgd, (float *w, const float *gs, double lr, double wd, float scale, size_t n),
    double g = gs[i] * scale + wd * w[i]; w[i] = (float)(w[i] - lr * g))
MAP(momentum, (float *w, const float *gs, float *v, double lr, double momentum, double dampening, double wd,
    int nesterov, float scale, size_t n), double g = gs[i] * scale + wd * w[i];
    v[i] = (float)(momentum * v[i] + (1 - dampening) * g); w[i] = (float)(w[i] - lr * (nesterov ? g + momentum * v[i] : v[i])))
MAP(adagrad, (float *w, const float *gs, float *s, double lr, double eps, double wd, float scale, size_t n),
    double g = gs[i] * scale + wd * w[i]; s[i] = (float)(s[i] + g * g); w[i] = (float)(w[i] - lr * g / (sqrt(s[i]) + eps)))
MAP(rmsprop, (float *w, const float *gs, float *s, double lr, double alpha, double eps, double wd, float scale, size_t n),
    double g = gs[i] * scale + wd * w[i]; s[i] = (float)(alpha * s[i] + (1 - alpha) * g * g);
    w[i] = (float)(w[i] - lr * g / (sqrt(s[i]) + eps)))
MAP(adam, (float *w, const float *gs, float *m, float *v, double lr, double beta1, double beta2, double eps,
    double bias1, double bias2, double wd, int decoupled, float scale, size_t n),
    double g = gs[i] * scale + (decoupled ? 0 : wd * w[i]); double u = decoupled ? w[i] * (1 - lr * wd) : w[i];
    m[i] = (float)(m[i] + (1 - beta1) * (g - m[i])); v[i] = (float)(beta2 * v[i] + (1 - beta2) * g * g);
    w[i] = (float)(u - lr / bias1 * m[i] / (sqrt(v[i]) / sqrt(bias2) + eps)))
