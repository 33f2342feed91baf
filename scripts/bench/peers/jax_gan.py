"""The MLP GAN's steps in JAX, a chunk of them in one jitted scan: the discriminator's and the generator's, on noise of
their own, as torch_gan.py has them.

Threads are limited by the processors that the process may use; XLA takes as many as those.
"""

import itertools
import os

import jax
import jax.numpy as jnp
import numpy as np
from steps import measure, options

BATCH, LATENT = 100, 100
Parameters = list[tuple[jax.Array, jax.Array]]


def initial(key: jax.Array, widths: list[int]) -> Parameters:
    """PyTorch's default: uniform within 1 / √fan-in."""
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        key, weight, bias = jax.random.split(key, 3)
        bound = inputs**-0.5
        layers.append((
            jax.random.uniform(weight, (inputs, outputs), minval=-bound, maxval=bound),
            jax.random.uniform(bias, (outputs,), minval=-bound, maxval=bound),
        ))
    return layers


def dense(layers: Parameters, x: jax.Array) -> jax.Array:
    for weight, bias in layers[:-1]:
        x = jax.nn.leaky_relu(x @ weight + bias, 0.2)
    return x @ layers[-1][0] + layers[-1][1]


def adam(state, gradient, count: jax.Array):
    """Kingma and Ba 2014, algorithm 1, with β₁ = 0.5."""
    parameters, first, second = state
    first = jax.tree.map(lambda m, g: 0.5 * m + 0.5 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    bias1, bias2 = 1 - 0.5**count, 1 - 0.999**count
    parameters = jax.tree.map(
        lambda p, m, v: p - 2e-4 * (m / bias1) / (jnp.sqrt(v / bias2) + 1e-8), parameters, first, second)
    return parameters, first, second


def generated(generator: Parameters, key: jax.Array) -> jax.Array:
    return jnp.tanh(dense(generator, jax.random.normal(key, (BATCH, LATENT))))


def discriminator_loss(discriminator: Parameters, real: jax.Array, invented: jax.Array) -> jax.Array:
    told = dense(discriminator, jnp.concatenate([real, invented]))
    return (jax.nn.softplus(-told[:BATCH]) + jax.nn.softplus(told[BATCH:])).mean()


def generator_loss(generator: Parameters, discriminator: Parameters, key: jax.Array) -> jax.Array:
    return jax.nn.softplus(-dense(discriminator, generated(generator, key))).mean()


def step(state, batch: jax.Array, data: jax.Array):
    generator, discriminator, count, key = state
    key, one, other = jax.random.split(key, 3)
    count = count + 1
    slope = jax.grad(discriminator_loss)(discriminator[0], data[batch], generated(generator[0], one))
    discriminator = adam(discriminator, slope, count)
    loss, slope = jax.value_and_grad(generator_loss)(generator[0], discriminator[0], other)
    return (adam(generator, slope, count), discriminator, count, key), loss


def main() -> None:
    parser = options()
    parser.add_argument("--kind", choices=["mlp"], required=True)
    parser.add_argument("--batch", type=int, choices=[BATCH], required=True)
    arguments = parser.parse_args()
    assert len(os.sched_getaffinity(0)) == arguments.threads, "limit the processors, as with taskset"
    images = np.load(arguments.data)
    data = jnp.asarray(images.reshape(len(images), -1).astype(np.float32) / 127.5 - 1)

    def player(seed: int, widths: list[int]):
        parameters = initial(jax.random.key(seed), widths)
        zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
        return parameters, zeros(), zeros()

    state = (player(0, [LATENT, 1200, 1200, data.shape[1]]), player(1, [data.shape[1], 1200, 1200, 1]),
             jnp.float32(0), jax.random.key(2))
    order = np.random.default_rng(0)
    many = jax.jit(
        lambda state, batches, data: jax.lax.scan(lambda s, b: step(s, b, data), state, batches), donate_argnums=0)

    def chunk() -> float:
        nonlocal state
        batches = order.integers(0, len(data), (arguments.steps, BATCH), np.int32)
        state, losses = many(state, batches, data)
        # The parameters too: a loss may be ready before the update that follows it.
        jax.block_until_ready(state)
        return float(losses[-1])

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
