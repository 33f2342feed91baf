"""The VAE's steps in JAX."""

import jax
import jax.numpy as jnp
from jax_steps import Parameters, initial, parser, time_steps
from steps import BATCH, HIDDEN, LATENT, PIXELS, images

def loss_of(parameters: Parameters, batch: jax.Array, key: jax.Array, data: jax.Array) -> jax.Array:
    x = data[batch]
    (w0, b0), (w1, b1), (w2, b2), (w3, b3) = parameters
    mean, log_variance = jnp.split(jax.nn.relu(x @ w0 + b0) @ w1 + b1, 2, axis=1)
    z = mean + jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape)
    logits = jax.nn.relu(z @ w2 + b2) @ w3 + b3
    likelihood = (x * logits - jax.nn.softplus(logits)).sum()
    kl = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum()
    return (kl - likelihood) / x.shape[0]


def main() -> None:
    arguments = parser().parse_args()
    layers = [(PIXELS, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, PIXELS)]
    time_steps(arguments, initial(jax.random.key(0), layers), loss_of, [images(arguments.data)], BATCH)


if __name__ == "__main__":
    main()
