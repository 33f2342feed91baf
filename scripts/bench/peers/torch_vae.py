"""The VAE's steps in PyTorch: eager or compiled, with Adam as it comes or fused."""

import torch
from steps import BATCH, HIDDEN, LATENT, PIXELS, RATE, images, measure, options
from torch import nn


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        likelihood = -nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
        return (kl - likelihood) / len(x)


def main() -> None:
    parser = options()
    parser.add_argument("--compile", choices=["default", "max-autotune"])
    parser.add_argument("--fallback-random", action="store_true", help="eager's random numbers in compiled code")
    parser.add_argument("--fused", action="store_true", help="Adam in one kernel")
    parser.add_argument("--flush-denormals", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if arguments.flush_denormals:
        torch.set_flush_denormal(True)
    data = torch.from_numpy(images(arguments.data))
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=arguments.fused or None)
    loss_of = model
    if arguments.compile:
        from torch._inductor import config as inductor

        inductor.fallback_random = arguments.fallback_random
        loss_of = torch.compile(model, mode=None if arguments.compile == "default" else arguments.compile)

    order: list[torch.Tensor] = []

    def chunk() -> float:
        for _ in range(arguments.steps):
            if not order:
                order.extend(torch.randperm(len(data)).split(BATCH))
            loss = loss_of(data[order.pop()])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    measure(arguments, chunk)


if __name__ == "__main__":
    main()
