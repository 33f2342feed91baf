"""Monte Carlo predictions in PyTorch: mean, deviation and entropies of the test images' class probabilities."""

import gzip
import math

import numpy as np
import torch
from steps import PIXELS, measure, options

# Samples that vmap computes at once.
AT_ONCE = 4


def main() -> None:
    parser = options()
    parser.add_argument("--hidden", type=int, default=400)
    parser.add_argument("--model", choices=["bbb", "mc-dropout"], required=True)
    parser.add_argument("--method", choices=["loop", "vmap"], required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    with gzip.open(f"{arguments.data}/t10k-images-idx3-ubyte.gz") as file:
        bytes_ = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, PIXELS)
    x = torch.from_numpy(bytes_.astype(np.float32) / 255)
    widths = [PIXELS, arguments.hidden, arguments.hidden, 10]
    shapes = [shape for a, b in zip(widths, widths[1:]) for shape in [(b, a), (b,)]]
    means = [torch.empty(shape).uniform_(-(shape[-1] ** -0.5), shape[-1] ** -0.5) for shape in shapes]
    deviations = [torch.nn.functional.softplus(torch.full(shape, math.log(math.expm1(0.01)))) for shape in shapes]

    def network(weights: list[torch.Tensor]) -> torch.Tensor:
        y = x
        for layer in range(3):
            if arguments.model == "mc-dropout":
                y = torch.nn.functional.dropout(y, 0.2 if layer == 0 else 0.5)
            y = torch.nn.functional.linear(y, weights[2 * layer], weights[2 * layer + 1])
            if layer < 2:
                y = torch.relu(y)
        return torch.softmax(y, 1)

    def draw(*shape: int) -> list[torch.Tensor]:
        return [m + s * torch.randn(*shape, *m.shape) for m, s in zip(means, deviations)]

    many = torch.func.vmap(network, randomness="different")

    def probabilities(count: int) -> torch.Tensor:
        """[samples, images, classes]"""
        if arguments.model == "mc-dropout":
            if arguments.method == "loop":
                return network(means)[None]
            return many([m.expand(count, *m.shape) for m in means])
        return network(draw())[None] if arguments.method == "loop" else many(draw(count))

    @torch.no_grad()
    def chunk() -> float:
        count = 1 if arguments.method == "loop" else AT_ONCE
        sums = squares = torch.zeros(len(x), 10)
        entropy = torch.zeros(len(x))
        for _ in range(0, arguments.steps, count):
            p = probabilities(count)
            sums = sums + p.sum(0)
            squares = squares + (p * p).sum(0)
            entropy = entropy - torch.special.xlogy(p, p).sum((0, 2))
        mean = sums / arguments.steps
        deviation = (squares / arguments.steps - mean * mean).clamp(min=0).sqrt()
        whole = -torch.special.xlogy(mean, mean).sum(1)
        return float(deviation.sum() + whole.sum() - entropy.sum() / arguments.steps)

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
