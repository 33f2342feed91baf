// Posteriors of weights: sampling, complexity cost, gradients and update in one pass each.

#define LOG_2_PI 1.83787706640934548356

/// σ = softplus(rho), its logarithm as `logarithm` + log `factor`, and `slope` = softplus'(rho) / σ; what a caller does
/// not use is not computed.
///
/// With e = exp(rho), σ = log1p(e) is e times a factor in [log 2, 1] that is multiplied up where logarithms are summed,
/// and the slope e / ((1 + e) log1p(e)) is a polynomial in e, within 5e-7. That is where rho ≤ 0. Few deviations are
/// above log 2: vectors that have some pay for other formulas, of which each lane takes its own.
typedef struct {
  vf sigma, logarithm, factor, slope;
} deviation;

INLINE deviation deviation_of(vf rho) {
  // 2^-126 for a rho below -87: its logarithm stays rho.
  vf e = exp_of_negative(-v_abs(rho));
  deviation d;
  d.factor = FMA(log1p_unit_tail(e), e, 1.0f);
  d.sigma = e * d.factor;
  d.logarithm = rho;
  vf p = FMA(-0x1.1cb162p-6f, e, 0x1.61ff52p-4f);
  p = FMA(p, e, -0x1.986004p-3f);
  p = FMA(p, e, 0x1.3430dcp-2f);
  p = FMA(p, e, -0x1.75abdap-2f);
  p = FMA(p, e, 0x1.a994f2p-2f);
  p = FMA(p, e, -0x1.fff5dcp-2f);
  d.slope = FMA(p, e, 1.0f);
  vi large = rho > 0.0f;
  if (__builtin_expect(__builtin_reduce_or(large) != 0, 0)) {
    d.sigma = large ? rho + d.sigma : d.sigma;
    d.logarithm = large ? v_log(d.sigma) : d.logarithm;
    d.factor = large ? (vf)1.0f : d.factor;
    d.slope = large ? 1.0f / ((1.0f + e) * d.sigma) : d.slope;
  }
  return d;
}

/// What the priors' formulas need, made once a call.
typedef struct {
  int kind;
  /// 1 / scale², or 1 / b; 1 / scale2².
  float inverse, inverse2;
  /// log of the factor before the exponential of each component, 2π left out.
  float peak, peak2;
} prior_terms;

INLINE prior_terms terms_of(const struct elbo_prior *prior) {
  prior_terms t = {0};
  t.kind = prior->kind;
  const double scale = prior->scale, scale2 = prior->scale2, share = prior->share;
  switch (prior->kind) {
  case ELBO_PRIOR_LAPLACE:
    t.inverse = (float)(1.0 / scale);
    break;
  case ELBO_PRIOR_MIXTURE:
    t.inverse = (float)(1.0 / (scale * scale));
    t.inverse2 = (float)(1.0 / (scale2 * scale2));
    t.peak = (float)(logarithm(share) - logarithm(scale));
    t.peak2 = (float)(log1p(-share) - logarithm(scale2));
    break;
  default:
    t.inverse = (float)(1.0 / (scale * scale));
  }
  return t;
}

/// Log odds of the mixture's narrow component at w. Everything comes from this difference of the components' log
/// densities: no density is taken out of the logarithm, so that nothing underflows far out.
INLINE vf log_odds(const prior_terms *t, vf w) {
  return FMA(0.5f * (t->inverse - t->inverse2), w * w, t->peak2 - t->peak);
}

/// The derivative of log p by w. The mixture's is a mean of the components' by their responsibilities. `kind` is a
/// constant.
INLINE vf score(int kind, const prior_terms *t, vf w) {
  switch (kind) {
  case ELBO_PRIOR_LAPLACE: return w == 0.0f ? (vf)0.0f : with_sign((vf)t->inverse, -w);
  case ELBO_PRIOR_MIXTURE: {
    vf odds = log_odds(t, w), narrow = sigmoid_from(odds, exp_of_negative(-v_abs(odds)));
    return -w * FMA(narrow, t->inverse2 - t->inverse, t->inverse);
  }
  default: return -w * t->inverse;
  }
}

// Sums of logarithms are logarithms of products, one for so many weights, 16 in each lane: a weight's factors lie
// between log 2 and 2. Noise is made for as many, in the first-level cache.
#define BLOCK (16 * LANES)

