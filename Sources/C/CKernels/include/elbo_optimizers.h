/// Optimiser updates in one pass over a range of parameters, with PyTorch's semantics. In every one g is first
/// multiplied by gradient_scale; hyperparameters are doubles, so that 1 - beta2 keeps its digits.
#ifndef ELBO_OPTIMIZERS_H
#define ELBO_OPTIMIZERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// g += weight_decay * w; w -= lr * g.
void elbo_sgd(float *w, const float *g, double lr, double weight_decay, float gradient_scale, size_t n);

/// g += weight_decay * w; v = momentum * v + (1 - dampening) * g; w -= lr * (nesterov ? g + momentum * v : v).
/// PyTorch's first step sets v = g whatever the dampening: with v zero, pass dampening 0 for that step.
void elbo_momentum(float *w, const float *g, float *v, double lr, double momentum, double dampening,
                   double weight_decay, int nesterov, float gradient_scale, size_t n);

/// g += weight_decay * w; s += g²; w -= lr * g / (√s + eps).
void elbo_adagrad(float *w, const float *g, float *s, double lr, double eps, double weight_decay,
                  float gradient_scale, size_t n);

/// g += weight_decay * w; s = alpha * s + (1 - alpha) * g²; w -= lr * g / (√s + eps).
void elbo_rmsprop(float *w, const float *g, float *s, double lr, double alpha, double eps, double weight_decay,
                  float gradient_scale, size_t n);

/// Adam; AdamW when decoupled is not 0. bias1 = 1 - beta1^t and bias2 = 1 - beta2^t for step t = 1, 2, …
/// decoupled: w *= 1 - lr * weight_decay; else g += weight_decay * w. Then m += (1 - beta1) * (g - m);
/// v = beta2 * v + (1 - beta2) * g²; w -= lr / bias1 * m / (√v / √bias2 + eps).
void elbo_adam(float *w, const float *g, float *m, float *v, double lr, double beta1, double beta2, double eps,
               double bias1, double bias2, double weight_decay, int decoupled, float gradient_scale, size_t n);

#ifdef __cplusplus
}
#endif

#endif
