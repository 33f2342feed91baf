"""Bayes by Backprop's steps in PyTorch, as its tutorials write them: eager or compiled."""

import math

import numpy as np
import torch
from steps import PIXELS, RATE, images, labels, measure, options
from torch import nn

BATCH = 128
# The prior of the recipe: share, wide and narrow standard deviation.
SHARE, WIDE, NARROW = 0.5, 1.0, 0.0025


def log_normal(x: torch.Tensor, mean: torch.Tensor | float, deviation: torch.Tensor | float) -> torch.Tensor:
    log = torch.log(deviation) if isinstance(deviation, torch.Tensor) else math.log(deviation)
    return -0.5 * math.log(2 * math.pi) - log - (x - mean) ** 2 / (2 * deviation**2)


def log_mixture(w: torch.Tensor, softplus: bool) -> torch.Tensor:
    wide = math.log(SHARE) + log_normal(w, 0.0, WIDE)
    narrow = math.log(1 - SHARE) + log_normal(w, 0.0, NARROW)
    # The same number by one function that is fast here, where logaddexp is not.
    return wide + nn.functional.softplus(narrow - wide) if softplus else torch.logaddexp(wide, narrow)


class BayesianLinear(nn.Module):
    def __init__(self, inputs: int, outputs: int, softplus: bool) -> None:
        super().__init__()
        self.softplus = softplus
        bound = 1 / math.sqrt(inputs)
        rho = math.log(math.expm1(0.01))
        self.mean = nn.ParameterList([
            nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound)),
            nn.Parameter(torch.empty(outputs).uniform_(-bound, bound)),
        ])
        self.rho = nn.ParameterList([nn.Parameter(torch.full_like(m, rho)) for m in self.mean])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights, cost = [], torch.zeros(())
        for mean, rho in zip(self.mean, self.rho):
            deviation = nn.functional.softplus(rho)
            w = mean + deviation * torch.randn_like(mean)
            cost = cost + (log_normal(w, mean, deviation) - log_mixture(w, self.softplus)).sum()
            weights.append(w)
        return nn.functional.linear(x, *weights), cost


class Network(nn.Module):
    def __init__(self, hidden: int, examples: int, softplus: bool) -> None:
        super().__init__()
        widths = [PIXELS, hidden, hidden, 10]
        self.layers = nn.ModuleList([BayesianLinear(a, b, softplus) for a, b in zip(widths, widths[1:])])
        self.examples = examples

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        cost = torch.zeros(())
        for index, layer in enumerate(self.layers):
            x, part = layer(x)
            cost = cost + part
            if index + 1 < len(self.layers):
                x = torch.relu(x)
        return nn.functional.cross_entropy(x, y) + cost / self.examples


def main() -> None:
    parser = options()
    parser.add_argument("--hidden", type=int, default=400)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fallback-random", action="store_true", help="eager's random numbers in compiled code")
    parser.add_argument("--softplus", action="store_true", help="the mixture's density by softplus, not logaddexp")
    parser.add_argument("--fused", action="store_true", help="Adam in one kernel")
    parser.add_argument("--flush-denormals", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if arguments.flush_denormals:
        torch.set_flush_denormal(True)
    data = torch.from_numpy(images(arguments.data))
    classes = torch.from_numpy(labels(arguments.data).astype(np.int64))
    model = Network(arguments.hidden, len(data), arguments.softplus)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=arguments.fused or None)
    loss_of = model
    if arguments.compile:
        from torch._inductor import config as inductor

        inductor.fallback_random = arguments.fallback_random
        loss_of = torch.compile(model)

    order: list[torch.Tensor] = []

    def chunk() -> float:
        for _ in range(arguments.steps):
            if not order:
                order.extend(torch.randperm(len(data)).split(BATCH)[:-1])
            batch = order.pop()
            loss = loss_of(data[batch], classes[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