/// Adds the costs of a block and subtracts the logarithms of the products.
INLINE void add_block(sums *s, const vf *costs, const vf *products) {
  UNROLL for (int v = 0; v < VECTORS; v++) s->lane[v] += to_double(costs[v]) - to_double(v_log(products[v]));
}

/// Σ log q - log p over a block, constants left out, and the sample. `kind` is a constant; -1: no prior, no sum.
INLINE void sample_block(int kind, const prior_terms *t, const float *mu, const float *rho, const float *noise,
                         float *w, size_t n, sums *s) {
  // A lane sums at most 16 terms of a block in float, and blocks in double.
  vf costs[VECTORS], products[VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    costs[v] = (vf)0.0f;
    products[v] = (vf)1.0f;
  }
  EACH_IN_LANES(n, {
    const vi inside = k == W ? (vi){0} - 1 : below(k);
    vf epsilon = load_some(noise + i, k);
    deviation d = deviation_of(load_some(rho + i, k));
    vf weight = FMA(d.sigma, epsilon, load_some(mu + i, k));
    store_some(w + i, weight, k);
    if (kind >= 0) {
      // log q = -log σ - ε² / 2.
      vf cost = FMA(-0.5f * epsilon, epsilon, -d.logarithm), product = d.factor;
      if (kind == ELBO_PRIOR_LAPLACE) cost = FMA(v_abs(weight), t->inverse, cost);
      if (kind != ELBO_PRIOR_LAPLACE) cost = FMA(0.5f * t->inverse * weight, weight, cost);
      if (kind == ELBO_PRIOR_MIXTURE) {
        // log p = the wide component's + log(1 + odds).
        vf odds = log_odds(t, weight);
        cost -= at_least(odds, 0.0f);
        product *= 1.0f + exp_of_negative(-v_abs(odds));
      }
      costs[v] += inside ? cost : (vf)0.0f;
      products[v] *= inside ? product : (vf)1.0f;
    }
  });
  if (kind >= 0) add_block(s, costs, products);
}

static double posterior_sample_kernel(const float *mu, const float *rho, uint64_t key, uint32_t c1, uint32_t c2,
                                      uint32_t c3, uint64_t first, const struct elbo_prior *prior, float *w, size_t n) {
  const prior_terms t = prior ? terms_of(prior) : (prior_terms){0};
  float noise[BLOCK];
  sums s = {0};
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t length = n - start < BLOCK ? n - start : BLOCK;
    philox_normal_kernel(key, c1, c2, c3, first + start, noise, length);
#define SAMPLE(kind) sample_block(kind, &t, mu + start, rho + start, noise, w + start, length, &s)
    switch (prior ? prior->kind : -1) {
    case ELBO_PRIOR_GAUSSIAN: SAMPLE(ELBO_PRIOR_GAUSSIAN); break;
    case ELBO_PRIOR_LAPLACE: SAMPLE(ELBO_PRIOR_LAPLACE); break;
    case ELBO_PRIOR_MIXTURE: SAMPLE(ELBO_PRIOR_MIXTURE); break;
    default: SAMPLE(-1);
    }
#undef SAMPLE
  }
  if (prior == NULL) return 0;
  double constant = 0;
  if (prior->kind == ELBO_PRIOR_GAUSSIAN) constant = logarithm(prior->scale);
  if (prior->kind == ELBO_PRIOR_MIXTURE) constant = -(double)t.peak;
  if (prior->kind == ELBO_PRIOR_LAPLACE) constant = logarithm(2.0 * prior->scale) - 0.5 * LOG_2_PI;
  return total(&s) + (double)n * constant;
}

static double posterior_kl_kernel(const float *mu, const float *rho, float scale, size_t n) {
  const float inverse = (float)(0.5 / ((double)scale * scale));
  sums s = {0};
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t length = n - start < BLOCK ? n - start : BLOCK;
    vf costs[VECTORS], products[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) {
      costs[v] = (vf)0.0f;
      products[v] = (vf)1.0f;
    }
    EACH_IN_LANES(length, {
      const vi inside = k == W ? (vi){0} - 1 : below(k);
      vf m = load_some(mu + start + i, k);
      deviation d = deviation_of(load_some(rho + start + i, k));
      vf cost = FMA(inverse * m, m, FMA(inverse * d.sigma, d.sigma, -d.logarithm));
      costs[v] += inside ? cost : (vf)0.0f;
      products[v] *= inside ? d.factor : (vf)1.0f;
    });
    add_block(&s, costs, products);
  }
  return total(&s) + (double)n * (logarithm(scale) - 0.5);
}

