"""Bayes by Backprop's steps in JAX: a jitted step with donated buffers, or a chunk of steps in one jitted scan.

Threads are limited by the processors that the process may use; XLA takes as many as those.
"""

import math
import os

import jax
import jax.numpy as jnp
import numpy as np
from steps import PIXELS, RATE, images, labels, measure, options

BATCH = 128
# The prior of the recipe: share, wide and narrow standard deviation.
SHARE, WIDE, NARROW = 0.5, 1.0, 0.0025

# Of each layer: the means of weights and biases, and their rho.
Parameters = list[tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]]


def initial(key: jax.Array, hidden: int) -> Parameters:
    """PyTorch's default, uniform within 1 / √fan-in, and σ = 0.01."""
    layers = []
    rho = math.log(math.expm1(0.01))
    widths = [PIXELS, hidden, hidden, 10]
    for inputs, outputs in zip(widths, widths[1:]):
        key, *parts = jax.random.split(key, 3)
        shapes = [(inputs, outputs), (outputs,)]
        means = tuple(jax.random.uniform(k, s, minval=-(inputs**-0.5), maxval=inputs**-0.5) for k, s in zip(parts, shapes))
        layers.append((means, tuple(jnp.full(s, rho) for s in shapes)))
    return layers


def log_normal(x: jax.Array, mean: jax.Array | float, deviation: jax.Array | float) -> jax.Array:
    return -0.5 * math.log(2 * math.pi) - jnp.log(deviation) - (x - mean) ** 2 / (2 * deviation**2)


def loss_of(parameters: Parameters, x: jax.Array, y: jax.Array, key: jax.Array, examples: int) -> jax.Array:
    cost = 0.0
    for index, (means, rhos) in enumerate(parameters):
        key, *parts = jax.random.split(key, 3)
        weights = []
        for part, mean, rho in zip(parts, means, rhos):
            deviation = jax.nn.softplus(rho)
            w = mean + deviation * jax.random.normal(part, mean.shape)
            prior = jnp.logaddexp(
                math.log(SHARE) + log_normal(w, 0.0, WIDE), math.log(1 - SHARE) + log_normal(w, 0.0, NARROW))
            cost += (log_normal(w, mean, deviation) - prior).sum()
            weights.append(w)
        x = x @ weights[0] + weights[1]
        if index + 1 < len(parameters):
            x = jax.nn.relu(x)
    likelihood = jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()
    return cost / examples - likelihood


def step(state, batch: jax.Array, data: jax.Array, classes: jax.Array):
    """One step of Adam (Kingma and Ba 2014, algorithm 1)."""
    parameters, first, second, count, key = state
    key, noise = jax.random.split(key)
    loss, gradient = jax.value_and_grad(loss_of)(parameters, data[batch], classes[batch], noise, len(data))
    count = count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    bias1, bias2 = 1 - 0.9**count, 1 - 0.999**count
    parameters = jax.tree.map(
        lambda p, m, v: p - RATE * (m / bias1) / (jnp.sqrt(v / bias2) + 1e-8), parameters, first, second)
    return (parameters, first, second, count, key), loss


def main() -> None:
    parser = options()
    parser.add_argument("--hidden", type=int, default=400)
    parser.add_argument("--scan", action="store_true", help="a chunk is one call")
    arguments = parser.parse_args()
    assert len(os.sched_getaffinity(0)) == arguments.threads, "limit the processors, as with taskset"
    data = jnp.asarray(images(arguments.data))
    classes = jnp.asarray(labels(arguments.data).astype(np.int32))
    parameters = initial(jax.random.key(0), arguments.hidden)
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.float32(0), jax.random.key(1))
    generator = np.random.default_rng(0)
    order: list[np.ndarray] = []

    def batches() -> list[np.ndarray]:
        while len(order) < arguments.steps:
            order.extend(generator.permutation(len(data))[: len(data) // BATCH * BATCH].astype(np.int32).reshape(-1, BATCH))
        taken = order[:arguments.steps]
        del order[:arguments.steps]
        return taken

    one = jax.jit(step, donate_argnums=0)
    many = jax.jit(
        lambda state, batches, *data: jax.lax.scan(lambda s, b: step(s, b, *data), state, batches), donate_argnums=0)

    def chunk() -> float:
        nonlocal state
        if arguments.scan:
            state, losses = many(state, np.stack(batches()), data, classes)
            return float(losses[-1])
        for batch in batches():
            state, loss = one(state, batch, data, classes)
        # The parameters too: a loss may be ready before the update that follows it.
        jax.block_until_ready(state)
        return float(loss)

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
