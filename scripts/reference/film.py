"""Checks an animated PNG that `elbo sample --walk` wrote against the same frames as numbers, by Pillow.

    elbo sample RUN --walk 1,5,9 --frames 12 --output walk.png
    elbo sample RUN --walk 1,5,9 --frames 12 --output walk.npy
    python scripts/reference/film.py walk.png walk.npy
"""

import sys

import numpy
from PIL import Image, ImageSequence

film, numbers = Image.open(sys.argv[1]), numpy.load(sys.argv[2])
frames = [numpy.asarray(frame.convert(film.mode)) for frame in ImageSequence.Iterator(film)]
assert film.is_animated and len(frames) == len(numbers), (len(frames), len(numbers))
zoom = frames[0].shape[0] // numbers.shape[1]
for frame, wanted in zip(frames, numbers):
    pixels = numpy.floor(numpy.clip(wanted, 0, 1) * numpy.float32(255) + 0.5).astype(numpy.uint8)
    pixels = pixels.reshape(frame.shape[0] // zoom, frame.shape[1] // zoom, *frame.shape[2:])
    assert (frame == pixels.repeat(zoom, 0).repeat(zoom, 1)).all()
print(f"{len(frames)} frames of {frames[0].shape}, {film.info['duration']} ms each, repeated without end: {film.info['loop'] == 0}")
