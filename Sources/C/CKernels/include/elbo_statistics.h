/// Log-densities, divergences and reparameterisation, each in one pass with its derivatives.
#ifndef ELBO_STATISTICS_H
#define ELBO_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bernoulli log-likelihood of targets t in [0, 1] under logits l, per row, in nats:
/// ll[i] = sum over j of t l - softplus(l). residual (may be NULL) = t - sigmoid(l), the derivative of ll by l.
void elbo_bernoulli_ll_rows(const float *logits, const float *t, float *ll, float *residual, size_t rows,
                            size_t cols);

/// Gaussian log-density per row, in nats:
/// ll[i] = sum over j of -0.5 (log 2π + lv + (x - mu)² exp(-lv)).
/// dmu = (x - mu) exp(-lv) and dlogvar = 0.5 ((x - mu)² exp(-lv) - 1). ll, dmu and dlogvar may each be NULL.
void elbo_gaussian_ll_rows(const float *x, const float *mu, const float *log_variance, float *ll, float *dmu,
                           float *dlogvar, size_t rows, size_t cols);

/// KL(N(mu, exp(lv)) || N(0, 1)) per row, in nats: kl[i] = 0.5 sum over j of mu² + exp(lv) - 1 - lv
/// (AEVB, Kingma and Welling 2013, appendix B). dmu = mu and dlogvar = 0.5 (exp(lv) - 1).
/// kl, dmu and dlogvar may each be NULL.
void elbo_gaussian_kl_rows(const float *mu, const float *log_variance, float *kl, float *dmu, float *dlogvar,
                           size_t rows, size_t cols);

/// z = mu + exp(lv / 2) * eps.
void elbo_reparameterise(const float *mu, const float *log_variance, const float *eps, float *z, size_t n);
/// dlogvar = dz * eps * exp(lv / 2) / 2; the derivative by mu is dz itself.
void elbo_reparameterise_grad(const float *log_variance, const float *eps, const float *dz, float *dlogvar,
                              size_t n);

#ifdef __cplusplus
}
#endif

#endif
