#!/usr/bin/env python3
"""`elbo fit` beside scikit-learn's HistGradientBoosting and Gaussian process, and FLAML, on small public tables.

Each table is cut by a seed, once or as often as --splits says, into rows to fit with and a fifth to test with, which no side sees. Elbo and FLAML get the
minutes given; the others their defaults, and take seconds. MAPIE makes intervals and sets of boosting's and FLAML's predictions, of a
fifth of their rows; the Gaussian process has those of its own distribution. Of numbers the likelihood of boosting and
FLAML is that of a normal distribution with the calibration rows' error; of classes it is of the probabilities, Elbo's after its
temperature.

A series, NAME=FILE:TARGET@TIME, is cut at four fifths of its time. Beside it are an exponential smoothing of statsmodels (ETS, additive
error, trend and season; it takes the rows as evenly spaced), and scikit-learn's Gaussian process with the kernel of its example on CO2, whose
season begins at the length given.

    pip install 'flaml[automl]' mapie statsmodels
    scripts/bench/fit.py --elbo .build/release/elbo --minutes 1 --splits 3 --tables NAME=FILE:TARGET … NAME=FILE:TARGET@TIME/SEASON …
"""

import argparse
import json
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from mapie.classification import SplitConformalClassifier
from mapie.regression import SplitConformalRegressor
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, ExpSineSquared, RationalQuadratic, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LEVELS = (0.5, 0.8, 0.95)


def boosting(x, y, isclasses: bool, seed: int, minutes: float):
    kind = HistGradientBoostingClassifier if isclasses else HistGradientBoostingRegressor
    return kind(random_state=seed).fit(x, y)


def process(x, y, isclasses: bool, seed: int, minutes: float):
    kernel = ConstantKernel(1) * RBF(np.ones(x.shape[1]), (1e-2, 1e3))
    model = (
        GaussianProcessClassifier(kernel, random_state=seed) if isclasses
        else GaussianProcessRegressor(kernel + WhiteKernel(0.1), normalize_y=True, random_state=seed))
    return make_pipeline(StandardScaler(), model).fit(x, y)


def flaml(x, y, isclasses: bool, seed: int, minutes: float):
    from flaml import AutoML

    model = AutoML()
    model.fit(
        x, y, task="classification" if isclasses else "regression", metric="log_loss" if isclasses else "rmse",
        time_budget=60 * minutes, seed=seed, verbose=0, n_jobs=2)
    return model


