"""The MLP GAN's steps in JAX, a chunk of them in one jitted scan: the discriminator's and the generator's, on noise of
their own, as torch_gan.py has them.

Threads are limited by the processors that the process may use; XLA takes as many as those.
"""

import functools
import itertools
import os

import jax
import jax.numpy as jnp
import numpy as np
from jax_steps import Parameters, descend, initial
from steps import measure, options

BATCH, LATENT = 100, 100
adam = functools.partial(descend, rate=2e-4, momentum=0.5)


def dense(layers: Parameters, x: jax.Array) -> jax.Array:
    for weight, bias in layers[:-1]:
        x = jax.nn.leaky_relu(x @ weight + bias, 0.2)
    return x @ layers[-1][0] + layers[-1][1]


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
    discriminator = adam(*discriminator, slope, count)
    loss, slope = jax.value_and_grad(generator_loss)(generator[0], discriminator[0], other)
    return (adam(*generator, slope, count), discriminator, count, key), loss


def main() -> None:
    parser = options()
    parser.add_argument("--kind", choices=["mlp"], required=True)
    parser.add_argument("--batch", type=int, choices=[BATCH], required=True)
    arguments = parser.parse_args()
    assert len(os.sched_getaffinity(0)) == arguments.threads, "limit the processors, as with taskset"
    images = np.load(arguments.data)
    data = jnp.asarray(images.reshape(len(images), -1).astype(np.float32) / 127.5 - 1)

    def player(seed: int, widths: list[int]):
        parameters = initial(jax.random.key(seed), itertools.pairwise(widths))
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
