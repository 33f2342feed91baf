"""The safetensors format, read with numpy alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1", "BOOL": "?"}
# As the format's own library has it: a header that is longer is not believed.
_LONGEST_HEADER = 100_000_000


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The tensors of a file by name, in the order in which their bytes lie in it.

    Raises ``ValueError`` where the file is not one.
    """
    header, body = _parts(path)
    header.pop("__metadata__", None)
    try:
        entries = [(name, _KINDS[e["dtype"]], tuple(e["shape"]), *e["data_offsets"]) for name, e in header.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no safetensors file") from error
    tensors = {}
    for name, kind, shape, start, end in sorted(entries, key=lambda entry: entry[3]):
        count = int(np.prod(shape, dtype=np.int64))
        if not 0 <= start <= end <= len(body) or count * np.dtype(kind).itemsize != end - start:
            raise ValueError(f"{path}: the tensor {name} has other bytes than its shape says")
        tensors[name] = np.frombuffer(body, kind, count, start).reshape(shape).copy()
    return tensors


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts that a file holds beside its tensors. Raises ``ValueError`` where the file is not one."""
    metadata = _parts(path)[0].get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError(f"{path} is no safetensors file")
    return metadata


def _parts(path: str | os.PathLike[str]) -> tuple[dict, bytes]:
    """The header, and the bytes after it."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _LONGEST_HEADER):
        raise ValueError(f"{path} is no safetensors file")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise ValueError(f"{path} is no safetensors file") from error
    if not isinstance(header, dict):
        raise ValueError(f"{path} is no safetensors file")
    return header, data[8 + length :]