def score(make, train: pd.DataFrame, test: pd.DataFrame, target: str, isclasses: bool, seed: int, minutes: float) -> dict:
    names, truth = np.unique(train[target], return_inverse=True) if isclasses else (None, train[target].to_numpy())
    x, x_test = (pd.get_dummies(frame.drop(columns=target)).to_numpy(float) for frame in (train, test))
    y_test = np.searchsorted(names, test[target]) if isclasses else test[target].to_numpy()
    order = np.random.default_rng(seed).permutation(len(train))
    held, rest = (order[:0], order) if make is process else np.split(order, [len(train) // 5])
    model = make(x[rest], truth[rest], isclasses, seed, minutes)
    result = {}
    if isclasses:
        p = np.clip(model.predict_proba(x_test), 1e-15, 1)
        result["error"] = float(np.mean(p.argmax(1) != y_test))
        result["NLL"] = float(-np.log(p[np.arange(len(p)), y_test]).mean())
    else:
        mean, spread = model.predict(x_test, return_std=True) if make is process else (model.predict(x_test), None)
        if spread is None:
            spread = np.sqrt(np.mean((model.predict(x[held]) - truth[held]) ** 2))
        result["error"] = float(np.sqrt(np.mean((mean - y_test) ** 2)))
        result["NLL"] = float(-norm.logpdf(y_test, mean, spread).mean())
    for level in LEVELS:
        try:
            if make is process and isclasses:
                raise ValueError("no sets of its own")
            if make is process:
                lower, upper = norm.interval(level, mean, spread)
            elif isclasses:
                sets = SplitConformalClassifier(model, confidence_level=level, prefit=True)
                members = sets.conformalize(x[held], truth[held]).predict_set(x_test)[1][:, :, 0]
                result[f"held{level}"] = float(members[np.arange(len(p)), y_test].mean())
                result[f"size{level}"] = float(members.sum(1).mean())
                continue
            else:
                intervals = SplitConformalRegressor(model, confidence_level=level, prefit=True)
                lower, upper = intervals.conformalize(x[held], truth[held]).predict_interval(x_test)[1][:, :, 0].T
            result[f"held{level}"] = float(np.mean((lower <= y_test) & (y_test <= upper)))
            result[f"size{level}"] = float(np.mean(upper - lower))
        except ValueError:  # MAPIE has too few rows for the level
            result[f"held{level}"] = result[f"size{level}"] = float("nan")
    return result


def series_process(t, y, ahead, season: float):
    """Means and standard deviations by the kernel of scikit-learn's example: trend, season, irregularities, noise."""
    kernel = (
        50.0**2 * RBF(50 * season) + 2.0**2 * RBF(100 * season) * ExpSineSquared(1.0, season, periodicity_bounds="fixed")
        + 0.5**2 * RationalQuadratic(season, 1.0) + 0.1**2 * RBF(0.1 * season) + WhiteKernel(0.1**2, (1e-5, 1e5)))
    model = GaussianProcessRegressor(kernel, normalize_y=False).fit(t[:, None], y - y.mean())
    mean, spread = model.predict(ahead[:, None], return_std=True)
    return mean + y.mean(), spread


def smoothing(t, y, ahead, season: float):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    rows = int(round(season / np.median(np.diff(t))))
    model = ETSModel(pd.Series(y), error="add", trend="add", seasonal="add", seasonal_periods=rows).fit(disp=False)
    forecast = model.get_prediction(start=len(y), end=len(y) + len(ahead) - 1)
    return np.asarray(forecast.predicted_mean), np.sqrt(np.asarray(forecast.forecast_variance))


def score_series(make, train: pd.DataFrame, test: pd.DataFrame, target: str, time: str, season: float) -> dict:
    truth = test[target].to_numpy(float)
    mean, spread = make(train[time].to_numpy(float), train[target].to_numpy(float), test[time].to_numpy(float), season)
    result = {"error": float(np.sqrt(np.mean((mean - truth) ** 2))), "NLL": float(-norm.logpdf(truth, mean, spread).mean())}
    for level in LEVELS:
        lower, upper = norm.interval(level, mean, spread)
        result[f"held{level}"] = float(np.mean((lower <= truth) & (truth <= upper)))
        result[f"size{level}"] = float(np.mean(upper - lower))
    return result


def fitted(
    elbo: str, train: Path, test: Path, target: str, minutes: float, seed: int, folder: Path, time: str | None = None
) -> dict:
    def run(*words):
        return subprocess.run([elbo, *map(str, words)], check=True, capture_output=True, text=True).stdout

    out = folder / "fit"
    arguments = ["fit", train, "--target", target, "--minutes", minutes, "--seed", seed, "--out", out, "--json", "--quiet"]
    arguments += ["--time", time] if time else []
    summary = json.loads(run(*arguments))
    metrics = json.loads(run("evaluate", out, "--data", test, "--json"))
    isclasses = summary["task"] == "classes"
    truth = pd.read_csv(test)[target]
    result = {"chosen": summary["chosen"]}
    for level in LEVELS:
        run("predict", out, "--input", test, "--coverage", level, "--output", folder / "p.csv")
        p = pd.read_csv(folder / "p.csv")
        if isclasses:
            labels = truth.astype(str)
            rows = range(len(p))
            result["error"] = 1 - metrics["test/cls/Acc"]
            chances = np.array([p[f"calibrated[{labels[row]}]"][row] for row in rows])
            result["NLL"] = float(-np.log(np.clip(chances, 1e-15, 1)).mean())
            result[f"held{level}"] = float(np.mean([p[f"set[{labels[row]}]"][row] for row in rows]))
            result[f"size{level}"] = float(p["set_size"].mean())
        else:
            result["error"], result["NLL"] = metrics["test/reg/RMSE"], metrics["test/reg/NLL"]
            lower, upper = p["lower"].fillna(-np.inf), p["upper"].fillna(np.inf)
            result[f"held{level}"] = float(np.mean((lower <= truth) & (truth <= upper)))
            result[f"size{level}"] = float((upper - lower).mean())
    return result


def cut(frame: pd.DataFrame, seed: int, istime: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four fifths to fit with, and a fifth to score; of a series the last."""
    held = len(frame) // 5
    if istime:
        return frame.iloc[: len(frame) - held], frame.iloc[len(frame) - held :]
    order = np.random.default_rng(seed).permutation(len(frame))
    return frame.iloc[order[held:]], frame.iloc[order[:held]]


def measured(arguments, frame: pd.DataFrame, target: str, time: str | None, season: float, seed: int) -> dict:
    """Results by model of one cut."""
    train, test = cut(frame, seed, time is not None)
    isclasses = not pd.api.types.is_numeric_dtype(train[target])
    found = {}
    if "elbo" in arguments.models:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            train.to_csv(folder / "train.csv", index=False)
            test.to_csv(folder / "test.csv", index=False)
            found["elbo fit"] = fitted(
                arguments.elbo, folder / "train.csv", folder / "test.csv", target, arguments.minutes, seed, folder, time)
    peers = {"boosting": ("HistGradientBoosting", boosting), "process": ("Gaussian process", process), "flaml": ("FLAML", flaml)}
    if time:
        peers = {"process": ("Gaussian process", series_process), "ets": ("ETS", smoothing)}
    for name, (label, make) in peers.items():
        if name not in arguments.models:
            continue
        found[label] = (
            score_series(make, train, test, target, time, season) if time
            else score(make, train, test, target, isclasses, seed, arguments.minutes))
    return found


def line(name: str, label: str, splits: list[dict]) -> str:
    """The means over the splits, and of several the standard errors of error and likelihood."""
    def text(key: str, digits: int, factor: float = 1) -> str:
        values = np.array([result[key] for result in splits], float) * factor
        spread = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.{digits}f}" if len(values) > 1 and digits > 1 else ""
        return f"{values.mean():.{digits}f}{spread}"

    chosen = sorted({result["chosen"] for result in splits if "chosen" in result})
    held = " / ".join(text(f"held{level}", 1, 100) for level in LEVELS)
    title = label + (f" ({', '.join(chosen)})" if chosen else "")
    return f"| {name} | {title} | {text('error', 4)} | {text('NLL', 4)} | {held} | {text('size0.95', 3)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elbo", default="elbo")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the first cut")
    parser.add_argument("--splits", type=int, default=1, help="how often each table is cut, with seeds that follow each other")
    parser.add_argument("--models", nargs="+", default=["elbo", "boosting", "process", "flaml", "ets"])
    parser.add_argument("--tables", nargs="+", required=True, metavar="NAME=FILE:TARGET")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    print("| table | model | error | NLL | held of 50 / 80 / 95 % | width or size at 95 % |\n|---|---|---|---|---|---|", flush=True)
    for word in arguments.tables:
        name, place = word.split("=", 1)
        file, target = place.rsplit(":", 1)
        target, _, time = target.partition("@")
        time, _, season = time.partition("/")
        frame = pd.read_csv(file)
        seeds = range(arguments.seed, arguments.seed + (1 if time else arguments.splits))
        splits = [measured(arguments, frame, target, time or None, float(season or 1), seed) for seed in seeds]
        for label in splits[0]:
            print(line(name, label, [found[label] for found in splits]), flush=True)


if __name__ == "__main__":
    main()