static void posterior_variance_kernel(const float *rho, float *y, size_t n) {
  EACH(n, {
    vf sigma = deviation_of(load_some(rho + i, k)).sigma;
    store_some(y + i, sigma * sigma, k);
  });
}

INLINE void share(int kind, const prior_terms *t, const float *mu, const float *w, const float *g, float cost, float *a,
                  float *b, size_t n) {
  EACH(n, {
    vf weight = load_some(w + i, k), slope = load_some(g + i, k);
    if (kind >= 0) slope = FMA(-cost, score(kind, t, weight), slope);
    store_some(a + i, slope, k);
    store_some(b + i, slope * (weight - load_some(mu + i, k)), k);
  });
}

static void posterior_share_kernel(const float *mu, const float *w, const float *g, float cost,
                                   const struct elbo_prior *prior, float *a, float *b, size_t n) {
  const prior_terms t = prior ? terms_of(prior) : (prior_terms){0};
  switch (prior ? prior->kind : -1) {
  case ELBO_PRIOR_GAUSSIAN: share(ELBO_PRIOR_GAUSSIAN, &t, mu, w, g, cost, a, b, n); break;
  case ELBO_PRIOR_LAPLACE: share(ELBO_PRIOR_LAPLACE, &t, mu, w, g, cost, a, b, n); break;
  case ELBO_PRIOR_MIXTURE: share(ELBO_PRIOR_MIXTURE, &t, mu, w, g, cost, a, b, n); break;
  default: share(-1, &t, mu, w, g, cost, a, b, n);
  }
}

/// Where the prior's part of a gradient comes from.
enum prior_part {
  /// It is in the sums already.
  PART_NONE = -1,
  /// In closed form, of a Gaussian. The others are ELBO_PRIOR_…: from the density at a draw.
  PART_CLOSED = 3,
};

/// Everything that a gradient is made of.
typedef struct {
  const float *w, *prior_w, *a, *b;
  float scale, cost;
  prior_terms prior;
} gradient_source;

typedef struct {
  vf mu, rho;
} gradient_pair;

/// At offset i. `part` and `has_b` are constants.
INLINE gradient_pair gradient_at(int part, int has_b, const gradient_source *s, vf mu, vf rho, size_t i, size_t k) {
  deviation d = deviation_of(rho);
  vf a = s->scale * load_some(s->a + i, k);
  vf b = has_b ? s->scale * load_some(s->b + i, k) : (vf)0.0f;
  vf distance = has_b ? (vf)0.0f : load_some(s->w + i, k) - mu;
  if (part == PART_CLOSED) {
    // KL = log(s / σ) + (σ² + μ²) / (2 s²) - 1/2.
    vf pull = (vf)(s->cost * s->prior.inverse);
    if (!has_b) b = a * distance;
    a = FMA(pull, mu, a);
    b = FMA(pull * d.sigma, d.sigma, b);
  } else {
    if (part != PART_NONE) {
      vf at = load_some(s->prior_w + i, k);
      vf pull = -s->cost * score(part, &s->prior, at);
      a += pull;
      if (has_b) b = FMA(pull, at - mu, b);
    }
    if (!has_b) b = a * distance;
  }
  return (gradient_pair){a, d.slope * (b - s->cost)};
}

INLINE void gradient_loop(int part, int has_b, const gradient_source *s, const float *mu, const float *rho, float *dmu,
                          float *drho, size_t n) {
  EACH(n, {
    gradient_pair g = gradient_at(part, has_b, s, load_some(mu + i, k), load_some(rho + i, k), i, k);
    store_some(dmu + i, g.mu, k);
    store_some(drho + i, g.rho, k);
  });
}

typedef struct {
  float *mu, *rho, *m_mu, *v_mu, *m_rho, *v_rho;
  float rate, guard, admit1, keep2, admit2, unbias2, decay, shrink;
} adam_state;

