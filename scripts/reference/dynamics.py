"""Golden values of linear dynamical systems, by statsmodels and pykalman in float64.

    python scripts/reference/dynamics.py NOTTEM.csv

writes Tests/SequencesTests/Golden/dynamics.json. The Nile's flow is that of statsmodels; the temperatures of Nottingham are
R's data set `nottem` as a table with a column `value`. Structural forms have the exact diffuse start of statsmodels, whose
log-likelihood is that of Durbin and Koopman (2012), equation 7.3.
"""
import csv
import sys
import warnings

import numpy as np
import pykalman
import statsmodels
import statsmodels.api as sm
from scipy.optimize import minimize

import golden

warnings.filterwarnings("ignore")


def structural(series, start, steps, **form):
    """A fit by a search that is repeated until nothing moves, and what it says."""
    model = sm.tsa.UnobservedComponents(series, use_exact_diffuse=True, **form)
    scale = np.nanvar(series)

    def cost(logs):
        return -model.loglike(np.exp(logs) * scale)

    logs = np.log(np.asarray(start) / scale)
    for _ in range(6):
        logs = minimize(cost, logs, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}).x
    best = np.exp(logs) * scale
    result = model.smooth(start)
    forecast = result.get_forecast(steps)
    states = result.smoothed_state.shape[0]
    return {
        "names": model.param_names, "start": start, "start_log_likelihood": result.llf,
        "start_log_densities": result.llf_obs, "filtered": result.filtered_state[0],
        "smoothed": result.smoothed_state[0], "smoothed_variance": result.smoothed_state_cov[0, 0],
        "last_state": result.smoothed_state[:, -1], "states": states,
        "forecast_mean": forecast.predicted_mean, "forecast_std": forecast.se_mean,
        "best": best, "best_log_likelihood": model.loglike(best)}


def nile_proper(nile):
    """EM from a first state that something is known of."""
    filter = pykalman.KalmanFilter(
        transition_matrices=[[1]], observation_matrices=[[1]], transition_covariance=[[1469.1]],
        observation_covariance=[[15099]], initial_state_mean=[1000], initial_state_covariance=[[1e5]])
    means, covariances = filter.smooth(nile)
    content = {
        "log_likelihood": filter.loglikelihood(nile), "smoothed": means[:, 0], "variances": covariances[:, 0, 0]}
    for steps in [1, 10, 50]:
        fit = pykalman.KalmanFilter(
            transition_matrices=[[1]], observation_matrices=[[1]], transition_covariance=[[1000]],
            observation_covariance=[[10000]], initial_state_mean=[1000], initial_state_covariance=[[1e5]],
            em_vars=["transition_covariance", "observation_covariance"]).em(nile, n_iter=steps)
        content[f"em_{steps}"] = [
            fit.transition_covariance[0, 0], fit.observation_covariance[0, 0], fit.loglikelihood(nile)]
    return content


def main():
    nile = sm.datasets.nile.load_pandas().data["volume"].values.astype(float)
    gaps = nile.copy()
    gaps[20:40] = np.nan
    gaps[60:80] = np.nan
    with open(sys.argv[1]) as file:
        nottem = np.array([float(row["value"]) for row in csv.DictReader(file)])
    golden.write("Sequences", "dynamics", {
        "statsmodels": statsmodels.__version__, "pykalman": pykalman.__version__, "nile": nile,
        "nile_proper": nile_proper(nile),
        "local_level": structural(nile, [15099, 1469.1], 10, level="llevel"),
        "local_level_gaps": structural(gaps, [15099, 1469.1], 10, level="llevel"),
        "local_trend": structural(nile, [15000, 1400, 3], 10, level="lltrend"),
        "season": structural(nottem, [4, 0.05, 0.02], 24, level="llevel", seasonal=12)})


main()
