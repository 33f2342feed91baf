"""Golden values of Gaussian processes: scikit-learn's marginal likelihoods, gradients and predictions; the bound of
inducing inputs by N x N matrices; L-BFGS on Rosenbrock's function needs none.

ELBO_TEST_DATA names the folder with mauna_loa_co2/co2-mm-mlo.csv; without it the values for CO2 are left out."""
import csv
import os
import warnings

import numpy as np
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (RBF, ConstantKernel as C, DotProduct, ExpSineSquared, Matern,
                                              RationalQuadratic, WhiteKernel)

from golden import write

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240608)


def data(n=30):
    x = rng.uniform(-3, 3, (n, 2))
    return x, np.sin(x[:, 0]) + 0.3 * x[:, 1] + 0.1 * rng.standard_normal(n)


def evaluate(kernel, x, y, noise=0.04):
    full = kernel + WhiteKernel(noise)
    model = GaussianProcessRegressor(full, optimizer=None, alpha=0).fit(x, y)
    value, gradient = model.log_marginal_likelihood(full.theta, eval_gradient=True)
    points = x[:5] + 0.37
    mean, deviation = model.predict(points, return_std=True)
    # scikit-learn's deviation holds the noise.
    return {"parameters": np.exp(full.theta), "logMarginalLikelihood": value, "gradient": gradient,
            "mean": mean, "variance": deviation ** 2}


def sparse(x, y, noise=0.04):
    kernel = C(1.3) * RBF(1.1)
    z = rng.uniform(-3, 3, (7, 2))
    kzz, kzx, kxx = kernel(z), kernel(z, x), kernel(x)
    kzz += 1e-6 * np.trace(kzz) / len(z) * np.eye(len(z))  # the noise of Elbo's inducing variables
    qff = kzx.T @ np.linalg.solve(kzz, kzx)
    bound = stats.multivariate_normal.logpdf(y, np.zeros(len(y)), qff + noise * np.eye(len(y))) \
        - 0.5 / noise * np.trace(kxx - qff)
    points = x[:5] + 0.37
    q = kzz + kzx @ kzx.T / noise
    at = kernel(points, z)
    return {"inducing": z, "bound": bound, "mean": at @ np.linalg.solve(q, kzx @ y) / noise,
            "variance": np.diag(kernel(points)) - np.einsum(
                "ni,ij,nj->n", at, np.linalg.inv(kzz) - np.linalg.inv(q), at)}


def optimum(x, y):
    model = GaussianProcessRegressor(C(1.0) * RBF([1.0, 1.0]) + WhiteKernel(0.1), alpha=0).fit(x, y)
    return {"logMarginalLikelihood": model.log_marginal_likelihood_value_, "parameters": np.exp(model.kernel_.theta)}


def co2():
    folder = os.environ.get("ELBO_TEST_DATA")
    if not folder:
        return {}
    with open(os.path.join(folder, "mauna_loa_co2", "co2-mm-mlo.csv")) as file:
        rows = [(float(row["Decimal Date"]), float(row["Interpolated"])) for row in csv.DictReader(file)]
    rows = np.array(rows)
    x, y = rows[:480, :1], rows[:480, 1]
    centre = y.mean()
    # The kernel of scikit-learn's example, with its parameters rounded.
    kernel = C(50.0 ** 2) * RBF(50.0) \
        + C(2.0 ** 2) * RBF(100.0) * ExpSineSquared(1.0, 1.0) \
        + C(0.5 ** 2) * RationalQuadratic(length_scale=1.0, alpha=1.0) + C(0.1 ** 2) * RBF(0.1)
    full = kernel + WhiteKernel(0.01)
    model = GaussianProcessRegressor(full, optimizer=None, alpha=0).fit(x, y - centre)
    ahead = rows[480:600:12, :1]
    mean, deviation = model.predict(ahead, return_std=True)
    return {"centre": centre, "logMarginalLikelihood": model.log_marginal_likelihood(full.theta), "ahead": ahead[:, 0],
            "mean": mean + centre, "variance": deviation ** 2}


def main():
    x, y = data()
    kernels = {
        "rbf": C(1.3) * RBF(1.1), "rbfColumns": C(0.8) * RBF([0.7, 2.5]), "matern12": C(1.3) * Matern(1.1, nu=0.5),
        "matern32": C(1.3) * Matern([1.1, 0.6], nu=1.5), "matern52": C(1.3) * Matern(1.1, nu=2.5),
        "rationalQuadratic": C(1.3) * RationalQuadratic(1.1, 0.8), "periodic": C(1.3) * ExpSineSquared(1.2, 4.0),
        "linear": C(2.0) * DotProduct(0.5 ** 0.5), "sumAndProduct": C(1.3) * RBF(1.1) * ExpSineSquared(1.2, 4.0) + C(0.4) * Matern(2.0, nu=1.5),
    }
    # A periodic function of the distance is a covariance along one column only.
    columns = {"periodic": 1, "sumAndProduct": 1}
    write("Exact", "processes", {
        "inputs": x, "targets": y,
        "kernels": {name: evaluate(k, x[:, :columns.get(name, 2)], y) for name, k in kernels.items()},
        "sparse": sparse(x, y), "optimum": optimum(x, y), "co2": co2(),
    })


main()
