"""Bayesian and generative models that say how sure they are.

The package drives the ``elbo`` command and reads what it writes. It needs numpy; pandas and scikit-learn are used where
they are installed.

>>> import numpy as np, elbo_ml
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(60, 2))
>>> y = x @ [1.0, 2.0] + 0.1 * rng.normal(size=60)
>>> run = elbo_ml.train("bayesian-ridge", (x, y))
>>> prediction = run.predict(x[:3])
>>> bool(np.all(prediction.std < 0.2))
True
"""

from .command import ElboError, command, version
from .fitting import Fit, fit
from .prediction import Prediction
from .run import Run, runs
from .safetensors import read_safetensors
from .training import train

__all__ = ["ElboError", "Fit", "Prediction", "Run", "command", "fit", "read_safetensors", "runs", "train", "version"]
__version__ = "0.1.0"
