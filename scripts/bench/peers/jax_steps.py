"""How steps in JAX are done and timed: a jitted step with donated buffers, or a chunk of steps in one jitted scan.

Threads are limited by the processors that the process may use; XLA takes as many as those.
"""

import argparse
import os
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
from steps import RATE, measure, options


# Weights and biases of dense layers.
Parameters = list[tuple[jax.Array, jax.Array]]


def initial(key: jax.Array, sizes: Iterable[tuple[int, int]]) -> Parameters:
    """Layers of so many inputs and outputs by PyTorch's default: uniform within 1 / √fan-in."""
    layers = []
    for inputs, outputs in sizes:
        key, weight, bias = jax.random.split(key, 3)
        bound = inputs**-0.5
        layers.append((
            jax.random.uniform(weight, (inputs, outputs), minval=-bound, maxval=bound),
            jax.random.uniform(bias, (outputs,), minval=-bound, maxval=bound),
        ))
    return layers


def descend(parameters, first, second, gradient, count: jax.Array, rate: float = RATE, momentum: float = 0.9):
    """One update of Adam (Kingma and Ba 2014, algorithm 1): the parameters and both moments."""
    first = jax.tree.map(lambda m, g: momentum * m + (1 - momentum) * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    bias1, bias2 = 1 - momentum**count, 1 - 0.999**count
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * (m / bias1) / (jnp.sqrt(v / bias2) + 1e-8), parameters, first, second)
    return parameters, first, second


def parser() -> argparse.ArgumentParser:
    result = options()
    result.add_argument("--scan", action="store_true", help="a chunk is one call")
    return result


def adam(loss_of: Callable) -> Callable:
    """One step of Adam down `loss_of(parameters, batch, noise, *data)`."""

    def step(state, batch: jax.Array, *data: jax.Array):
        parameters, first, second, count, key = state
        key, noise = jax.random.split(key)
        loss, gradient = jax.value_and_grad(loss_of)(parameters, batch, noise, *data)
        count = count + 1
        parameters, first, second = descend(parameters, first, second, gradient, count)
        return (parameters, first, second, count, key), loss

    return step


def time_steps(arguments: argparse.Namespace, parameters, loss_of: Callable, data: list[np.ndarray], size: int) -> None:
    """Trains on batches of so many examples, in an order that is shuffled anew each epoch."""
    assert len(os.sched_getaffinity(0)) == arguments.threads, "limit the processors, as with taskset"
    data = [jnp.asarray(array) for array in data]
    step = adam(loss_of)
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.float32(0), jax.random.key(1))
    generator = np.random.default_rng(0)
    examples = len(data[0])
    order: list[np.ndarray] = []

    def batches() -> list[np.ndarray]:
        while len(order) < arguments.steps:
            order.extend(generator.permutation(examples)[: examples // size * size].astype(np.int32).reshape(-1, size))
        taken = order[:arguments.steps]
        del order[:arguments.steps]
        return taken

    one = jax.jit(step, donate_argnums=0)
    many = jax.jit(
        lambda state, batches, *data: jax.lax.scan(lambda s, b: step(s, b, *data), state, batches), donate_argnums=0)

    def chunk() -> float:
        nonlocal state
        if arguments.scan:
            state, losses = many(state, np.stack(batches()), *data)
            return float(losses[-1])
        for batch in batches():
            state, loss = one(state, batch, *data)
        # The parameters too: a loss may be ready before the update that follows it.
        jax.block_until_ready(state)
        return float(loss)

    # XLA compiles a scan for the first call's arrays and once more for those that it returns.
    for _ in range(2 if arguments.scan else 0):
        chunk()
    measure(arguments, chunk)
