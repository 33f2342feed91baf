"""The default recipe in PyTorch: VAE 784-500-20-500-784, Adam 1e-3, batch 100, estimator B, on Fashion-MNIST.

    python scripts/reference/vae.py --seeds 3 --epochs 20 [--activation relu] [--threads 2]

Prints one JSON line a seed: the test ELBO and its terms in nats per image (pixels in [0, 1], Bernoulli likelihood,
one sample), the importance-weighted bound on the first images, and seconds. The initialisation is Elbo's default.
"""

import argparse
import gzip
import json
import time

import numpy as np
import torch
from torch import nn


def images(name: str, folder: str) -> torch.Tensor:
    with gzip.open(f"{folder}/{name}-images-idx3-ubyte.gz") as file:
        data = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(data.reshape(-1, 784).astype(np.float32) / 255)


class VAE(nn.Module):
    def __init__(self, activation: str, hidden: int = 500, latent: int = 20) -> None:
        super().__init__()
        act = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]
        self.encoder = nn.Sequential(nn.Linear(784, hidden), act(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), act(), nn.Linear(hidden, 784))

    def terms(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        likelihood = -nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        return likelihood, kl

    def importance_bound(self, x: torch.Tensor, samples: int) -> torch.Tensor:
        mean, log_variance = self.encoder(x).chunk(2, 1)
        weights = []
        for _ in range(samples):
            noise = torch.randn_like(mean)
            z = mean + torch.exp(log_variance / 2) * noise
            ll = -nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)
            weights.append(ll + 0.5 * (noise**2 + log_variance - z**2).sum(1))
        return torch.logsumexp(torch.stack(weights), 0) - np.log(samples)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--activation", default="relu")
    parser.add_argument("--importance-samples", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train, test = images("train", arguments.data), images("t10k", arguments.data)
    for seed in range(arguments.seeds):
        torch.manual_seed(seed)
        model = VAE(arguments.activation)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        start = time.perf_counter()
        for _ in range(arguments.epochs):
            order = torch.randperm(len(train))
            for batch in order.split(100):
                likelihood, kl = model.terms(train[batch])
                optimizer.zero_grad()
                (kl - likelihood).mean().backward()
                optimizer.step()
        seconds = time.perf_counter() - start
        with torch.no_grad():
            likelihood, kl = model.terms(test)
            bound = model.importance_bound(test[:1000], arguments.importance_samples)
        result = {
            "seed": seed, "elbo": (likelihood - kl).mean().item(), "log_likelihood": likelihood.mean().item(),
            "kl": kl.mean().item(), f"iw_log_likelihood_{arguments.importance_samples}": bound.mean().item(),
            "seconds": seconds,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
