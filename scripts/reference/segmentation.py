"""A golden value of a segmentation's loss and gradient, in float64 by PyTorch: SegNet-Basic of two levels on two pictures
of odd sizes, with void pixels, a class that is absent, and median-frequency weights.

    python scripts/reference/segmentation.py

writes Tests/ModelsTests/Golden/segmentation.json.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEIGHT, WIDTH, FILTERS, CLASSES, VOID = 5, 7, 3, 4, 255

random = np.random.default_rng(7)
pixels = random.integers(0, 256, (2, HEIGHT, WIDTH, 3))
labels = random.choice([0, 0, 0, 1, 1, 3, VOID], (2, HEIGHT, WIDTH))
labels[1][labels[1] == 3] = 0

# Median frequency: a class's pixels over those of the pictures that have the class, void left out.
frequency = {}
for c in range(CLASSES):
    have = [p for p in labels if (p == c).any()]
    if have:
        frequency[c] = sum((p == c).sum() for p in have) / sum((p != VOID).sum() for p in have)
median = np.median(list(frequency.values()))
weights = [float(median / frequency[c]) if c in frequency else 0.0 for c in range(CLASSES)]

names, parameters = [], {}


def parameter(name, *shape, low=-1.0):
    values = random.integers(round(low * 64), 65, shape) / 64
    parameters[name] = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    names.append(name)
    return parameters[name]


def block(x, index, inputs):
    weight = parameter(f"layers.{index}.weight", FILTERS, inputs, 3, 3)
    scale = parameter(f"layers.{index}.norm.weight", FILTERS, low=0.5)
    shift = parameter(f"layers.{index}.norm.bias", FILTERS)
    return F.batch_norm(F.conv2d(x, weight, padding=1), None, None, scale, shift, training=True, eps=1e-5)


x = torch.tensor(pixels / 255, dtype=torch.float64).permute(0, 3, 1, 2)
places = []
for level in range(2):
    x = torch.relu(block(x, level, 3 if level == 0 else FILTERS))
    places.append((x.shape, None))
    x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    places[-1] = (places[-1][0], where)
for level in (1, 0):
    shape, where = places[level]
    x = block(F.max_unpool2d(x, where, 2, output_size=shape[2:]), 3 - level, FILTERS)
weight = parameter("layers.4.weight", CLASSES, FILTERS, 1, 1)
bias = parameter("layers.4.bias", CLASSES)
logits = F.conv2d(x, weight, bias)

truth = torch.tensor(labels)
loss = F.cross_entropy(
    logits, truth, weight=torch.tensor(weights, dtype=torch.float64), ignore_index=VOID, reduction="sum")
loss.backward()


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().reshape(-1).tolist()]


result = {
    "versions": {"torch": torch.__version__, "numpy": np.__version__},
    "height": HEIGHT, "width": WIDTH, "classes": CLASSES,
    "pixels": pixels.reshape(-1).tolist(), "labels": labels.reshape(-1).tolist(), "weights": weights,
    "count": int((labels != VOID).sum()), "loss": float(f"{loss.item():.12g}"),
    "parameters": {name: numbers(parameters[name]) for name in names},
    "gradients": {name: numbers(parameters[name].grad) for name in names},
}
path = ROOT / "Tests/ModelsTests/Golden/segmentation.json"
path.write_text(json.dumps(result) + "\n")
