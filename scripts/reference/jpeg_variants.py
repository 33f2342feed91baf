"""Golden JPEG files, whole and damaged, with the samples that Pillow (libjpeg-turbo, slow integer transform) decodes.

    python scripts/reference/jpeg_variants.py

writes Tests/ImagesTests/Golden/jpeg_variants.json.
"""

import base64
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]


def encode(array, mode, **options):
    buffer = io.BytesIO()
    Image.fromarray(array, mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def entry(name, data, channels=None):
    record = {"name": name, "bytes": base64.b64encode(data).decode()}
    if channels:
        samples = np.asarray(Image.open(io.BytesIO(data)))
        record |= {"height": samples.shape[0], "width": samples.shape[1], "channels": channels,
                   "samples": samples.ravel().tolist()}
    return record


def main():
    y, x = np.mgrid[:13, :19]
    grey = ((x * 11 + y * 7) % 256).astype(np.uint8)
    rgb = np.stack([grey, 255 - grey, (grey // 2)], -1)
    colour = encode(rgb, "RGB", quality=90, subsampling=2)
    records = [
        entry("grey", encode(grey, "L", quality=95), 1),
        entry("colour", encode(rgb, "RGB", quality=95, subsampling=0), 3),
        entry("colour, subsampled", colour, 3),
        entry("colour, progressive", encode(rgb, "RGB", progressive=True), 3),
        entry("one pixel", encode(grey[:1, :1], "L"), 1),
        entry("CMYK", encode(np.concatenate([rgb, rgb[..., :1]], -1), "CMYK")),
        entry("cut off in the header", colour[:40]),
        entry("cut off in the picture", colour[:-60]),
        entry("text", b"This is no picture."),
        entry("nothing", b""),
    ]
    path = ROOT / "Tests/ImagesTests/Golden/jpeg_variants.json"
    path.write_text(json.dumps({"versions": {"pillow": PIL.__version__}, "files": records}) + "\n")


if __name__ == "__main__":
    main()
