"""Golden values of the mixtures: GaussianMixture, BayesianGaussianMixture and KMeans of scikit-learn, one iteration at
a time from a given start."""
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from golden import write

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240602)
K, D, N = 3, 3, 240


def data():
    """Three overlapping clusters away from the origin, of unequal shapes and sizes."""
    sizes = (120, 80, 40)
    centres = np.array([[10.0, -3.0, 5.0], [12.0, -1.0, 4.0], [9.0, 0.5, 7.0]])
    parts = [centres[k] + rng.standard_normal((n, D)) @ rng.standard_normal((D, D)) * (0.5 + 0.3 * k)
             for k, n in enumerate(sizes)]
    return np.concatenate(parts)[rng.permutation(N)]


def covariances(kind, model):
    return np.asarray(model.covariances_)


def gaussian(x, kind, iterations):
    precision = {"full": np.stack([np.eye(D)] * K), "tied": np.eye(D), "diag": np.ones((K, D)),
                 "spherical": np.ones(K)}[kind]
    model = GaussianMixture(K, covariance_type=kind, tol=0, max_iter=1, warm_start=True,
                            weights_init=np.ones(K) / K, means_init=x[:K], precisions_init=precision,
                            init_params="random", random_state=0)
    steps = []
    for _ in range(iterations):
        model.fit(x)
        steps.append({"objective": model.lower_bound_, "weights": model.weights_, "means": model.means_,
                      "covariances": np.asarray(model.covariances_)})
    return {"steps": steps, "logDensities": model.score_samples(x[:20]), "responsibilities": model.predict_proba(x[:20]),
            "bic": model.bic(x), "aic": model.aic(x)}


def kmeans(x, k, iterations):
    """Lloyd's iteration by scikit-learn, one iteration at a time."""
    centres, steps = x[:k].copy(), []
    for _ in range(iterations):
        model = KMeans(k, init=centres, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(x)
        # The inertia of the start: scikit-learn reports the one after the update.
        distances = ((x[:, None, :] - centres[None]) ** 2).sum(2)
        centres = np.stack([x[distances.argmin(1) == j].mean(0) for j in range(k)])
        assert np.allclose(centres, model.cluster_centers_, rtol=1e-12), "scikit-learn took another step"
        steps.append({"inertia": distances.min(1).sum(), "centres": model.cluster_centers_})
    final = KMeans(k, init=x[:k], n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(x)
    return {"steps": steps, "inertia": final.inertia_, "centres": final.cluster_centers_, "labels": final.labels_}


def main():
    x = data()
    write("Exact", "mixtures", {
        "rows": x,
        "gaussian": {kind: gaussian(x, kind, 12) for kind in ("full", "tied", "diag", "spherical")},
        "kmeans": kmeans(x, 4, 6),
    })


main()
