"""Golden values of the linear models: scikit-learn's regressions iteration by iteration, Bayesian linear regression by
plain matrices, evidence by the N x N Gaussian density of the targets and its maximum by scipy."""
import warnings

import numpy as np
from scipy import optimize, stats
from scipy.special import expit
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ARDRegression, BayesianRidge, LinearRegression

from golden import write

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240606)


def data(n=60, d=5):
    x = 3 + rng.standard_normal((n, d)) * [1.0, 5.0, 0.2, 1.0, 2.0]
    return x, 10 + x @ [1.5, 0.0, -4.0, 0.0, 0.3] + 0.8 * rng.standard_normal(n)


def ridge_steps(x, y, counts, **options):
    steps = []
    for count in counts:
        m = BayesianRidge(max_iter=count, tol=1e-300, compute_score=True, **options).fit(x, y)
        mean, deviation = m.predict(x[:4] + 1, return_std=True)
        steps.append({"iterations": count, "weights": m.coef_, "intercept": m.intercept_, "noisePrecision": m.alpha_,
                      "weightPrecision": m.lambda_, "scores": m.scores_, "covariance": m.sigma_, "mean": mean,
                      "deviation": deviation})
    return steps


def relevance_steps(x, y, counts, **options):
    steps = []
    for count in counts:
        m = ARDRegression(max_iter=count, tol=1e-300, **options).fit(x, y)
        mean, deviation = m.predict(x[:4] + 1, return_std=True)
        steps.append({"iterations": count, "weights": m.coef_, "intercept": m.intercept_, "noisePrecision": m.alpha_,
                      "precisions": m.lambda_, "mean": mean, "deviation": deviation})
    return steps


def brute_force(phi, t, alpha, beta):
    return stats.multivariate_normal.logpdf(t, np.zeros(len(t)), np.eye(len(t)) / beta + phi @ phi.T / alpha)


def bayesian():
    x = rng.uniform(-1, 1, 25)
    t = np.sin(3 * x) + 0.2 * rng.standard_normal(25)
    phi = x[:, None] ** np.arange(5)
    alpha, beta = 0.4, 20.0
    cov = np.linalg.inv(alpha * np.eye(5) + beta * phi.T @ phi)
    mean = beta * cov @ phi.T @ t
    points = np.linspace(-1.5, 1.5, 6)
    at = points[:, None] ** np.arange(5)
    best = optimize.minimize(lambda p: -brute_force(phi, t, *np.exp(p)), [0.0, 2.0], method="Nelder-Mead",
                             options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 10 ** 4, "maxfev": 10 ** 4})
    centres = np.linspace(-1, 1, 4)
    return {
        "x": x, "t": t, "weightPrecision": alpha, "noisePrecision": beta, "mean": mean, "covariance": cov,
        "evidence": brute_force(phi, t, alpha, beta), "points": points, "predictiveMean": at @ mean,
        "modelVariance": np.einsum("ni,ij,nj->n", at, cov, at),
        "bestWeightPrecision": np.exp(best.x[0]), "bestNoisePrecision": np.exp(best.x[1]), "bestEvidence": -best.fun,
        "evidences": [brute_force(x[:, None] ** np.arange(m + 1), t, alpha, beta) for m in range(10)],
        "centres": centres, "gaussian": np.exp(-(x[0] - centres) ** 2 / (2 * 0.3 ** 2)),
        "sigmoid": expit((x[0] - centres) / 0.3),
    }


def diabetes():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    ridge = BayesianRidge(compute_score=True).fit(x, y)
    relevance = ARDRegression().fit(x, y)
    linear = LinearRegression().fit(x, y)
    return {"firstRow": x[0], "ridge": {"weights": ridge.coef_, "intercept": ridge.intercept_, "noisePrecision": ridge.alpha_,
                                        "weightPrecision": ridge.lambda_, "iterations": ridge.n_iter_,
                                        "score": ridge.scores_[-1]},
            "relevance": {"weights": relevance.coef_, "intercept": relevance.intercept_,
                          "noisePrecision": relevance.alpha_},
            "linear": {"weights": linear.coef_, "intercept": linear.intercept_}}


def main():
    x, y = data()
    wide = rng.standard_normal((6, 9))
    target = wide @ rng.standard_normal(9) + 0.1 * rng.standard_normal(6)
    linear = LinearRegression().fit(x, y)
    through_zero = LinearRegression(fit_intercept=False).fit(x, y)
    write("Exact", "linear", {
        "inputs": x, "targets": y, "wideInputs": wide, "wideTargets": target,
        "linear": {"weights": linear.coef_, "intercept": linear.intercept_,
                   "noiseVariance": np.mean((y - linear.predict(x)) ** 2), "throughZero": through_zero.coef_},
        "ridge": ridge_steps(x, y, [1, 2, 3, 5, 10]),
        "ridgeThroughZero": ridge_steps(x, y, [1, 4], fit_intercept=False),
        "ridgeWide": ridge_steps(wide, target, [1, 3, 6]),
        "ridgeStarted": ridge_steps(x, y, [1, 2], alpha_init=0.5, lambda_init=2.0, alpha_1=1.5, alpha_2=0.3,
                                    lambda_1=0.2, lambda_2=0.7),
        "relevance": relevance_steps(x, y, [1, 2, 3, 5, 10, 30]),
        "relevanceWide": relevance_steps(wide, target, [1, 2, 3]),
        "bayesian": bayesian(), "diabetes": diabetes(),
    })


main()
