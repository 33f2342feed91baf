"""Golden values of Bayesian logistic regression: modes by scikit-learn, Laplace's formulas by plain matrices, the local
variational bound by loops over rows, evidence and predictions by numerical integration where there is one weight."""
import numpy as np
from scipy import integrate, stats
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from golden import write

rng = np.random.default_rng(20240607)
ALPHA = 0.7


def data(n, classes):
    x = rng.standard_normal((n, 3))
    logits = x @ rng.standard_normal((3, classes)) + rng.standard_normal(classes)
    return x, np.array([rng.choice(classes, p=p) for p in softmax(logits, 1)])


def mode(phi, t):
    model = LogisticRegression(C=1 / ALPHA, fit_intercept=False, solver="newton-cg", tol=1e-13, max_iter=1000).fit(phi, t)
    return model.coef_


def binary():
    x, t = data(50, 2)
    phi = np.column_stack([np.ones(len(x)), x])
    w = mode(phi, t)[0]
    y = expit(phi @ w)
    precision = ALPHA * np.eye(4) + (phi * (y * (1 - y))[:, None]).T @ phi
    joint = np.where(t == 1, log_expit(phi @ w), log_expit(-phi @ w)).sum() + stats.norm(0, ALPHA ** -0.5).logpdf(w).sum()
    evidence = joint + 2 * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    at = np.column_stack([np.ones(4), 2 * x[:4]])
    mean, variance = at @ w, np.einsum("ni,ij,nj->n", at, np.linalg.inv(precision), at)
    exact = [integrate.quad(lambda a: expit(a) * stats.norm.pdf(a, m, v ** 0.5), m - 12 * v ** 0.5, m + 12 * v ** 0.5)[0]
             for m, v in zip(mean, variance)]
    return x, t, phi, {
        "inputs": x, "targets": t, "weightPrecision": ALPHA, "mode": w, "precision": precision, "joint": joint,
        "evidence": evidence, "points": 2 * x[:4], "activationMean": mean, "activationVariance": variance,
        "probability": expit(mean / np.sqrt(1 + np.pi * variance / 8)), "integrated": exact,
    }


def variational(phi, t, iterations):
    """Bishop (2006), equations 10.156 to 10.163, one row at a time."""
    mean, cov, steps = np.zeros(4), np.eye(4) / ALPHA, []
    for _ in range(iterations):
        xi = np.sqrt([row @ (cov + np.outer(mean, mean)) @ row for row in phi])
        curvature = np.tanh(xi / 2) / (4 * xi)
        precision = ALPHA * np.eye(4) + sum(2 * c * np.outer(row, row) for c, row in zip(curvature, phi))
        cov = np.linalg.inv(precision)
        mean = cov @ ((t - 0.5)[:, None] * phi).sum(0)
        bound = 0.5 * (4 * np.log(ALPHA) - np.linalg.slogdet(precision)[1]) + 0.5 * mean @ precision @ mean \
            + (log_expit(xi) - xi / 2 + curvature * xi ** 2).sum()
        steps.append({"bound": bound, "mean": mean, "precision": precision})
    return steps


def multiclass():
    x, t = data(80, 3)
    phi = np.column_stack([np.ones(len(x)), x])
    w = mode(phi, t)
    p = softmax(phi @ w.T, 1)
    precision = ALPHA * np.eye(12)
    for k in range(3):
        for j in range(3):
            weight = p[:, k] * ((k == j) - p[:, j])
            precision[4 * k:4 * k + 4, 4 * j:4 * j + 4] += (phi * weight[:, None]).T @ phi
    joint = log_softmax(phi @ w.T, 1)[np.arange(80), t].sum() + stats.norm(0, ALPHA ** -0.5).logpdf(w).sum()
    at = np.array([1.0, 0.5, -1.0, 2.0])
    spread = np.kron(np.eye(3), at)
    return {"inputs": x, "targets": t, "mode": w, "precision": precision, "joint": joint,
            "evidence": joint + 6 * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1],
            "point": at[1:], "activationMean": w @ at,
            "activationCovariance": spread @ np.linalg.inv(precision) @ spread.T}


def one_weight():
    """Without an intercept and with one column, the evidence is a one-dimensional integral."""
    x = np.array([0.5, -1.0, 2.0, 0.3, -0.7, 1.1])
    t = np.array([1, 0, 1, 0, 0, 1])
    def log_joint(w):
        return np.where(t == 1, log_expit(w * x), log_expit(-w * x)).sum() + stats.norm(0, ALPHA ** -0.5).logpdf(w)
    return {"x": x, "t": t, "evidence": np.log(integrate.quad(lambda w: np.exp(log_joint(w)), -30, 30, epsabs=0)[0])}


x, t, phi, laplace = binary()
write("Exact", "logistic", {"binary": laplace, "variational": variational(phi, t, 8), "multiclass": multiclass(),
                            "oneWeight": one_weight()})
