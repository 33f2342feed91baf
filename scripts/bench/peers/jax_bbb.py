"""Bayes by Backprop's steps in JAX."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax_steps import parser, time_steps
from steps import PIXELS, images, labels

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


def loss_of(parameters: Parameters, batch: jax.Array, key: jax.Array, data: jax.Array, classes: jax.Array) -> jax.Array:
    x, y = data[batch], classes[batch]
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
    return cost / len(data) - likelihood


def main() -> None:
    options = parser()
    options.add_argument("--hidden", type=int, default=400)
    arguments = options.parse_args()
    data = [images(arguments.data), labels(arguments.data).astype(np.int32)]
    time_steps(arguments, initial(jax.random.key(0), arguments.hidden), loss_of, data, BATCH)


if __name__ == "__main__":
    main()
