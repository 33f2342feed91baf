"""Trainings, runs and predictions from Python."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris

import elbo_ml
from elbo_ml.safetensors import read_safetensors

SMALL = {"network.hidden": [16], "train.batch": 30, "data.normalisation": "standard"}


def test_a_data_frame_with_a_test_part():
    frame = load_diabetes(as_frame=True).frame
    run = elbo_ml.train("bayesian-ridge", frame, target="target", settings={"data.test_fraction": 0.2}, out="run")
    metrics = run.summary["metrics"]
    assert run.summary["status"] == "finished"
    assert metrics["test/reg/RMSE"] < frame["target"].std()
    # The run's own data is recognized, so that only what was kept for testing is scored.
    assert run.evaluate(frame)["test/reg/RMSE"] == metrics["test/reg/RMSE"]
    # Of other data, all is.
    other = frame.iloc[:100]
    error = run.predict(other).mean - other["target"].to_numpy()
    assert run.evaluate(other)["test/reg/RMSE"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)


def test_a_frame_keeps_its_index_and_the_order_of_columns_does_not_matter():
    frame = load_diabetes(as_frame=True).frame
    run = elbo_ml.train("bayesian-ridge", frame, target="target", out="run")
    some = frame.drop(columns="target").iloc[[7, 3]]
    table = run.predict(some[some.columns[::-1]]).frame()
    assert list(table.index) == [7, 3]
    assert np.array_equal(table["mean"], run.predict(some).mean)
    assert {"std", "aleatoric_variance", "epistemic_variance", "q0.5"} <= set(table.columns)


def test_a_frame_has_the_quantiles_of_every_model():
    X, y = load_iris(return_X_y=True)
    numbers = elbo_ml.train(
        "bbb-regression", (X[:, :3], X[:, 3]), settings={"network.hidden": [8]}, epochs=2, out="numbers").predict(X[:5, :3])
    table = numbers.frame()
    assert np.array_equal(table["q0.5"], numbers.quantiles.reshape(5, -1)[:, list(numbers.quantile_levels).index(0.5)])
    classes = elbo_ml.train("bbb", (X, y), settings=SMALL, epochs=2, out="classes").predict(X[:5]).frame()
    assert sum(name.startswith("q0.5[") for name in classes.columns) == 3


def test_conformal_sets_and_intervals():
    X, y = load_iris(return_X_y=True)
    run = elbo_ml.train("mlp", (X[::2], y[::2]), settings=SMALL, epochs=20, out="run")
    learned = run.calibrate((X[1::2], y[1::2]))
    assert learned["scaled"] + learned["scored"] == 75 and learned["temperature"] > 0
    prediction = run.predict(X, coverage=0.9)
    assert prediction.set.shape == (150, 3) and set(np.unique(prediction.set)) <= {0, 1}
    assert np.array_equal(prediction.set.sum(axis=1), prediction.set_size)
    assert np.mean(prediction.set[np.arange(150), y]) > 0.75
    with pytest.raises(elbo_ml.ElboError, match="above 0 and below 1"):
        run.predict(X, coverage=90)


def test_categorical_columns():
    rng = np.random.default_rng(1)
    city = rng.choice(["Bern", "Genf", "Basel"], 200)
    x = rng.normal(size=200)
    y = x + 3.0 * (city == "Genf") + 0.1 * rng.normal(size=200)
    frame = pd.DataFrame({"city": city, "x": x, "y": y})
    run = elbo_ml.train("bayesian-ridge", frame, target="y", settings={"data.one_hot": ["city"]}, out="run")
    mean = run.predict(pd.DataFrame({"x": [0.0, 0.0], "city": ["Genf", "Bern"]})).mean
    assert mean[0] - mean[1] == pytest.approx(3, abs=0.1)


def test_classes_and_their_uncertainty():
    X, y = load_iris(return_X_y=True)
    run = elbo_ml.train("bbb", (X, y), settings=SMALL, epochs=20, out="run", seed=4)
    prediction = run.predict(X[:5], samples=50)
    assert prediction.mean.shape == (5, 3)
    assert np.allclose(prediction["mean"].sum(axis=1), 1)
    assert np.allclose(prediction.entropy, prediction.expected_entropy + prediction.mutual_information)
    assert prediction.error.shape == (5, 3)
    assert len(prediction.frame()) == 5
    low, high = prediction.interval(0.95)
    assert np.all(low <= high)
    with pytest.raises(ValueError, match=r"there are those of \[0.95, 0.5\]"):
        prediction.interval(0.9)
    with pytest.raises(AttributeError, match="it has mean"):
        prediction.median
    # One example may come without the axis of examples.
    assert np.array_equal(run.predict(X[0], samples=50).mean, prediction.mean[:1])


def test_nodes_give_the_same_bits():
    data = load_iris(return_X_y=True)
    hashes = {
        elbo_ml.train("bbb", data, settings=SMALL, epochs=3, nodes=nodes, out=f"run-{nodes}").summary["parameters_sha256"]
        for nodes in (None, 2)
    }
    assert len(hashes) == 1


def test_what_a_run_holds():
    X, y = load_iris(return_X_y=True)
    run = elbo_ml.train("bbb", (X, y), settings=SMALL, epochs=4)
    assert run.path.name == "bbb" and elbo_ml.train("bbb", (X, y), settings=SMALL, epochs=1).path.name == "bbb-2"
    assert run.parameters()["layers.0.weight_mu"].shape == (16, 4)
    assert len(run.metrics) >= 4 and "train/elbo" in run.metrics
    assert "hidden" in run.recipe and run.schema["shape"] == [4]
    assert all(figure.exists() for figure in run.figures)
    assert "parameters_sha256" in run._repr_html_()
    assert list(elbo_ml.runs("runs")["run"]) == ["bbb", "bbb-2"]


def test_a_model_is_one_file():
    X, y = load_iris(return_X_y=True)
    run = elbo_ml.train("bbb", (X, y), settings=SMALL, epochs=4, out="run")
    model = run.export("iris.elbo")
    shutil.rmtree("run")
    assert model.schema["shape"] == [4] and "hidden" in model.recipe
    assert model.parameters()["layers.0.weight_mu"].shape == (16, 4)
    assert "inputs/mean" in model.parameters()
    assert model.predict(X[:2]).mean.shape == (2, 3)
    assert "test/cls/Acc" in model.evaluate((X, y))
    with open("other.elbo", "wb") as file:
        file.write((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="is no model of elbo"):
        elbo_ml.Run("other.elbo")


def test_predictions_keep_the_index_of_their_rows():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(40), "b": [row % 3 for row in range(40)], "y": [2.0 * row for row in range(40)]})
    settings = {"data.missing": "drop"}
    run = elbo_ml.train("bayesian-linear-regression", frame, target="y", settings=settings, out="run")
    new = pandas.DataFrame({"a": [1, None, 3], "b": [1.0, 2, 0]}, index=["one", "two", "three"])
    prediction = run.predict(new)
    assert list(prediction.frame().index) == ["one", "three"] and list(prediction.row) == [0, 2]


def test_samples_of_a_mixture():
    X, _ = load_iris(return_X_y=True)
    run = elbo_ml.train("gmm", X, settings={"network.components": 3}, out="run")
    assert run.sample(11).shape == (11, 4)
    assert np.array_equal(run.sample(5, seed=2), run.sample(5, seed=2))


def test_mistakes_are_one_line():
    with pytest.raises(elbo_ml.ElboError, match="there is no recipe") as caught:
        elbo_ml.train("bbx", np.zeros((4, 2)))
    assert caught.value.status == 2 and "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="is not a run"):
        elbo_ml.Run("nowhere")
    with pytest.raises(ValueError, match="holds no numbers"):
        elbo_ml.train("gmm", np.array([["a"], ["b"]]))
    run = elbo_ml.train("gmm", np.random.default_rng(0).normal(size=(50, 2)), out="run")
    with pytest.raises(elbo_ml.ElboError):
        run.predict(np.zeros((3, 5)))


def test_without_the_command(monkeypatch):
    monkeypatch.setenv("ELBO", "/nowhere/elbo")
    with pytest.raises(elbo_ml.ElboError, match="cannot be executed"):
        elbo_ml.version()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"1234567", (1 << 40).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"nope",
        *(
            len(text).to_bytes(8, "little") + text + b"\0" * 8
            for text in (
                json.dumps({"a": entry}).encode()
                for entry in (
                    {}, {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]},
                    {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
                    {"dtype": "F32", "shape": [-2, -1], "data_offsets": [8, 0]},
                    {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}, 7))
        ),
    ])
def test_a_file_that_is_no_safetensors_file(tmp_path, data):
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match="safetensors|other bytes"):
        read_safetensors(tmp_path / "x.safetensors")
