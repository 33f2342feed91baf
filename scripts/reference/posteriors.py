"""Diagnostics of draws and of predictions, by ArviZ: Tests/MetricsTests/Golden/posterior.json.

Needs what is in posteriors-requirements.txt.
"""
import warnings

import arviz
import numpy
import xarray

from golden import write

warnings.filterwarnings("ignore")
rng = numpy.random.default_rng(7)


def autoregressive(chains, draws, share):
    noise = rng.normal(size=(chains, draws))
    for t in range(1, draws):
        noise[:, t] += share * noise[:, t - 1]
    return noise


CHAINS = {
    "independent": rng.normal(size=(4, 60)),
    "slow": autoregressive(4, 101, 0.9),
    "alternating": autoregressive(2, 64, -0.7),
    "apart": rng.normal(size=(3, 50)) + numpy.array([[0.0], [0.4], [3.0]]),
    "spread": rng.normal(size=(4, 50)) * numpy.array([[1.0], [1.0], [1.0], [5.0]]),
    "heavy": rng.standard_cauchy(size=(4, 80)),
    "ties": numpy.floor(3 * rng.random(size=(2, 40))),
    "one": autoregressive(1, 80, 0.5),
    "short": rng.normal(size=(2, 8)),
}


def diagnosis(draws):
    draws = numpy.round(draws, 4)
    return {"draws": draws, "rhat": arviz.rhat(draws, method="rank"), "bulk": arviz.ess(draws, method="bulk"),
            "tail": arviz.ess(draws, method="tail")}


def accuracy(log_likelihood):
    """[examples, draws], as of one chain of independent draws."""
    log_likelihood = numpy.round(log_likelihood, 4)
    data = arviz.from_dict(log_likelihood={"y": log_likelihood.T[None]})
    loo = arviz.loo(data, pointwise=True, reff=1.0)
    waic = arviz.waic(data)
    return {"log_likelihood": log_likelihood, "loo": [loo.elpd_loo, loo.se, loo.p_loo], "waic": [waic.elpd_waic, waic.se, waic.p_waic],
            "shapes": numpy.asarray(loo.pareto_k)}


def gaussian(rows, draws):
    y, mean = rng.normal(size=rows), rng.normal(scale=rows ** -0.5, size=draws)
    y[0] = 6
    return -0.5 * (y[:, None] - mean[None]) ** 2 - 0.5 * numpy.log(2 * numpy.pi)


ratios = numpy.round(rng.standard_t(3, size=200), 4)
smoothed, shape = arviz.psislw(xarray.DataArray(ratios, dims=["__sample__"]), reff=1.0)
write("Metrics", "posterior", {
    "arviz": arviz.__version__,
    "chains": {name: diagnosis(draws) for name, draws in CHAINS.items()},
    "accuracy": [accuracy(gaussian(8, 200)), accuracy(rng.normal(scale=2.0, size=(5, 80))), accuracy(gaussian(6, 16))],
    "smoothing": {"ratios": ratios, "weights": numpy.asarray(smoothed), "shape": float(shape)},
})
