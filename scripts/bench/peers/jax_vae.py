"""The VAE's steps in JAX: a jitted step with donated buffers, or a chunk of steps in one jitted scan.

Threads are limited by the processors that the process may use; XLA takes as many as those.
"""

import os

import jax
import jax.numpy as jnp
import numpy as np
from steps import BATCH, HIDDEN, LATENT, PIXELS, RATE, images, measure, options

Parameters = list[tuple[jax.Array, jax.Array]]


def initial(key: jax.Array) -> Parameters:
    """PyTorch's default: uniform within 1 / √fan-in."""
    layers = []
    for inputs, outputs in [(PIXELS, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, PIXELS)]:
        key, weight, bias = jax.random.split(key, 3)
        bound = inputs**-0.5
        layers.append((
            jax.random.uniform(weight, (inputs, outputs), minval=-bound, maxval=bound),
            jax.random.uniform(bias, (outputs,), minval=-bound, maxval=bound),
        ))
    return layers


def loss_of(parameters: Parameters, x: jax.Array, key: jax.Array) -> jax.Array:
    (w0, b0), (w1, b1), (w2, b2), (w3, b3) = parameters
    mean, log_variance = jnp.split(jax.nn.relu(x @ w0 + b0) @ w1 + b1, 2, axis=1)
    z = mean + jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape)
    logits = jax.nn.relu(z @ w2 + b2) @ w3 + b3
    likelihood = (x * logits - jax.nn.softplus(logits)).sum()
    kl = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum()
    return (kl - likelihood) / x.shape[0]


def step(state, batch: jax.Array, data: jax.Array):
    """One step of Adam (Kingma and Ba 2014, algorithm 1)."""
    parameters, first, second, count, key = state
    key, noise = jax.random.split(key)
    loss, gradient = jax.value_and_grad(loss_of)(parameters, data[batch], noise)
    count = count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    bias1, bias2 = 1 - 0.9**count, 1 - 0.999**count
    parameters = jax.tree.map(
        lambda p, m, v: p - RATE * (m / bias1) / (jnp.sqrt(v / bias2) + 1e-8), parameters, first, second)
    return (parameters, first, second, count, key), loss


def main() -> None:
    parser = options()
    parser.add_argument("--scan", action="store_true", help="a chunk is one call")
    arguments = parser.parse_args()
    assert len(os.sched_getaffinity(0)) == arguments.threads, "limit the processors, as with taskset"
    data = jnp.asarray(images(arguments.data))
    parameters = initial(jax.random.key(0))
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.float32(0), jax.random.key(1))
    generator = np.random.default_rng(0)
    order: list[np.ndarray] = []

    def batches() -> list[np.ndarray]:
        while len(order) < arguments.steps:
            order.extend(generator.permutation(len(data)).astype(np.int32).reshape(-1, BATCH))
        taken = order[:arguments.steps]
        del order[:arguments.steps]
        return taken

    one = jax.jit(step, donate_argnums=0)
    many = jax.jit(
        lambda state, batches, data: jax.lax.scan(lambda s, b: step(s, b, data), state, batches), donate_argnums=0)

    def chunk() -> float:
        nonlocal state
        if arguments.scan:
            state, losses = many(state, np.stack(batches()), data)
            return float(losses[-1])
        for batch in batches():
            state, loss = one(state, batch, data)
        # The parameters too: a loss may be ready before the update that follows it.
        jax.block_until_ready(state)
        return float(loss)

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
