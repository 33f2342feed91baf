"""Estimators by scikit-learn's own checks, and what they promise beyond them."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from elbo_ml.estimators import (
    ElboClassifier, ElboGaussianProcess, ElboLogisticRegression, ElboMixture, ElboPCA, ElboRegressor, ElboRidge)


@parametrize_with_checks([ElboRidge(), ElboLogisticRegression(), ElboMixture(), ElboPCA()])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_ridge_agrees_with_scikit_learn():
    from sklearn.linear_model import BayesianRidge

    X, y = load_diabetes(return_X_y=True)
    mean, std = ElboRidge().fit(X, y).predict(X, return_std=True)
    theirs, their_std = BayesianRidge(max_iter=3000, tol=1e-10).fit(X, y).predict(X, return_std=True)
    assert np.abs(mean - theirs).max() < 0.02 * y.std()
    assert np.abs(std - their_std).max() < 0.02 * y.std()


def test_classifier_learns_iris_and_keeps_its_labels():
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    model = ElboClassifier(epochs=200, settings={"network.hidden": [20], "train.batch": 30}, random_state=1).fit(X, names)
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]
    assert model.score(X, names) > 0.9
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1)


def test_same_seed_same_bits_for_any_number_of_lanes():
    X, y = load_diabetes(return_X_y=True)
    settings = {"network.hidden": [8], "train.batch": 50}
    one = ElboRegressor(epochs=2, settings=settings, random_state=3, lanes=1).fit(X, y).predict(X)
    two = ElboRegressor(epochs=2, settings=settings, random_state=3, lanes=2).fit(X, y).predict(X)
    other = ElboRegressor(epochs=2, settings=settings, random_state=4, lanes=2).fit(X, y).predict(X)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_pickle_works_in_another_process(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = ElboGaussianProcess().fit(X[:60], y[:60])
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "X.npy", X[60:70])
    expected = model.predict(X[60:70])
    program = (
        "import pickle, sys, numpy as np; m = pickle.load(open(sys.argv[1], 'rb'));"
        "print(*[repr(float(v)) for v in m.predict(np.load(sys.argv[2]))])")
    printed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model.pickle"), str(tmp_path / "X.npy")], check=True,
        capture_output=True, text=True).stdout
    assert [float(v) for v in printed.split()] == list(expected)


def test_intervals_cover():
    X, y = load_diabetes(return_X_y=True)
    low, high = ElboRidge().fit(X[:300], y[:300]).predict_interval(X[300:], 0.95)
    assert 0.85 < np.mean((low < y[300:]) & (y[300:] < high)) <= 1


def test_mixture_finds_two_heaps_and_samples_them():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-5, 1, (100, 2)), rng.normal(5, 1, (100, 2))])
    model = ElboMixture(2).fit(X)
    assert len(set(model.labels_[:100])) == 1 and len(set(model.labels_[100:])) == 1
    assert model.score(X) > model.score(X + 20)
    assert model.sample(7).shape == (7, 2)


def test_clone_and_parameters():
    assert clone(ElboMixture(5, settings={"train.restarts": 2})).n_components == 5


def test_an_unfitted_estimator_says_so():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ElboRidge().predict(np.zeros((2, 2)))
