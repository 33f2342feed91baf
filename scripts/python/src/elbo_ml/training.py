"""Trainings from Python."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .command import call
from .run import Run, _option
from .tables import is_frame, training_file


def train(
    recipe: str | os.PathLike[str], data: Any = None, *, target: str | None = None,
    settings: Mapping[str, Any] | None = None, out: str | os.PathLike[str] | None = None, seed: int | None = None,
    steps: int | None = None, epochs: int | None = None, shards: int | None = None, lanes: int | None = None,
    nodes: int | None = None, progress: bool = False,
) -> Run:
    """Trains a recipe, and returns its run.

    ``recipe`` is the name of a built-in recipe or a file. ``data`` is a path or the name of a data set, a data frame, an
    array of examples, or a pair ``(x, y)``; ``target`` names the target's column in a table. ``settings`` are keys of the
    recipe, as in ``{"network.hidden": [50], "train.batch": 32}``. With ``nodes``, so many processes compute: the result is
    the same, bit for bit. ``out`` is the run folder; without it ``runs/NAME``, ``runs/NAME-2`` and so on.

    Ctrl-C writes a checkpoint before it raises ``KeyboardInterrupt``. Raises ``ElboError`` with what is wrong and what to do.
    """
    settings = dict(settings or {})
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["launch" if nodes is not None else "train", os.fspath(recipe)]
        keys: dict[str, str] = {}
        if data is not None:
            source, keys = training_file(data, Path(folder))
            arguments += ["--data", source]
        path = Path(out) if out is not None else _free(Path("runs"), Path(recipe).stem)
        arguments += ["--out", str(path)] + ([] if progress else ["--quiet"]) + _option("--seed", seed)
        arguments += _option("--steps", steps) + _option("--epochs", epochs) + _option("--shards", shards)
        arguments += _option("--lanes", lanes) + _option("--nodes", nodes)
        if target is not None:
            keys["data.target"] = target
            if is_frame(data) and data[target].dtype.kind == "f":
                keys["data.target_kind"] = "values"
        for key, value in {**keys, **settings}.items():
            arguments += ["--set", f"{key}={_text(value)}"]
        call(arguments, shows_progress=progress)
    return Run(path)


def _free(folder: Path, name: str) -> Path:
    """``folder/name``, or the first ``folder/name-2``, … that is not there."""
    folder.mkdir(exist_ok=True)
    path, number = folder / name, 2
    while path.exists():
        path, number = folder / f"{name}-{number}", number + 1
    return path


def _text(value: Any) -> str:
    """A value as a recipe has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(v) for v in value) + "]"
    return str(value)
