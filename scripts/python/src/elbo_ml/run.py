"""Runs: the folders that trainings write, and the files that they are exported to."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .command import ElboError, call
from .prediction import Prediction
from .safetensors import read_metadata, read_safetensors
from .tables import input_file, is_frame, training_file


class Run:
    """A trained model: a run folder or a model file, to look at, predict with, sample from and evaluate.

    A model file has no summary, metrics and figures. Nothing needs the data that it was trained on, but ``evaluate`` without ``data``.
    """

    def __init__(self, path: str | os.PathLike[str]):
        """Raises ``FileNotFoundError`` where there is no run, ``ValueError`` where a file is no model."""
        self.path = Path(path).absolute()
        if not self.path.is_file() and not (self.path / "recipe.yaml").is_file():
            raise FileNotFoundError(f"{path} is not a run: it has no recipe.yaml")
        if self.path.is_file() and "schema" not in read_metadata(self.path):
            raise ValueError(f"{path} is no model of elbo")

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        summary = self.summary
        return f"<Run {self.path.name}: {summary.get('model', 'model')}, {summary.get('status', 'no summary')}>"

    # MARK: What it holds

    @property
    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` says: model, status, steps, seconds, ``parameters_sha256``, metrics. Empty while it trains."""
        path = self.path / "summary.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def recipe(self) -> str:
        """The recipe with every default, as YAML text."""
        if self.path.is_file():
            return read_metadata(self.path)["recipe"]
        return (self.path / "recipe.yaml").read_text()

    @property
    def schema(self) -> dict[str, Any]:
        """What the training data is like: shape and kind of an example, columns, classes, counts."""
        if self.path.is_file():
            return json.loads(read_metadata(self.path)["schema"])
        return json.loads((self._checkpoint() / "schema.json").read_text())

    @property
    def metrics(self):
        """The lines of ``metrics.jsonl``: a pandas data frame, or a list of dictionaries where pandas is missing."""
        lines = []
        path = self.path / "metrics.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                lines.append(json.loads(line))
            except ValueError:  # A line that is being written.
                break
        try:
            import pandas as pd
        except ImportError:
            return lines
        return pd.DataFrame(lines)

    @property
    def figures(self) -> list[Path]:
        """The pictures that the training drew."""
        return [self.path / figure for figure in self.summary.get("figures", [])]

    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters of the newest checkpoint by name; of a model file with what the training data fixed."""
        return read_safetensors(self.path if self.path.is_file() else self._checkpoint() / "model.safetensors")

    # MARK: What it does

    def predict(
        self, inputs: Any, *, samples: int | str = 100, tolerance: float | None = None, seed: int = 0,
        lanes: int | None = None, nodes: int | None = None, coverage: float | None = None,
    ) -> Prediction:
        """Predicts examples, with how sure the model is.

        ``inputs`` is an array whose first axis is the examples, a data frame with the run's columns, or a path.
        ``samples`` is a number of Monte Carlo samples, or ``"auto"``: as many as ``tolerance`` needs. ``nodes`` computes
        with so many processes. ``coverage`` adds, after ``calibrate``, conformal sets of classes (``set``, ``set_size``) or
        intervals of numbers (``lower``, ``upper``). Rows that the run leaves out (``data.missing=drop``) have no prediction;
        ``row`` then says which rows have one. Raises ``ElboError`` where the inputs do not suit the run.
        """
        with tempfile.TemporaryDirectory() as folder:
            source = input_file(inputs, self.schema, Path(folder))
            output = Path(folder) / "prediction.npz"
            arguments = ["predict", str(self.path), "--input", source, "--output", str(output), "--seed", str(seed)]
            arguments += ["--samples", str(samples)] + _option("--tolerance", tolerance)
            arguments += _option("--coverage", coverage)
            call(arguments + _option("--lanes", lanes) + _option("--nodes", nodes))
            with np.load(output) as archive:
                arrays = {name: archive[name] for name in archive.files}
        names = self.schema.get("classes", {}).get("names") or None
        index = inputs.index if is_frame(inputs) else None
        if index is not None and "row" in arrays:
            index = index[arrays["row"]]
        return Prediction(arrays, classes=names, index=index)

    def calibrate(
        self, data: Any = None, *, scaling: str | None = None, score: str | None = None, coverage: float = 0.9,
        samples: int = 100,
    ) -> dict[str, Any]:
        """Learns from held-out examples how to scale probabilities, and how large sets and intervals must be.

        ``data`` is what ``train`` takes, of examples that the run was not trained on; None: its validation part.
        ``scaling`` is ``"temperature"``, ``"vector"`` or ``"none"``; ``score`` is ``"threshold"`` or ``"adaptive"`` of
        classes, ``"standardized"`` or ``"quantiles"`` of numbers. Returns what was learned, with metrics of the test part
        at ``coverage``.
        """
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["calibrate", str(self.path), "--json", "--samples", str(samples), "--coverage", str(coverage)]
            if data is not None:
                arguments += ["--data", training_file(data, Path(folder))[0]]
            return json.loads(call(arguments + _option("--scaling", scaling) + _option("--score", score)))

    def sample(self, count: int, *, seed: int = 0) -> np.ndarray:
        """New examples of a generative model, [count, …]."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "samples.npy"
            call(["sample", str(self.path), "--count", str(count), "--seed", str(seed), "--output", str(output)])
            return np.load(output)

    def export(self, path: str | os.PathLike[str]) -> Run:
        """Writes the model as one file, whose name ends with ``.elbo``, and returns it opened."""
        call(["export", str(self.path), "--output", os.fspath(path)])
        return Run(path)

    def evaluate(self, data: Any = None) -> dict[str, float]:
        """Metrics by name of the run's test part, or of other data of the same kind: what ``train`` takes.

        Of the data that the run was trained on, the part that was kept for testing is used; of other data all of it.
        """
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["evaluate", str(self.path), "--json"]
            if data is not None:
                arguments += ["--data", training_file(data, Path(folder))[0]]
            result = json.loads(call(arguments))
        return result.get("metrics", result)

    # MARK: Parts

    def _checkpoint(self) -> Path:
        """The newest checkpoint: the command checks digests and falls back, this only reads what is there."""
        found = [
            (int(match[1]), folder)
            for folder in (self.path / "checkpoints").glob("step-*")
            if (match := re.fullmatch(r"step-(\d+)", folder.name)) and (folder / "state.json").exists()
        ]
        if not found:
            raise ElboError(f"{self.path} has no checkpoint; train it first", 2)
        return max(found)[1]

    def _repr_html_(self) -> str:
        """The summary as a table, and the first figures, for notebooks."""
        summary = self.summary
        rows = {key: summary.get(key, "–") for key in ("model", "status", "steps", "parameters_sha256")}
        rows |= {name: f"{value:.6g}" for name, value in summary.get("metrics", {}).items() if value is not None}
        cells = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
        pictures = "".join(
            f'<img style="max-width: 45%" alt="{html.escape(figure.stem)}" src="data:image/png;base64,'
            f'{base64.b64encode(figure.read_bytes()).decode()}">'
            for figure in self.figures[:4] if figure.exists())
        return f"<table><caption>{html.escape(self.path.name)}</caption>{cells}</table>{pictures}"


def runs(folder: str | os.PathLike[str] = "runs"):
    """The finished runs in a folder: a data frame with a row a run, or a list of dictionaries where pandas is missing."""
    found = []
    for path in sorted(Path(folder).glob("*/summary.json")):
        summary = json.loads(path.read_text())
        metrics = summary.pop("metrics", {})
        summary.pop("figures", None)
        found.append({"run": path.parent.name, **summary, **metrics})
    try:
        import pandas as pd
    except ImportError:
        return found
    return pd.DataFrame(found)


def _option(name: str, value: Any) -> list[str]:
    return [] if value is None else [name, str(value)]
