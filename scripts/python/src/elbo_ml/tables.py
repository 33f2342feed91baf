"""Data that Python holds, written as files that the command reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np


def is_frame(data: Any) -> bool:
    """Whether it is a pandas data frame, without importing pandas."""
    return type(data).__name__ == "DataFrame" and hasattr(data, "to_csv")


def training_file(data: Any, folder: Path) -> tuple[str, dict[str, str]]:
    """A path for ``--data``, and the keys of the recipe that go with it.

    ``data`` is a path or a name, a data frame, an array of examples, or a pair of examples and targets or labels.
    Whole-number labels are classes, floating-point targets are numbers.
    """
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data), {}
    path = folder / "data.npz"
    if is_frame(data):
        path = folder / "data.csv"
        data.to_csv(path, index=False)
        return str(path), {"data.header": "present"}
    if isinstance(data, tuple):
        if len(data) != 2:
            raise ValueError(f"data is a tuple of {len(data)}; give (x, y)")
        x, y = np.asarray(data[0]), np.asarray(data[1])
        if y.dtype.kind in "iub":
            np.savez(path, x=_numbers(x), y=y.astype(np.int64))
            return str(path), {"data.target_kind": "classes"}
        np.savez(path, x=_numbers(x), y=_numbers(y))
        return str(path), {"data.target_kind": "values"}
    np.savez(path, x=_numbers(np.asarray(data)))
    return str(path), {}


def input_file(inputs: Any, schema: dict[str, Any], folder: Path) -> str:
    """A path for ``--input``: a path as it is, a data frame as a CSV file, an array in the kind that the run has seen."""
    if isinstance(inputs, (str, os.PathLike)):
        return os.fspath(inputs)
    if is_frame(inputs):
        path = folder / "inputs.csv"
        inputs.to_csv(path, index=False)
        return str(path)
    array, kind = np.asarray(inputs), np.dtype(schema["kind"])
    if kind == np.uint8 and (array.min(initial=0) < 0 or array.max(initial=0) > 255 or np.any(array != np.floor(array))):
        raise ValueError("the run was trained on bytes: inputs must be whole numbers from 0 to 255")
    shape = tuple(schema["shape"])
    if array.shape == shape:
        array = array[None]
    path = folder / "inputs.npy"
    np.save(path, np.ascontiguousarray(array, kind))
    return str(path)


def _numbers(array: np.ndarray) -> np.ndarray:
    """An array of a kind that the command reads: bytes and floats as they are, all else as doubles."""
    if array.dtype in (np.uint8, np.float32, np.float64):
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "iubf":
        raise ValueError(f"an array of {array.dtype} holds no numbers; give a data frame, whose text columns are read")
    return np.ascontiguousarray(array, np.float64)
