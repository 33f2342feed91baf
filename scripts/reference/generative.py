"""Golden values of the comparisons of generated with real examples: Fréchet distance by scipy.linalg.sqrtm, kernel
distance by scikit-learn's polynomial kernel, precision and recall by scikit-learn's nearest neighbours.

    python scripts/reference/generative.py

writes Tests/MetricsTests/Golden/generative.json.
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.linalg
import sklearn
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

ROOT = pathlib.Path(__file__).resolve().parents[2]


def frechet(x, y):
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    # Eigenvalues of the product; sqrtm is PyTorch-FID's way, which is unstable where a covariance is singular.
    roots = np.sqrt(np.clip(np.linalg.eigvals(s @ t).real, 0, None)).sum()
    if np.linalg.matrix_rank(s) == len(s) and np.linalg.matrix_rank(t) == len(t):
        assert np.isclose(roots, np.trace(scipy.linalg.sqrtm(s @ t)).real, rtol=1e-9)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * roots)


def kernel(x, y):
    k = lambda a, b: polynomial_kernel(a, b, degree=3, gamma=1 / x.shape[1], coef0=1)
    m, n = len(x), len(y)
    xx, yy = k(x, x), k(y, y)
    return float((xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1))
                 - 2 * k(x, y).mean())


def coverage(x, y, neighbours=3):
    def share(inside, of):
        radii = NearestNeighbors(n_neighbors=neighbours + 1).fit(inside).kneighbors(inside)[0][:, -1]
        distances = np.linalg.norm(of[:, None] - inside[None], axis=-1)
        return float((distances <= radii[None]).any(1).mean())
    return share(x, y), share(y, x)


def case(name, x, y):
    x, y = np.round(x, 6), np.round(y, 6)
    precision, recall = coverage(x, y)
    return {"name": name, "width": x.shape[1], "real": x.ravel().tolist(), "generated": y.ravel().tolist(),
            "frechet": frechet(x, y), "kernel": kernel(x, y), "precision": precision, "recall": recall}


def main():
    g = np.random.default_rng(7)
    mix = g.normal(size=(5, 5))
    cases = [
        case("near", g.normal(size=(60, 5)) @ mix, g.normal(size=(50, 5)) @ mix + 0.3),
        case("far and narrow", g.normal(size=(40, 4)), 0.2 * g.normal(size=(45, 4)) + 2),
        # Fewer rows than columns: singular covariances. A constant column too.
        case("singular", np.c_[g.normal(size=(9, 11)), np.ones(9)], np.c_[g.normal(size=(10, 11)), np.ones(10)]),
    ]
    path = ROOT / "Tests/MetricsTests/Golden/generative.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__}
    path.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
