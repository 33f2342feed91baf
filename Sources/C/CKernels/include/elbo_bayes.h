/// Weights with a posterior q(w) = N(mu, σ²), σ = softplus(rho), independent in every weight: sampling, the complexity
/// cost log q(w) - log p(w), and the update, each in one pass (Blundell et al. 2015, Weight Uncertainty in Neural
/// Networks).
#ifndef ELBO_BAYES_H
#define ELBO_BAYES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// N(0, scale²).
  ELBO_PRIOR_GAUSSIAN = 0,
  /// exp(-|w| / scale) / (2 scale).
  ELBO_PRIOR_LAPLACE = 1,
  /// share N(0, scale²) + (1 - share) N(0, scale2²) (equation 7).
  ELBO_PRIOR_MIXTURE = 2,
};

/// The prior of a weight. Scales are standard deviations, not variances; Laplace's is b.
struct elbo_prior {
  int kind;
  float scale, scale2, share;
};

/// What Adam needs to know of a step; see elbo_adam. Weight decay is mu's alone: rho is no weight.
struct elbo_adam_step {
  double lr, beta1, beta2, eps, bias1, bias2, weight_decay;
  int decoupled;
};

/// w = mu + σ ε, σ = softplus(rho) but at least 2^-126, with ε from elements first ..< first + n of a stream (elbo_philox_normal).
/// Returns Σ log q(w) - log p(w) in nats; 0 when prior is NULL.
double elbo_posterior_sample(const float *mu, const float *rho, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3,
                             uint64_t first, const struct elbo_prior *prior, float *w, size_t n);

/// Σ KL(N(mu, σ²) || N(0, scale²)) in closed form, in nats.
double elbo_posterior_kl(const float *mu, const float *rho, float scale, size_t n);

/// y = softplus(rho)².
void elbo_posterior_variance(const float *rho, float *y, size_t n);

/// a = g - cost ∂log p(w)/∂w and b = a (w - mu): what one draw of the weights adds to the sums that the gradients are
/// made of. prior NULL: a = g. g may be a.
void elbo_posterior_share(const float *mu, const float *w, const float *g, float cost, const struct elbo_prior *prior,
                          float *a, float *b, size_t n);

/// The gradients of Σ nll + cost (log q(w) - log p(w)), or of Σ nll + cost KL(q || p), to mu and rho:
///
///     dmu = a,  drho = σ'/σ (b - cost),  both after a and b are multiplied by scale and got the prior's part.
///
/// - a is ∂nll/∂w or, summed over draws, its sum. b is the sum of a (w - mu); NULL: it is made here, from one draw w.
/// - prior_w: the draw at which the prior's density is taken, log p(w); NULL: the prior is Gaussian and its part in
///   closed form. prior NULL: no part of the prior in a and b, for sums that have it already.
void elbo_posterior_gradient(const float *mu, const float *rho, const float *w, const float *prior_w, const float *a,
                             const float *b, float scale, float cost, const struct elbo_prior *prior, float *dmu,
                             float *drho, size_t n);

/// The same gradients, used at once by Adam on mu and rho: one pass over everything.
void elbo_posterior_adam(float *mu, float *rho, const float *w, const float *prior_w, const float *a, const float *b,
                         float scale, float cost, const struct elbo_prior *prior, float *m_mu, float *v_mu,
                         float *m_rho, float *v_rho, const struct elbo_adam_step *step, size_t n);

#ifdef __cplusplus
}
#endif

#endif
