"""Predictions with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


class Prediction(Mapping[str, np.ndarray]):
    """What ``elbo predict`` says of some examples: a mapping from names to arrays whose first axis is the examples.

    The names are those of the command's archive, and attributes too. For classes: ``mean``, ``std`` and ``quantiles`` of
    each class's probability, ``entropy`` and its parts ``expected_entropy`` (aleatoric) and ``mutual_information``
    (epistemic). For numbers: ``mean``, ``std`` and ``quantiles`` of the predictive density, ``aleatoric_variance`` and
    ``epistemic_variance``. An array ``…_error`` is the standard error that the number of Monte Carlo samples leaves.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], *, classes: list[str] | None = None, index: Any = None):
        self._arrays = dict(arrays)
        #: Names of the classes in the order of the columns of ``mean``; None where nothing is classified.
        self.classes = classes
        #: The index of the data frame that was predicted, or None.
        self.index = index

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __getattr__(self, name: str) -> np.ndarray:
        if not name.startswith("_") and name in self._arrays:
            return self._arrays[name]
        raise AttributeError(f"this prediction has no {name}; it has {', '.join(self.__dict__.get('_arrays', {}))}")

    def __repr__(self) -> str:
        count = next((len(a) for a in self._arrays.values() if np.ndim(a) > 0), 0)
        return f"<Prediction of {count} examples: {', '.join(self._arrays)}>"

    @property
    def error(self) -> np.ndarray | None:
        """The standard error of ``mean``; None of predictions in closed form."""
        return self._arrays.get("mean_error")

    def interval(self, coverage: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """The central interval of a coverage of which the archive has both quantiles.

        Raises ``ValueError`` that lists the coverages that it has.
        """
        levels = self._arrays.get("quantile_levels")
        if levels is None:
            raise ValueError("this prediction has no quantiles")
        tail = (1 - coverage) / 2
        low, high = (np.flatnonzero(np.isclose(levels, level, atol=1e-9)) for level in (tail, 1 - tail))
        if len(low) == 0 or len(high) == 0:
            pairs = [round(1 - 2 * float(q), 6) for q in levels if q < 0.5]
            raise ValueError(f"there is no interval of coverage {coverage}; there are those of {pairs}")
        return self._arrays["quantiles"][..., low[0]], self._arrays["quantiles"][..., high[0]]

    def frame(self):
        """A pandas data frame of all that has one number, or one a class, an example. Needs pandas."""
        import pandas as pd

        columns: dict[str, np.ndarray] = {}
        count = next(len(a) for a in self._arrays.values() if np.ndim(a) > 0)
        for name, array in self._arrays.items():
            if name == "quantile_levels" or array.ndim == 0 or len(array) != count:
                continue
            if name == "quantiles":
                each = array.reshape(count, -1, array.shape[-1])
                columns |= {
                    self._column(f"q{level:g}", j, each.shape[1]): each[:, j, i]
                    for i, level in enumerate(self._arrays["quantile_levels"]) for j in range(each.shape[1])}
            elif array.ndim == 1:
                columns[name] = array
            elif array.ndim == 2:
                columns |= {self._column(name, i, array.shape[1]): array[:, i] for i in range(array.shape[1])}
        return pd.DataFrame(columns, index=self.index)

    def _column(self, name: str, position: int, count: int) -> str:
        if count == 1:
            return name
        if self.classes and len(self.classes) == count and (name in ("mean", "std", "mean_error") or name.startswith("q")):
            return f"{name}[{self.classes[position]}]"
        return f"{name}[{position}]"
