"""Writes golden files: Tests/<Room>Tests/Golden/<name>.json, stamped with the versions that made them."""
import json
import math
import pathlib
import sys

import numpy
import scipy
import sklearn

ROOT = pathlib.Path(__file__).resolve().parents[2]


def plain(value):
    """JSON for arrays, numpy scalars and the numbers that JSON lacks (as strings)."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, numpy.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (numpy.integer, numpy.bool_)):
        return int(value)
    if isinstance(value, (float, numpy.floating)):
        value = float(value)
        return value if math.isfinite(value) else str(value)
    return value


def write(room, name, content):
    versions = {"python": sys.version.split()[0], "numpy": numpy.__version__, "scipy": scipy.__version__,
                "scikit-learn": sklearn.__version__}
    path = ROOT / "Tests" / f"{room}Tests" / "Golden" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"versions": versions, **plain(content)}) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")
