"""Fits: from data to calibrated predictions, from Python."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .command import call
from .run import Run, _option
from .tables import is_frame, training_file
from .training import _free


class Fit(Run):
    """What ``elbo fit`` wrote: the chosen model, calibrated, to predict with; its report and its plan."""

    def __init__(self, folder: str | os.PathLike[str]):
        """Raises ``FileNotFoundError`` where there is no finished fit."""
        self.folder = Path(folder).absolute()
        super().__init__(self.folder / "model.elbo")

    def __repr__(self) -> str:
        return f"<Fit {self.folder.name}: {self.summary['target'] or self.summary['task']} by {self.summary['chosen']}>"

    @property
    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` says: what was chosen and tried, metrics beside the baselines, coverage."""
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def report(self) -> Path:
        """The HTML page that says why and how good."""
        return self.folder / "report.html"

    @property
    def plan(self) -> Path:
        """The file that repeats the fit to the same bits."""
        return self.folder / "plan.yaml"


def fit(
    data: Any, target: str | None = None, *, minutes: float | None = None, task: str | None = None,
    sequence: str | None = None, time: str | None = None, keep: Iterable[str] = (), drop: Iterable[str] = (),
    out: str | os.PathLike[str] | None = None, seed: int | None = None, plan: str | os.PathLike[str] | None = None, lanes: int | None = None,
    nodes: int | None = None, hosts: str | os.PathLike[str] | None = None, progress: bool = False,
) -> Fit:
    """Tries models on data for some minutes, and returns the best one, calibrated.

    ``data`` is a data frame or the path of a table, of arrays or of a folder of pictures, ``target`` the column to predict.
    ``task`` is ``"numbers"`` or ``"classes"`` where the column does not say it; ``"groups"`` looks for groups of rows, and
    ``"states"`` for the states of sequences, whose column ``sequence`` names. ``time`` names
    the column of time of a series: its target is forecast from the time alone. ``keep`` and ``drop`` name columns that
    are inputs and that are none.
    ``plan`` repeats what another fit has done, in place of all these. ``out`` is the folder to write; without it
    ``runs/fit``, ``runs/fit-2`` and so on.

    Raises ``ElboError`` with what is wrong and what to do.
    """
    if not is_frame(data) and not isinstance(data, (str, os.PathLike)):
        raise ValueError("fit reads tables: give a data frame, or the path of a file or folder")
    with tempfile.TemporaryDirectory() as folder:
        source, _ = training_file(data, Path(folder))
        path = Path(out) if out is not None else _free(Path("runs"), "fit")
        arguments = ["fit", source, "--out", str(path)] + ([] if progress else ["--quiet"])
        arguments += _option("--target", target) + _option("--minutes", minutes) + _option("--task", task)
        arguments += _option("--sequence", sequence) + _option("--time", time)
        arguments += [word for name in keep for word in ("--keep", name)]
        arguments += [word for name in drop for word in ("--drop", name)]
        arguments += _option("--seed", seed) + _option("--plan", plan)
        call(arguments + _option("--lanes", lanes) + _option("--nodes", nodes) + _option("--hosts", hosts), shows_progress=progress)
    return Fit(path)
