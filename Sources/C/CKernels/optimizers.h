// Optimiser updates: one pass over parameters, gradient and state. 1 - beta and the like are taken in double.

static void sgd_kernel(float *w, const float *g, double lr, double weight_decay, float gradient_scale, size_t n) {
  const float rate = (float)-lr, decay = (float)weight_decay;
  EACH(n, {
    vf weight = load_some(w + i, k);
    vf gradient = FMA(decay, weight, gradient_scale * load_some(g + i, k));
    store_some(w + i, FMA(rate, gradient, weight), k);
  });
}

static void momentum_kernel(float *w, const float *g, float *v, double lr, double momentum, double dampening,
                            double weight_decay, int nesterov, float gradient_scale, size_t n) {
  const float rate = (float)-lr, decay = (float)weight_decay, keep = (float)momentum;
  const float admit = (float)(1.0 - dampening);
  const vi look_ahead = (vi)(nesterov ? -1 : 0);
  EACH(n, {
    vf weight = load_some(w + i, k);
    vf gradient = FMA(decay, weight, gradient_scale * load_some(g + i, k));
    vf velocity = FMA(keep, load_some(v + i, k), admit * gradient);
    store_some(v + i, velocity, k);
    vf step = look_ahead ? FMA(keep, velocity, gradient) : velocity;
    store_some(w + i, FMA(rate, step, weight), k);
  });
}

static void adagrad_kernel(float *w, const float *g, float *s, double lr, double eps, double weight_decay,
                           float gradient_scale, size_t n) {
  const float rate = (float)-lr, decay = (float)weight_decay, guard = (float)eps;
  EACH(n, {
    vf weight = load_some(w + i, k);
    vf gradient = FMA(decay, weight, gradient_scale * load_some(g + i, k));
    vf squares = FMA(gradient, gradient, load_some(s + i, k));
    store_some(s + i, squares, k);
    store_some(w + i, FMA(rate, gradient / (v_sqrt(squares) + guard), weight), k);
  });
}

static void rmsprop_kernel(float *w, const float *g, float *s, double lr, double alpha, double eps,
                           double weight_decay, float gradient_scale, size_t n) {
  const float rate = (float)-lr, decay = (float)weight_decay, guard = (float)eps;
  const float keep = (float)alpha, admit = (float)(1.0 - alpha);
  EACH(n, {
    vf weight = load_some(w + i, k);
    vf gradient = FMA(decay, weight, gradient_scale * load_some(g + i, k));
    vf squares = FMA(keep, load_some(s + i, k), admit * gradient * gradient);
    store_some(s + i, squares, k);
    store_some(w + i, FMA(rate, gradient / (v_sqrt(squares) + guard), weight), k);
  });
}

static void adam_kernel(float *w, const float *g, float *m, float *v, double lr, double beta1, double beta2, double eps,
                        double bias1, double bias2, double weight_decay, int decoupled, float gradient_scale,
                        size_t n) {
  const float rate = (float)(-lr / bias1), guard = (float)eps;
  const float admit1 = (float)(1.0 - beta1), keep2 = (float)beta2, admit2 = (float)(1.0 - beta2);
  const float unbias2 = (float)(1.0 / root(bias2));
  const float decay = decoupled ? 0.0f : (float)weight_decay;
  const float shrink = decoupled ? (float)(1.0 - lr * weight_decay) : 1.0f;
  EACH(n, {
    vf weight = load_some(w + i, k);
    vf gradient = FMA(decay, weight, gradient_scale * load_some(g + i, k));
    vf mean = load_some(m + i, k);
    mean = FMA(admit1, gradient - mean, mean);
    vf squares = FMA(keep2, load_some(v + i, k), admit2 * gradient * gradient);
    store_some(m + i, mean, k);
    store_some(v + i, squares, k);
    vf denominator = FMA(v_sqrt(squares), unbias2, guard);
    store_some(w + i, FMA(rate, mean / denominator, shrink * weight), k);
  });
}
