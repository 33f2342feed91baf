"""Label pictures with palettes of 1 to 8 bits, by Pillow.

    python scripts/reference/labels.py

writes Tests/DatasetsTests/Golden/labels.json.
"""

import base64
import io
import json
import pathlib

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]

files = {}
for bits in (1, 2, 4, 8):
    picture = Image.new("P", (3, 2))
    # The colors do not matter; that of the first number is no black.
    picture.putpalette([200, 10, 10, 10, 200, 10] + [7] * (3 * (2**bits - 2)))
    picture.putdata([0, 1, 1, 0, 1, 0])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", bits=bits)
    files[f"palette_{bits}"] = base64.b64encode(buffer.getvalue()).decode()
path = ROOT / "Tests/DatasetsTests/Golden/labels.json"
path.write_text(json.dumps(files) + "\n")
