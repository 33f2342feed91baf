"""Golden values of the mixtures: GaussianMixture, BayesianGaussianMixture and KMeans of scikit-learn, one iteration at
a time from a given start."""
import warnings

import numpy as np
from scipy.special import betaln, digamma, gammaln, multigammaln, xlogy
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


def bishop_bound(x, model, resp):
    """Bishop (2006), equations 10.70 to 10.77, term by term; the Dirichlet process has beta densities for the weights."""
    n, d, k = len(x), x.shape[1], resp.shape[1]
    beta0, nu0, m0 = model.mean_precision_prior_, model.degrees_of_freedom_prior_, model.mean_prior_
    w0_inverse = model.covariance_prior_
    beta, nu, m = model.mean_precision_, model.degrees_of_freedom_, model.means_
    w = np.stack([np.linalg.inv(model.covariances_[j] * nu[j]) for j in range(k)])

    def log_b(w, nu):
        return -nu / 2 * np.linalg.slogdet(w)[1] - nu * d / 2 * np.log(2) - multigammaln(nu / 2, d)

    log_lambda = np.array([digamma((nu[j] - np.arange(d)) / 2).sum() + d * np.log(2) + np.linalg.slogdet(w[j])[1]
                           for j in range(k)])
    if model.weight_concentration_prior_type == "dirichlet_distribution":
        alpha, alpha0 = model.weight_concentration_, model.weight_concentration_prior_
        log_pi = digamma(alpha) - digamma(alpha.sum())
        p_pi = gammaln(k * alpha0) - k * gammaln(alpha0) + (alpha0 - 1) * log_pi.sum()
        q_pi = ((alpha - 1) * log_pi).sum() + gammaln(alpha.sum()) - gammaln(alpha).sum()
    else:
        a, b = model.weight_concentration_
        gamma = model.weight_concentration_prior_
        log_v, log_rest = digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)
        log_pi = log_v + np.concatenate([[0], np.cumsum(log_rest)[:-1]])
        p_pi = (-betaln(1, gamma) + (gamma - 1) * log_rest).sum()
        q_pi = (-betaln(a, b) + (a - 1) * log_v + (b - 1) * log_rest).sum()
    nk = resp.sum(0)
    p_x = p_mu = q_mu = 0.0
    for j in range(k):
        difference = x - m[j]
        p_x += 0.5 * nk[j] * (log_lambda[j] - d / beta[j] - d * np.log(2 * np.pi)) \
            - 0.5 * nu[j] * (resp[:, j] * np.einsum("ni,ij,nj->n", difference, w[j], difference)).sum()
        e = m[j] - m0
        p_mu += 0.5 * (d * np.log(beta0 / (2 * np.pi)) + log_lambda[j] - d * beta0 / beta[j] - beta0 * nu[j] * e @ w[j] @ e) \
            + log_b(np.linalg.inv(w0_inverse), nu0) + (nu0 - d - 1) / 2 * log_lambda[j] - 0.5 * nu[j] * np.trace(w0_inverse @ w[j])
        entropy = -log_b(w[j], nu[j]) - (nu[j] - d - 1) / 2 * log_lambda[j] + nu[j] * d / 2
        q_mu += 0.5 * log_lambda[j] + d / 2 * np.log(beta[j] / (2 * np.pi)) - d / 2 - entropy
    p_z, q_z = (resp * log_pi).sum(), xlogy(resp, resp).sum()
    return p_x + p_z + p_pi + p_mu - q_z - q_pi - q_mu


def variational(x, kind, concentration, components, iterations):
    model = BayesianGaussianMixture(n_components=components, weight_concentration_prior_type=kind, reg_covar=0,
                                    weight_concentration_prior=concentration, mean_precision_prior=0.7,
                                    degrees_of_freedom_prior=D + 0.5)
    model._check_parameters(x)
    labels = np.arange(len(x)) % components
    model._initialize(x, np.eye(components)[labels])
    steps = []
    for _ in range(iterations):
        _, log_resp = model._e_step(x)
        model._m_step(x, log_resp)
        model._set_parameters(model._get_parameters())
        steps.append({"bound": bishop_bound(x, model, np.exp(log_resp)), "means": model.means_,
                      "meanPrecisions": model.mean_precision_, "degrees": model.degrees_of_freedom_,
                      "concentration": np.asarray(model.weight_concentration_), "weights": model.weights_,
                      "covariances": model.covariances_})
    return {"labels": labels, "components": components, "concentration": concentration,
            "covariancePrior": model.covariance_prior_, "meanPrior": model.mean_prior_, "steps": steps[::4],
            "stride": 4, "responsibilities": model.predict_proba(x[:20])}


def main():
    x = data()
    write("Exact", "mixtures", {
        "rows": x,
        "gaussian": {kind: gaussian(x, kind, 12) for kind in ("full", "tied", "diag", "spherical")},
        "kmeans": kmeans(x, 4, 6),
        "dirichlet": variational(x, "dirichlet_distribution", 0.05, 5, 13),
        "process": variational(x, "dirichlet_process", 0.3, 5, 13),
    })


main()
