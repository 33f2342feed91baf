"""Golden values of PCA (scikit-learn) and probabilistic PCA: densities by scipy, EM by plain loops over rows, with the
formulas of Tipping and Bishop (1999) and Bishop (2006) written for one row at a time."""
import numpy as np
from scipy import stats
from sklearn.decomposition import PCA

from golden import write

rng = np.random.default_rng(20240605)
N, D, Q = 70, 6, 2


def data():
    w = rng.standard_normal((D, Q)) * [2.0, 1.0]
    return 5 + rng.standard_normal((N, Q)) @ w.T + 0.4 * rng.standard_normal((N, D))


def pca(x):
    model = PCA(3, svd_solver="full").fit(x)
    return {"components": model.components_, "variances": model.explained_variance_, "mean": model.mean_,
            "ratios": model.explained_variance_ratio_, "coordinates": model.transform(x[:5]),
            "whitened": PCA(3, svd_solver="full", whiten=True).fit(x).transform(x[:5]),
            "reconstruction": model.inverse_transform(model.transform(x[:5]))}


def closed_form(x):
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    noise = values[Q:].mean()
    w = vectors[:, :Q] * np.sqrt(values[:Q] - noise)
    for k in range(Q):
        w[:, k] *= np.sign(w[np.abs(w[:, k]).argmax(), k])
    density = stats.multivariate_normal(x.mean(0), w @ w.T + noise * np.eye(D))
    m = w.T @ w + noise * np.eye(Q)
    return {"loadings": w, "noise": noise, "logDensities": density.logpdf(x[:10]), "logLikelihood": density.logpdf(x).sum(),
            "latentMeans": np.linalg.solve(m, w.T @ (x[:5] - x.mean(0)).T).T, "latentCovariance": noise * np.linalg.inv(m)}


def em(x, w, noise, relevance, iterations):
    """One row at a time; NaN is missing. The mean is the loading of a latent column of ones."""
    mu, steps = np.nanmean(x, 0), []
    alpha = None if relevance is None else np.minimum(D / (w ** 2).sum(0), relevance)
    for _ in range(iterations):
        log_likelihood, a, b = 0.0, np.zeros((D, Q + 1, Q + 1)), np.zeros((D, Q + 1))
        rows = []
        for row in x:
            o = ~np.isnan(row)
            wo, do = w[o], row[o] - mu[o]
            log_likelihood += stats.multivariate_normal.logpdf(do, np.zeros(o.sum()), wo @ wo.T + noise * np.eye(o.sum()))
            inverse = np.linalg.inv(wo.T @ wo + noise * np.eye(Q))
            z = np.append(inverse @ wo.T @ do, 1.0)
            second = np.outer(z, z)
            second[:Q, :Q] += noise * inverse
            a[o] += second
            b[o] += do[:, None] * z
            rows.append((o, do, z, second))
        objective = log_likelihood
        penalty = np.zeros((Q + 1, Q + 1))
        if alpha is not None:
            objective += sum(stats.norm(0, alpha[k] ** -0.5).logpdf(w[:, k]).sum() for k in range(Q))
            penalty[:Q, :Q] = noise * np.diag(alpha)
        joined = np.stack([np.linalg.solve(a[j] + penalty, b[j]) for j in range(D)])
        error = sum(do @ do - 2 * do @ joined[o] @ z + np.trace(joined[o] @ second @ joined[o].T)
                    for o, do, z, second in rows)
        noise = error / sum(o.sum() for o, *_ in rows)
        w, mu = joined[:, :Q], mu + joined[:, Q]
        if alpha is not None:
            _, vectors = np.linalg.eigh(w.T @ w)
            vectors = vectors[:, ::-1] * np.sign(vectors[:, ::-1][np.abs(vectors[:, ::-1]).argmax(0), np.arange(Q)])
            w = w @ vectors
            alpha = np.minimum(D / (w ** 2).sum(0), relevance)
        steps.append({"objective": objective, "loadings": w, "mean": mu, "noise": noise,
                      "relevance": alpha if alpha is not None else []})
    return steps


def main():
    x = data()
    start = rng.standard_normal((D, Q))
    missing = x.copy()
    missing[rng.random((N, D)) < 0.25] = np.nan
    missing[3] = np.nan
    w = rng.standard_normal((D, Q))
    row = missing[7]
    o = ~np.isnan(row)
    cov = w @ w.T + 0.3 * np.eye(D)
    write("Exact", "components", {
        "rows": x, "pca": pca(x), "ppca": closed_form(x), "start": start, "missing": missing,
        "em": em(x, start, 0.7, None, 6), "missingEM": em(missing[np.arange(N) != 3], start, 0.7, None, 6),
        "relevanceEM": em(x, start, 0.7, 1e3, 6),
        "conditional": {"loadings": w, "row": row,
                        "logDensity": stats.multivariate_normal(np.zeros(o.sum()), cov[np.ix_(o, o)]).logpdf(row[o]),
                        "imputed": np.where(o, row, cov[:, o] @ np.linalg.solve(cov[np.ix_(o, o)], row[o]))},
    })


main()
