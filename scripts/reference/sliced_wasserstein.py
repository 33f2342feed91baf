"""Golden values of the sliced Wasserstein distance by levels of a Laplacian pyramid: filters by scipy.ndimage, sorted
projections by numpy, after the description in Karras, Aila, Laine and Lehtinen 2018, section 5.

    python scripts/reference/sliced_wasserstein.py

writes Tests/MetricsTests/Golden/sliced_wasserstein.json.
"""

import json
import pathlib

import numpy as np
import scipy
from scipy.ndimage import convolve

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE = 7
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def each(images, function):
    """A function of the planes of images [n, h, w, c]."""
    planes = [[function(image[..., channel]) for channel in range(images.shape[3])] for image in images]
    return np.moveaxis(np.array(planes), 1, -1)


def halved(images):
    return each(images, lambda plane: convolve(plane, BINOMIAL, mode="mirror")[::2, ::2])


def doubled(images):
    def double(plane):
        spread = np.zeros((2 * plane.shape[0], 2 * plane.shape[1]))
        spread[::2, ::2] = plane
        return convolve(spread, 4 * BINOMIAL, mode="mirror")
    return each(images, double)


def pyramid(images):
    levels = [images]
    while min(levels[-1].shape[1:3]) >= 32 and levels[-1].shape[1] % 2 == 0 and levels[-1].shape[2] % 2 == 0:
        levels.append(halved(levels[-1]))
    return [a - doubled(b) for a, b in zip(levels, levels[1:])] + [levels[-1]]


def pieces(images, corners):
    patches = np.array([image[r:r + SIDE, c:c + SIDE] for image, places in zip(images, corners) for r, c in places])
    patches = (patches - patches.mean((0, 1, 2))) / patches.std((0, 1, 2))
    return patches.reshape(len(patches), -1)


def case(g, name, count, height, width, channels, patches, directions):
    real = g.integers(0, 256, (count, height, width, channels))
    # Smoother, so that levels differ.
    generated = np.clip(each(g.integers(0, 256, real.shape).astype(float),
                             lambda p: convolve(p, BINOMIAL, mode="mirror") * 2 - 100), 0, 255).astype(int)
    levels = []
    for a, b in zip(pyramid(real.astype(float)), pyramid(generated.astype(float))):
        corners = [np.stack([g.integers(0, a.shape[1] - SIDE + 1, (count, patches)),
                             g.integers(0, a.shape[2] - SIDE + 1, (count, patches))], -1) for _ in range(2)]
        lines = np.round(g.normal(size=(directions, SIDE * SIDE * channels)), 6)
        lines /= np.linalg.norm(lines, axis=1, keepdims=True)
        x, y = (np.sort(pieces(images, c) @ lines.T, axis=0) for images, c in zip((a, b), corners))
        levels.append({"height": a.shape[1], "real_corners": corners[0].ravel().tolist(),
                       "generated_corners": corners[1].ravel().tolist(), "directions": lines.ravel().tolist(),
                       "distances": np.abs(x - y).mean(0).tolist(), "sample": a.ravel()[:8].tolist()})
    return {"name": name, "height": height, "width": width, "channels": channels, "real": real.ravel().tolist(),
            "generated": generated.ravel().tolist(), "levels": levels}


def main():
    g = np.random.default_rng(11)
    cases = [case(g, "color", 3, 32, 32, 3, 5, 3), case(g, "gray, no square", 4, 64, 32, 1, 4, 3),
             case(g, "one level", 3, 28, 28, 1, 6, 4)]
    versions = {"numpy": np.__version__, "scipy": scipy.__version__}
    path = ROOT / "Tests/MetricsTests/Golden/sliced_wasserstein.json"
    path.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
