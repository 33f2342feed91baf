"""What the peers of the benchmark share: their options, the data, and the way steps are timed."""

import argparse
import gzip
import json
import time
from collections.abc import Callable

import numpy as np

BATCH = 100
HIDDEN = 500
LATENT = 20
PIXELS = 784
RATE = 1e-3


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--chunks", type=int, required=True, help="chunks to time")
    parser.add_argument("--warmup", type=int, required=True, help="chunks before them")
    parser.add_argument("--steps", type=int, required=True, help="steps in a chunk")
    return parser


def images(folder: str) -> np.ndarray:
    """The training images, [60000, 784], in 0…1."""
    with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
        data = np.frombuffer(file.read(), np.uint8, offset=16)
    return data.reshape(-1, PIXELS).astype(np.float32) / 255


def labels(folder: str) -> np.ndarray:
    """The training labels, bytes."""
    with gzip.open(f"{folder}/train-labels-idx1-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=8)


def measure(arguments: argparse.Namespace, chunk: Callable[[], float]) -> None:
    """Times chunks of steps. `chunk` does `arguments.steps` steps and returns a number that depends on all of them."""
    milliseconds = []
    for _ in range(arguments.warmup + arguments.chunks):
        start = time.perf_counter()
        loss = chunk()
        milliseconds.append((time.perf_counter() - start) * 1000 / arguments.steps)
    print(json.dumps({"milliseconds": milliseconds[arguments.warmup:], "loss": loss}))


def measure_steps(arguments: argparse.Namespace, step: Callable[[], "torch.Tensor"]) -> None:
    """Times chunks of a step of PyTorch's that returns its loss."""
    def chunk() -> float:
        for _ in range(arguments.steps):
            loss = step()
        return loss.item()

    measure(arguments, chunk)
