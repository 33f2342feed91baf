"""Golden log-densities, entropies and divergences at ordinary and extreme numbers, in float64 by scipy.

    python scripts/reference/densities.py

writes Tests/DistributionsTests/Golden/scipy.json: independent of the formulas that gradients.py shares with Elbo.
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import integrate, special, stats

PATH = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DistributionsTests" / "Golden" / "scipy.json"


def numbers(values):
    return [float(f"{value:.12g}") for value in np.atleast_1d(values)]


def gaussians():
    x = np.array([0, 1.5, -2.25, 100, 1e-3, -30])
    mean = np.array([0, 1, 2, -100, 0, -30.5])
    log_variance = np.array([0, -5, 3, 10, -12, 1.25])
    deviation = np.exp(log_variance / 2)
    return {
        "x": numbers(x), "mean": numbers(mean), "logVariance": numbers(log_variance),
        "logDensity": numbers(stats.norm.logpdf(x, mean, deviation)),
        "logDensityOfVariance4": numbers(stats.norm.logpdf(x, mean, 2)),
        "standardLogDensity": numbers(stats.norm.logpdf(x)),
        "entropy": numbers(stats.norm.entropy(mean, deviation)),
    }


def divergences():
    """∫ q (log q − log p) by quadrature, of Gaussians given by mean and log variance."""
    cases = []
    for mean, log_variance, mean2, log_variance2 in [
        (0, 0, 0, 0), (1, -1, 0, 0), (0, 0, 1, -1), (-0.5, 1.5, 0.75, -0.25), (0.75, -0.25, -0.5, 1.5),
        (0.1, -6, 0, float(np.float32(np.log(4)))), (3, -4, 0, 0)
    ]:
        q = stats.norm(mean, np.exp(log_variance / 2))
        p = stats.norm(mean2, np.exp(log_variance2 / 2))
        value, _ = integrate.quad(
            lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), q.mean() - 12 * q.std(), q.mean() + 12 * q.std(),
            epsabs=1e-12, epsrel=1e-12, limit=200, points=[q.mean()])
        cases.append({"q": numbers([mean, log_variance]), "p": numbers([mean2, log_variance2]), "kl": numbers(value)[0]})
    return cases


def bernoullis():
    logits = np.array([0, 2, -3, 20, -20, 80, -80, 0.5])
    targets = np.array([1, 0, 1, 1, 1, 0, 0, 0.3])
    return {
        "logits": numbers(logits), "targets": numbers(targets),
        "logDensity": numbers(targets * special.log_expit(logits) + (1 - targets) * special.log_expit(-logits)),
        "entropy": numbers(special.entr(special.expit(logits)) + special.entr(special.expit(-logits))),
        "divergenceFromHalf": numbers(
            special.rel_entr(special.expit(logits), 0.5) + special.rel_entr(special.expit(-logits), 0.5)),
    }


def categoricals():
    logits = np.array([[0, 0, 0, 0], [1, -2, 3, 0.5], [50, 0, -50, 49], [-1000, 1000, 0, 0]])
    labels = np.array([3, 1, 2, 0])
    probabilities = special.softmax(logits, axis=-1)
    return {
        "logits": numbers(logits.reshape(-1)), "labels": labels.tolist(),
        "logDensity": numbers(special.log_softmax(logits, axis=-1)[np.arange(4), labels]),
        "entropy": numbers(special.entr(probabilities).sum(-1)),
        "divergenceFromUniform": numbers(special.rel_entr(probabilities, 0.25).sum(-1)),
    }


if __name__ == "__main__":
    contents = {
        "versions": {"scipy": scipy.__version__, "numpy": np.__version__}, "gaussian": gaussians(),
        "divergences": divergences(), "bernoulli": bernoullis(), "categorical": categoricals(),
    }
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(contents, indent=1) + "\n")
    print(PATH.name)
