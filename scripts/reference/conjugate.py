"""Golden values of the conjugate models: scipy's predictive distributions, evidence by numerical integration over the
parameters (or, in several dimensions, by the chain of multivariate t densities)."""
import numpy as np
from scipy import integrate, stats

from golden import write

rng = np.random.default_rng(20240604)


def log_integral(log_integrand, low, high, points):
    peak = max(log_integrand(p) for p in points)
    value, _ = integrate.quad(lambda p: np.exp(log_integrand(p) - peak), low, high, points=points, limit=500,
                              epsabs=0, epsrel=1e-12)
    return peak + np.log(value)


def beta_bernoulli(a=1.3, b=2.7):
    x = (rng.random(25) < 0.35).astype(int)
    evidence = log_integral(lambda p: stats.beta.logpdf(p, a, b) + stats.bernoulli.logpmf(x, p).sum(), 0, 1, [0.3])
    return {"a": a, "b": b, "observations": x, "evidence": evidence,
            "predictive": [np.log(b / (a + b)), np.log(a / (a + b))]}


def beta_binomial(a=2.5, b=0.8):
    n = np.array([5, 12, 1, 30, 7])
    k = rng.binomial(n, 0.7)
    evidence = log_integral(lambda p: stats.beta.logpdf(p, a, b) + stats.binom.logpmf(k, n, p).sum(), 0, 1, [0.7])
    return {"a": a, "b": b, "observations": np.stack([k, n], 1), "evidence": evidence,
            "predictive": stats.betabinom.logpmf(np.arange(11), 10, a, b),
            "large": stats.betabinom.logpmf(700_000, 1_000_000, 2000.0, 1000.0)}


def dirichlet(alpha=np.array([0.5, 2.0, 1.2, 3.3])):
    x = rng.choice(4, 40, p=[0.1, 0.4, 0.2, 0.3])
    counts = np.bincount(x, minlength=4)
    rows = rng.multinomial(9, [0.1, 0.4, 0.2, 0.3], size=6)
    # The Dirichlet-multinomial of all counts, without the coefficient that a sequence does not have.
    sequence = stats.dirichlet_multinomial.logpmf(counts, alpha, 40) - stats.multinomial(40, np.ones(4) / 4).logpmf(counts) \
        + 40 * np.log(1 / 4)
    evidence, a = 0.0, alpha.copy()
    for row in rows:
        evidence += stats.dirichlet_multinomial.logpmf(row, a, 9)
        a = a + row
    point = np.array([0.1, 0.2, 0.3, 0.4])
    return {"concentration": alpha, "categories": x, "sequenceEvidence": sequence, "rows": rows, "evidence": evidence,
            "predictive": [stats.dirichlet_multinomial.logpmf(row, alpha, 9) for row in rows],
            "point": point, "logDensity": stats.dirichlet.logpdf(point, alpha)}


def gaussian_mean(m=1.0, precision=0.5, noise=2.25):
    x = 3 + 1.5 * rng.standard_normal(12)
    cov = noise * np.eye(12) + np.ones((12, 12)) / precision
    n = len(x)
    variance = 1 / (precision + n / noise)
    return {"mean": m, "precision": precision, "noise": noise, "observations": x,
            "evidence": stats.multivariate_normal.logpdf(x, np.full(12, m), cov),
            "posteriorMean": variance * (precision * m + x.sum() / noise), "posteriorPrecision": 1 / variance,
            "predictive": stats.norm.logpdf(4.2, m, np.sqrt(noise + 1 / precision))}


def gaussian_gamma(m=0.5, k=1.5, a=2.0, b=3.0):
    x = 2 + 0.7 * rng.standard_normal(9)
    predictive = stats.t.logpdf(1.7, 2 * a, m, np.sqrt(b * (k + 1) / (a * k)))
    # Integrated over the precision; over the mean it is a Gaussian.
    def joint(log_tau):
        tau = np.exp(log_tau)
        cov = (np.eye(9) + np.ones((9, 9)) / k) / tau
        return stats.gamma.logpdf(tau, a, scale=1 / b) + log_tau + stats.multivariate_normal.logpdf(x, np.full(9, m), cov)
    return {"mean": m, "meanPrecision": k, "shape": a, "rate": b, "observations": x,
            "evidence": log_integral(joint, -12, 8, [-2.0, -1.0, 0.0, 1.0, 2.0]), "predictive": predictive,
            "predictiveQuantile": stats.t.ppf(0.9, 2 * a, m, np.sqrt(b * (k + 1) / (a * k))),
            "precisionQuantile": stats.gamma.ppf(0.25, a, scale=1 / b)}


def t_log_density(x, m, beta, nu, inverse_scale):
    d = len(m)
    freedom = nu + 1 - d
    return stats.multivariate_t.logpdf(x, m, inverse_scale * (1 + beta) / (freedom * beta), freedom)


def gaussian_wishart():
    d, m, beta, nu = 3, np.array([0.5, -1.0, 2.0]), 1.7, 4.5
    a = rng.standard_normal((d, d + 1))
    inverse = a @ a.T
    x = rng.standard_normal((14, d)) @ rng.standard_normal((d, d)) + [1, 2, 3]
    prior = {"mean": m, "meanPrecision": beta, "degrees": nu, "inverseScale": inverse}
    predictive = [t_log_density(row, m, beta, nu, inverse) for row in x[:4]]
    evidence = 0.0
    for row in x:
        evidence += t_log_density(row, m, beta, nu, inverse)
        inverse = inverse + beta / (beta + 1) * np.outer(row - m, row - m)
        m, beta, nu = (beta * m + row) / (beta + 1), beta + 1, nu + 1
    return {**prior, "observations": x, "predictive": predictive, "evidence": evidence, "posteriorMean": m,
            "posteriorMeanPrecision": beta, "posteriorDegrees": nu, "posteriorInverseScale": inverse,
            "precisionEntropy": stats.wishart(nu, np.linalg.inv(inverse)).entropy()}


write("Distributions", "conjugate", {
    "betaBernoulli": beta_bernoulli(), "betaBinomial": beta_binomial(), "dirichlet": dirichlet(),
    "gaussianMean": gaussian_mean(), "gaussianGamma": gaussian_gamma(), "gaussianWishart": gaussian_wishart(),
})
