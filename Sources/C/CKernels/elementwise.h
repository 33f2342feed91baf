// Elementwise kernels.

#define UNARY(name, value)                                         \
  static void name##_kernel(const float *x, float *y, size_t n) {  \
    EACH(n, {                                                      \
      vf v = load_some(x + i, k);                                  \
      store_some(y + i, value, k);                                 \
    });                                                            \
  }

UNARY(exp, v_exp(v))
UNARY(log, v_log(v))
UNARY(log1p, v_log1p(v))
UNARY(expm1, v_expm1(v))
UNARY(tanh, v_tanh(v))
UNARY(sigmoid, v_sigmoid(v))
UNARY(softplus, v_softplus(v))
UNARY(relu, at_least(v, 0.0f))
UNARY(erf, v_erf(v))
UNARY(sqrt, v_sqrt(v))
UNARY(rsqrt, 1.0f / v_sqrt(v))
UNARY(square, v * v)
UNARY(reciprocal, 1.0f / v)
UNARY(neg, -v)
UNARY(abs, v_abs(v))
UNARY(sin, v_sin_quarter(v, 0))
UNARY(cos, v_sin_quarter(v, 1))
UNARY(step, v > 0.0f ? (vf)1.0f : (vf)0.0f)
UNARY(sign, v == 0.0f ? (vf)0.0f : v == v ? with_sign((vf)1.0f, v) : v)

static void leaky_relu_kernel(const float *x, float slope, float *y, size_t n) {
  EACH(n, {
    vf v = load_some(x + i, k);
    store_some(y + i, v > 0.0f ? v : slope * v, k);
  });
}

#define BINARY(name, value)                                                         \
  static void name##_kernel(const float *p, const float *q, float *y, size_t n) {  \
    EACH(n, {                                                                       \
      vf a = load_some(p + i, k), b = load_some(q + i, k);                          \
      store_some(y + i, value, k);                                                  \
    });                                                                             \
  }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a * b)
BINARY(div, a / b)
BINARY(max, v_max(a, b))
BINARY(min, v_min(a, b))
BINARY(greater, a > b ? (vf)1.0f : (vf)0.0f)
// The derivatives: a is y (x for softplus), b is dy.
BINARY(tanh_grad, b * FMA(-a, a, 1.0f))
BINARY(sigmoid_grad, b * (a * (1.0f - a)))
BINARY(relu_grad, a > 0.0f ? b : (vf)0.0f)
BINARY(softplus_grad, b * v_sigmoid(a))

static void leaky_relu_grad_kernel(const float *x, float slope, const float *dy, float *dx, size_t n) {
  EACH(n, {
    vf v = load_some(x + i, k), d = load_some(dy + i, k);
    store_some(dx + i, v > 0.0f ? d : slope * d, k);
  });
}

static void scale_kernel(const float *x, float a, float *y, size_t n) {
  EACH(n, { store_some(y + i, a * load_some(x + i, k), k); });
}

static void add_scalar_kernel(const float *x, float a, float *y, size_t n) {
  EACH(n, { store_some(y + i, load_some(x + i, k) + a, k); });
}

static void axpy_kernel(float a, const float *x, float *y, size_t n) {
  EACH(n, { store_some(y + i, FMA(a, load_some(x + i, k), load_some(y + i, k)), k); });
}

static void fma_kernel(const float *a, const float *b, const float *c, float *y, size_t n) {
  EACH(n, { store_some(y + i, EXACT_FMA(load_some(a + i, k), load_some(b + i, k), load_some(c + i, k)), k); });
}

static void clamp_kernel(const float *x, float lo, float hi, float *y, size_t n) {
  EACH(n, { store_some(y + i, at_most(at_least(load_some(x + i, k), lo), hi), k); });
}

static void fill_kernel(float a, float *y, size_t n) {
  EACH(n, { store_some(y + i, (vf)a, k); });
}

static void bytes_to_float_kernel(const uint8_t *x, float scale, float shift, float *y, size_t n) {
  EACH(n, {
    vb bytes = {0};
    if (k == W) {
      bytes = *(const unaligned_vb *)(x + i);
    } else {
      memcpy(&bytes, x + i, k);
    }
    store_some(y + i, __builtin_convertvector(bytes, vf) * scale + shift, k);
  });
}

static void float_to_bf16_kernel(const float *x, uint16_t *y, size_t n) {
  EACH(n, {
    vu bits = (vu)load_some(x + i, k);
    vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    vu nan = (bits >> 16) | 0x40;
    vh halves = __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded, vh);
    if (k == W) {
      *(unaligned_vh *)(y + i) = halves;
    } else {
      memcpy(y + i, &halves, k * sizeof(uint16_t));
    }
  });
}

static void bf16_to_float_kernel(const uint16_t *x, float *y, size_t n) {
  EACH(n, {
    vh halves = {0};
    if (k == W) {
      halves = *(const unaligned_vh *)(x + i);
    } else {
      memcpy(&halves, x + i, k * sizeof(uint16_t));
    }
    store_some(y + i, (vf)(__builtin_convertvector(halves, vu) << 16), k);
  });
}

static void reparameterise_kernel(const float *mu, const float *log_variance, const float *eps, float *z, size_t n) {
  EACH(n, {
    vf sigma = v_exp(0.5f * load_some(log_variance + i, k));
    store_some(z + i, FMA(sigma, load_some(eps + i, k), load_some(mu + i, k)), k);
  });
}

static void reparameterise_grad_kernel(const float *log_variance, const float *eps, const float *dz, float *dlogvar,
                                       size_t n) {
  EACH(n, {
    vf sigma = v_exp(0.5f * load_some(log_variance + i, k));
    store_some(dlogvar + i, (0.5f * load_some(dz + i, k)) * (load_some(eps + i, k) * sigma), k);
  });
}