/// The arithmetic of elbo_adam, bit for bit.
INLINE vf adam_moved(const adam_state *s, vf x, vf gradient, float *m, float *v, float shrink, size_t k) {
  vf mean = load_some(m, k);
  mean = FMA(s->admit1, gradient - mean, mean);
  vf squares = FMA(s->keep2, load_some(v, k), s->admit2 * gradient * gradient);
  store_some(m, mean, k);
  store_some(v, squares, k);
  vf denominator = FMA(v_sqrt(squares), s->unbias2, s->guard);
  return FMA(s->rate, mean / denominator, shrink * x);
}

INLINE void adam_loop(int part, int has_b, const gradient_source *s, const adam_state *adam, size_t n) {
  EACH(n, {
    vf mu = load_some(adam->mu + i, k), rho = load_some(adam->rho + i, k);
    gradient_pair g = gradient_at(part, has_b, s, mu, rho, i, k);
    g.mu = FMA(adam->decay, mu, g.mu);
    store_some(adam->mu + i, adam_moved(adam, mu, g.mu, adam->m_mu + i, adam->v_mu + i, adam->shrink, k), k);
    store_some(adam->rho + i, adam_moved(adam, rho, g.rho, adam->m_rho + i, adam->v_rho + i, 1.0f, k), k);
  });
}

// Calls LOOP(part, has_b) with constants.
#define WITH_CONSTANTS(LOOP)                                                                   \
  switch (prior == NULL ? PART_NONE : prior_w == NULL ? PART_CLOSED : prior->kind) {           \
  case ELBO_PRIOR_GAUSSIAN: if (b) { LOOP(ELBO_PRIOR_GAUSSIAN, 1); } else { LOOP(ELBO_PRIOR_GAUSSIAN, 0); } break; \
  case ELBO_PRIOR_LAPLACE: if (b) { LOOP(ELBO_PRIOR_LAPLACE, 1); } else { LOOP(ELBO_PRIOR_LAPLACE, 0); } break;    \
  case ELBO_PRIOR_MIXTURE: if (b) { LOOP(ELBO_PRIOR_MIXTURE, 1); } else { LOOP(ELBO_PRIOR_MIXTURE, 0); } break;    \
  case PART_CLOSED: if (b) { LOOP(PART_CLOSED, 1); } else { LOOP(PART_CLOSED, 0); } break;                         \
  default: if (b) { LOOP(PART_NONE, 1); } else { LOOP(PART_NONE, 0); }                                             \
  }

static void posterior_gradient_kernel(const float *mu, const float *rho, const float *w, const float *prior_w,
                                      const float *a, const float *b, float scale, float cost,
                                      const struct elbo_prior *prior, float *dmu, float *drho, size_t n) {
  const gradient_source s = {w, prior_w, a, b, scale, cost, prior ? terms_of(prior) : (prior_terms){0}};
#define GRADIENT(part, has_b) gradient_loop(part, has_b, &s, mu, rho, dmu, drho, n)
  WITH_CONSTANTS(GRADIENT)
#undef GRADIENT
}

static void posterior_adam_kernel(float *mu, float *rho, const float *w, const float *prior_w, const float *a,
                                  const float *b, float scale, float cost, const struct elbo_prior *prior, float *m_mu,
                                  float *v_mu, float *m_rho, float *v_rho, const struct elbo_adam_step *step,
                                  size_t n) {
  const gradient_source s = {w, prior_w, a, b, scale, cost, prior ? terms_of(prior) : (prior_terms){0}};
  const adam_state adam = {
      .mu = mu, .rho = rho, .m_mu = m_mu, .v_mu = v_mu, .m_rho = m_rho, .v_rho = v_rho,
      .rate = (float)(-step->lr / step->bias1), .guard = (float)step->eps,
      .admit1 = (float)(1.0 - step->beta1), .keep2 = (float)step->beta2, .admit2 = (float)(1.0 - step->beta2),
      .unbias2 = (float)(1.0 / root(step->bias2)),
      .decay = step->decoupled ? 0.0f : (float)step->weight_decay,
      .shrink = step->decoupled ? (float)(1.0 - step->lr * step->weight_decay) : 1.0f,
  };
#define ADAM(part, has_b) adam_loop(part, has_b, &s, &adam, n)
  WITH_CONSTANTS(ADAM)
#undef ADAM
}
