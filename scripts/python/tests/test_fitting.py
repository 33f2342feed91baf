"""Fits from Python."""

import numpy as np
import pandas as pd
import pytest

import elbo_ml


def frame(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 6, rows)
    kind = rng.choice(["a", "b"], rows)
    return pd.DataFrame({"x": x, "kind": kind, "y": 3 * np.sin(x) + (kind == "a") + 0.2 * rng.normal(size=rows)})


def test_a_data_frame_is_fitted_and_repeated_by_its_plan():
    table = frame()
    fit = elbo_ml.fit(table, target="y", minutes=0.05, out="fit")
    summary = fit.summary
    assert summary["target"] == "y" and summary["inputs"] == ["x", "kind"]
    assert summary["test"][summary["chosen"]]["reg/NLL"] < summary["test"]["constant"]["reg/NLL"]
    assert fit.report.is_file() and "Fit fit" in repr(fit)
    prediction = fit.predict(table.drop(columns="y"), coverage=0.8)
    y = table["y"].to_numpy()
    assert np.mean((prediction.lower.ravel() <= y) & (y <= prediction.upper.ravel())) > 0.7
    again = elbo_ml.fit(table, plan=fit.plan, out="again")
    assert again.summary["parameters_sha256"] == summary["parameters_sha256"]


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match="data frame"):
        elbo_ml.fit(np.zeros((30, 2)), target="y")
    with pytest.raises(elbo_ml.ElboError, match="at least 20"):
        elbo_ml.fit(frame(3), target="y", out="few")


def test_groups_are_found_without_a_target():
    table = frame()
    table["x"] += 20 * (table["kind"] == "a")
    fit = elbo_ml.fit(table[["x", "y"]], task="groups", minutes=0.05, out="groups")
    assert fit.summary["target"] is None and "groups by" in repr(fit)
    assert fit.summary["test"][fit.summary["chosen"]]["NLL"] < fit.summary["test"]["gaussian"]["NLL"]
