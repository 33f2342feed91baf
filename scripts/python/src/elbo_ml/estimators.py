"""scikit-learn estimators: recipes of Elbo with ``fit`` and ``predict``.

>>> from sklearn.datasets import load_diabetes
>>> from elbo_ml.estimators import ElboRidge
>>> X, y = load_diabetes(return_X_y=True)
>>> mean, std = ElboRidge().fit(X, y).predict(X[:2], return_std=True)
>>> std.shape
(2,)

A fitted estimator holds the bytes of its model, so it can be pickled, copied and used without the run folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClusterMixin, DensityMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .prediction import Prediction
from .run import Run
from .training import train


class Model:
    """The bytes of a trained model: those of the file that ``elbo export`` writes."""

    def __init__(self, run: Run):
        with tempfile.TemporaryDirectory(prefix="elbo-") as folder:
            self._bytes = run.export(Path(folder) / "model.elbo").path.read_bytes()
        self._folder: tempfile.TemporaryDirectory | None = None

    def run(self) -> Run:
        """The model in a temporary file that lives as long as this value."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="elbo-")
            (Path(self._folder.name) / "model.elbo").write_bytes(self._bytes)
        return Run(Path(self._folder.name) / "model.elbo")

    def __getstate__(self) -> dict[str, Any]:
        return {"_bytes": self._bytes, "_folder": None}


class _Estimator(BaseEstimator):
    """What all estimators share. ``recipe`` and ``settings`` are those of ``elbo_ml.train``."""

    _recipe = ""

    def __init__(
        self, recipe: str | None = None, *, settings: Mapping[str, Any] | None = None, epochs: int | None = None,
        samples: int = 100, lanes: int | None = None, nodes: int | None = None, random_state: Any = None,
    ):
        self.recipe = recipe
        self.settings = settings
        self.epochs = epochs
        self.samples = samples
        self.lanes = lanes
        self.nodes = nodes
        self.random_state = random_state

    def _train(self, data: Any, settings: Mapping[str, Any] | None = None) -> None:
        seed = int(check_random_state(self.random_state).randint(2**31)) if self.random_state is not None else 0
        examples = data[0] if isinstance(data, tuple) else data
        # A shard has one example at least.
        shards = 1 if len(examples) < 64 else None
        with tempfile.TemporaryDirectory(prefix="elbo-") as folder:
            run = train(
                self.recipe or self._recipe, data, out=Path(folder) / "run", seed=seed, epochs=self.epochs, shards=shards,
                lanes=self.lanes, nodes=self.nodes, settings={**(settings or {}), **(self.settings or {})})
            self.model_ = Model(run)

    def predict_all(self, X: Any) -> Prediction:
        """All that the model says of the examples: see ``Prediction``."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.model_.run().predict(X, samples=self.samples, lanes=self.lanes)

    def run(self) -> Run:
        """The model that the estimator holds: its parameters, its recipe."""
        check_is_fitted(self, "model_")
        return self.model_.run()


class ElboRegressor(RegressorMixin, _Estimator):
    """Regression by a Bayesian network, or by another recipe that predicts numbers."""

    _recipe = "bbb-regression"

    def fit(self, X, y):
        """Trains on X [examples, features] and y [examples]."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._train((X, np.asarray(y, np.float64)))
        return self

    def predict(self, X, return_std: bool = False):
        """The mean of the predictive density; with ``return_std`` its standard deviation too."""
        prediction = self.predict_all(X)
        mean = prediction.mean.reshape(len(prediction.mean))
        return (mean, prediction.std.reshape(len(mean))) if return_std else mean

    def predict_interval(self, X, coverage: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper ends of central intervals."""
        low, high = self.predict_all(X).interval(coverage)
        return low.reshape(len(low)), high.reshape(len(high))


class ElboRidge(ElboRegressor):
    """Bayesian linear regression whose precisions are found by the evidence."""

    _recipe = "bayesian-ridge"


class ElboGaussianProcess(ElboRegressor):
    """Gaussian process regression whose kernel is found by the evidence."""

    _recipe = "gaussian-process"


class ElboClassifier(ClassifierMixin, _Estimator):
    """Classification by a Bayesian network, or by another recipe that predicts classes."""

    _recipe = "bbb"

    def fit(self, X, y):
        """Trains on X [examples, features] and labels y [examples] of any type."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs two classes, y has one class")
        self._train((X, labels.astype(np.int64)), self._scaled())
        return self

    def _scaled(self) -> Mapping[str, Any]:
        return {"data.normalisation": "standard"}

    def predict_proba(self, X) -> np.ndarray:
        """The probability of each class, [examples, classes], averaged over the posterior."""
        mean = self.predict_all(X).mean
        return mean / mean.sum(axis=1, keepdims=True)

    def predict(self, X) -> np.ndarray:
        """The most probable class of each example."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]


class ElboLogisticRegression(ElboClassifier):
    """Bayesian logistic regression in closed form, by Laplace's approximation or a variational bound."""

    _recipe = "bayesian-logistic-regression"


class _ComponentEstimator(_Estimator):
    """An estimator of ``n_components`` components."""

    def __init__(
        self, n_components: int = 2, recipe: str | None = None, *, settings: Mapping[str, Any] | None = None,
        epochs: int | None = None, samples: int = 100, lanes: int | None = None, nodes: int | None = None,
        random_state: Any = None,
    ):
        super().__init__(
            recipe, settings=settings, epochs=epochs, samples=samples, lanes=lanes, nodes=nodes, random_state=random_state)
        self.n_components = n_components


class ElboMixture(DensityMixin, ClusterMixin, _ComponentEstimator):
    """A mixture of Gaussians with ``n_components`` components, by expectation maximization."""

    _recipe = "gmm"

    def fit(self, X, y=None):
        """Trains on X [examples, features]; y is not used."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self._train(X, {"network.components": self.n_components})
        self.labels_ = self.predict(X)
        return self

    def predict_proba(self, X) -> np.ndarray:
        """The responsibility of each component, [examples, components]."""
        return self.predict_all(X).responsibilities

    def predict(self, X) -> np.ndarray:
        """The most responsible component of each example."""
        return np.asarray(self.predict_all(X).component, np.int64)

    def fit_predict(self, X, y=None) -> np.ndarray:
        """The components of the training examples."""
        return self.fit(X).labels_

    def score_samples(self, X) -> np.ndarray:
        """The log-density of each example, in nats."""
        return self.predict_all(X).log_density

    def score(self, X, y=None) -> float:
        """The mean log-density of the examples, in nats."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """New examples, [n_samples, features]."""
        return self.run().sample(n_samples)


class ElboPCA(TransformerMixin, _ComponentEstimator):
    """Principal components, ``n_components`` of them."""

    _recipe = "pca"

    def fit(self, X, y=None):
        """Trains on X [examples, features]; y is not used."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self._train(X, {"network.components": min(self.n_components, X.shape[1])})
        self._n_features_out = min(self.n_components, X.shape[1])
        return self

    def transform(self, X) -> np.ndarray:
        """The coordinates of the examples, [examples, components]."""
        return self.predict_all(X).scores
