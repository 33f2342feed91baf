#!/usr/bin/env python3
"""`elbo fit` beside scikit-learn's HistGradientBoosting with split conformal intervals or sets, on small public tables.

Each table is cut once, by a seed, into rows to fit with and a fifth to test with, which neither side sees. Elbo gets the
minutes given; gradient boosting its defaults, a fifth of its rows for calibration, and takes seconds. Of numbers the
likelihood is Elbo's own, and for boosting a normal distribution with the calibration rows' error; of classes both
are of the probabilities, Elbo's after its temperature.

    scripts/bench/fit.py --elbo .build/release/elbo --minutes 2 NAME=FILE:TARGET …
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

LEVELS = (0.5, 0.8, 0.95)


def rank(scores: np.ndarray, level: float) -> float:
    """The score that split conformal prediction takes: of rank ⌈(n + 1) level⌉."""
    place = int(np.ceil((len(scores) + 1) * level))
    return np.sort(scores)[place - 1] if place <= len(scores) else np.inf


def boosting(train: pd.DataFrame, test: pd.DataFrame, target: str, isclasses: bool, seed: int) -> dict[str, float]:
    def inputs(frame):
        return frame.drop(columns=target).apply(lambda c: c if pd.api.types.is_numeric_dtype(c) else c.astype("category"))

    order = np.random.default_rng(seed).permutation(len(train))
    held, rest = train.iloc[order[: len(train) // 5]], train.iloc[order[len(train) // 5 :]]
    maker = HistGradientBoostingClassifier if isclasses else HistGradientBoostingRegressor
    model = maker(random_state=seed, categorical_features="from_dtype").fit(inputs(rest), rest[target])
    truth = test[target].to_numpy()
    if isclasses:
        places = {label: place for place, label in enumerate(model.classes_)}
        p = np.clip(model.predict_proba(inputs(test)), 1e-15, 1)
        index = np.array([places[label] for label in truth])
        result = {"error": float(np.mean(p.argmax(1) != index)), "NLL": float(-np.log(p[np.arange(len(p)), index]).mean())}
        q = model.predict_proba(inputs(held))
        scores = 1 - q[np.arange(len(q)), [places[label] for label in held[target]]]
        for level in LEVELS:
            result[f"held{level}"] = float(np.mean(1 - p[np.arange(len(p)), index] <= rank(scores, level)))
            result[f"size{level}"] = float(np.mean(np.sum(1 - p <= rank(scores, level), axis=1)))
        return result
    errors = np.abs(held[target].to_numpy() - model.predict(inputs(held)))
    mean, deviation = model.predict(inputs(test)), np.sqrt(np.mean(errors**2))
    result = {"error": float(np.sqrt(np.mean((mean - truth) ** 2))), "NLL": float(-norm.logpdf(truth, mean, deviation).mean())}
    for level in LEVELS:
        result[f"held{level}"] = float(np.mean(np.abs(mean - truth) <= rank(errors, level)))
        result[f"size{level}"] = float(2 * rank(errors, level))
    return result


def fitted(elbo: str, train: Path, test: Path, target: str, minutes: float, seed: int, folder: Path) -> dict:
    def run(*words):
        return subprocess.run([elbo, *map(str, words)], check=True, capture_output=True, text=True).stdout

    out = folder / "fit"
    arguments = ["fit", train, "--target", target, "--minutes", minutes, "--seed", seed, "--out", out, "--json", "--quiet"]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elbo", default="elbo")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("tables", nargs="+", metavar="NAME=FILE:TARGET")
    arguments = parser.parse_args()
    print(f"{'table':12} {'model':28} {'error':>8} {'NLL':>8}  held 50 / 80 / 95 %      size 95 %", flush=True)
    for word in arguments.tables:
        name, place = word.split("=", 1)
        file, target = place.rsplit(":", 1)
        frame = pd.read_csv(file)
        order = np.random.default_rng(arguments.seed).permutation(len(frame))
        test, train = frame.iloc[order[: len(frame) // 5]], frame.iloc[order[len(frame) // 5 :]]
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            train.to_csv(folder / "train.csv", index=False)
            test.to_csv(folder / "test.csv", index=False)
            own = fitted(
                arguments.elbo, folder / "train.csv", folder / "test.csv", target, arguments.minutes, arguments.seed, folder)
        other = boosting(train, test.reset_index(drop=True), target, not pd.api.types.is_numeric_dtype(train[target]), arguments.seed)
        for model, found in ((f"elbo fit ({own['chosen']})", own), ("HistGradientBoosting", other)):
            held = " / ".join(f"{100 * found[f'held{level}']:5.1f}" for level in LEVELS)
            print(f"{name:12} {model:28} {found['error']:8.4f} {found['NLL']:8.4f}  {held}  {found['size0.95']:12.3f}", flush=True)


if __name__ == "__main__":
    main()
