// Log-densities and divergences of rows, in one pass.

static void bernoulli_ll_rows_kernel(const float *logits, const float *t, float *ll, float *residual, size_t rows,
                                     size_t cols) {
  for (size_t row = 0; row < rows; row++) {
    const size_t start = row * cols;
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf l = load_some(logits + start + i, k), target = load_some(t + start + i, k);
      vf e = exp_of_negative(-v_abs(l));
      // t l - max(l, 0) first: for a sure and right answer both are l, and what is left is the logarithm alone.
      vf term = FMA(target, l, at_most(-l, 0.0f)) - log1p_unit(e);
      s.lane[v] += to_double(k == W || below(k) ? term : (vf)0.0f);
      if (residual) store_some(residual + start + i, target - sigmoid_from(l, e), k);
    });
    ll[row] = (float)total(&s);
  }
}

static void gaussian_ll_rows_kernel(const float *x, const float *mu, const float *log_variance, float *ll, float *dmu,
                                    float *dlogvar, size_t rows, size_t cols) {
  const double log_2_pi = 1.83787706640934548356;
  for (size_t row = 0; row < rows; row++) {
    const size_t start = row * cols;
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf lv = load_some(log_variance + start + i, k);
      vf d = load_some(x + start + i, k) - load_some(mu + start + i, k);
      vf scaled = d * v_exp(-lv);
      vf square = d * scaled;
      if (dmu) store_some(dmu + start + i, scaled, k);
      if (dlogvar) store_some(dlogvar + start + i, FMA(0.5f, square, -0.5f), k);
      s.lane[v] += to_double(lv + square);  // 0 behind the end, where all inputs are 0
    });
    if (ll) ll[row] = (float)(-0.5 * (total(&s) + (double)cols * log_2_pi));
  }
}

static void gaussian_kl_rows_kernel(const float *mu, const float *log_variance, float *kl, float *dmu, float *dlogvar,
                                    size_t rows, size_t cols) {
  for (size_t row = 0; row < rows; row++) {
    const size_t start = row * cols;
    sums s = {0};
    EACH_IN_LANES(cols, {
      vf m = load_some(mu + start + i, k), lv = load_some(log_variance + start + i, k);
      vf excess = v_expm1(lv);  // exp(lv) - 1 keeps its digits where the posterior is near the prior
      if (dmu) store_some(dmu + start + i, m, k);
      if (dlogvar) store_some(dlogvar + start + i, 0.5f * excess, k);
      s.lane[v] += to_double(FMA(m, m, excess - lv));
    });
    if (kl) kl[row] = (float)(0.5 * total(&s));
  }
}
