// Posteriors that an optimiser's update makes: draws and updates in one pass each. Noise is made in the first-level cache,
// as that of bayes.h is.

static void gaussian_sample_kernel(const float *mean, const float *precision, uint64_t key, uint32_t c1, uint32_t c2,
                                   uint32_t c3, uint64_t first, float *w, size_t n) {
  float noise[BLOCK];
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t length = n - start < BLOCK ? n - start : BLOCK;
    philox_normal_kernel(key, c1, c2, c3, first + start, noise, length);
    EACH(length, {
      vf deviation = 1.0f / v_sqrt(load_some(precision + start + i, k));
      store_some(w + start + i, FMA(deviation, load_some(noise + i, k), load_some(mean + start + i, k)), k);
    });
  }
}

static void ivon_kernel(float *mean, float *precision, float *momentum, const float *w, const float *g,
                        const struct elbo_ivon_step *step, float gradient_scale, size_t n) {
  const float keep = (float)step->beta1, admit = (float)(1.0 - step->beta1), unbias = (float)(step->examples / step->bias1);
  const float forget = (float)step->forget, examples = (float)step->examples, prior = (float)step->prior;
  // Of the step as the paper has it: Λ is λ times its h + δ.
  const float rate = (float)(-step->lr * step->unit), bound = (float)step->clip;
  EACH(n, {
    vf m = load_some(mean + i, k), old = load_some(precision + i, k), gradient = gradient_scale * load_some(g + i, k);
    vf curvature = examples * gradient * (load_some(w + i, k) - m);
    vf x = forget * (curvature - 1.0f + prior / old);
    vf new = old * FMA(x, FMA(0.5f, x, 1.0f), 1.0f);
    vf velocity = FMA(keep, load_some(momentum + i, k), admit * gradient);
    vf direction = at_most(at_least(FMA(unbias, velocity, prior * m) / new, -bound), bound);
    store_some(precision + i, new, k);
    store_some(momentum + i, velocity, k);
    store_some(mean + i, FMA(rate, direction, m), k);
  });
}

static void langevin_kernel(float *w, float *v, const float *g, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3,
                            uint64_t first, const struct elbo_langevin_step *step, float gradient_scale, size_t n) {
  const float rate = (float)-step->lr, keep = (float)step->keep, decay = (float)step->decay;
  const float deviation = (float)step->deviation;
  float noise[BLOCK] = {0};
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t length = n - start < BLOCK ? n - start : BLOCK;
    if (deviation > 0) philox_normal_kernel(key, c1, c2, c3, first + start, noise, length);
    EACH(length, {
      vf weight = load_some(w + start + i, k);
      vf gradient = FMA(decay, weight, gradient_scale * load_some(g + start + i, k));
      vf velocity = FMA(keep, load_some(v + start + i, k), rate * gradient);
      velocity = FMA(deviation, load_some(noise + i, k), velocity);
      store_some(v + start + i, velocity, k);
      store_some(w + start + i, weight + velocity, k);
    });
  }
}
