/// Posteriors whose update is the optimiser's: improved variational online Newton and Langevin dynamics. One pass over
/// parameters, gradient and state; hyperparameters are doubles.
#ifndef ELBO_POSTERIORS_H
#define ELBO_POSTERIORS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// w = mean + ε / √precision, with ε from elements first ..< first + n of a stream (elbo_philox_normal).
void elbo_gaussian_sample(const float *mean, const float *precision, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3,
                          uint64_t first, float *w, size_t n);

/// What elbo_ivon needs to know of a step. `examples` is λ, the weight of the mean loss in the posterior; `prior` is the
/// prior's precision λ δ. bias1 = 1 - beta1^t for step t = 1, 2, …; forget = 1 - beta2; `unit` = h0 + δ, what a rescaled
/// learning rate is multiplied with; the preconditioned step is held to ±clip.
struct elbo_ivon_step {
  double lr, beta1, bias1, forget, examples, prior, unit, clip;
};

/// IVON (Shen et al. 2024, algorithm 1) with the posterior's precision Λ = λ (h + δ) in the place of h, and one draw w of the
/// weights, at which g (times gradient_scale) is the gradient of the mean loss:
///
///     x = forget (λ g (w - mean) - 1 + prior / Λ);  momentum = beta1 momentum + (1 - beta1) g;
///     Λ = Λ (1 + x + x² / 2);  mean -= lr · unit · clip((λ momentum / bias1 + prior · mean) / Λ).
///
/// The paper's h with the old h throughout is the same in exact arithmetic. A step never takes more than half of Λ.
void elbo_ivon(float *mean, float *precision, float *momentum, const float *w, const float *g,
               const struct elbo_ivon_step *step, float gradient_scale, size_t n);

/// What elbo_langevin needs to know of a step: v is multiplied by `keep`, `decay` pulls w toward 0, and `deviation` is that of
/// the noise.
struct elbo_langevin_step {
  double lr, keep, decay, deviation;
};

/// v = keep v - lr (gradient_scale g + decay w) + deviation ε;  w += v, with ε from elements first ..< first + n of a stream
/// (elbo_philox_normal), which is not made where the deviation is 0.
void elbo_langevin(float *w, float *v, const float *g, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first,
                   const struct elbo_langevin_step *step, float gradient_scale, size_t n);

#ifdef __cplusplus
}
#endif

#endif
