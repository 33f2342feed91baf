"""A GAN's steps in PyTorch: a discriminator's (k of them) and a generator's on noise of its own, as Elbo's phases."""

import numpy as np
import torch
from steps import measure_steps, options
from torch import nn


def dense(widths: list[int], last: nn.Module | None = None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1], *([last] if last else []))


class Convolutional:
    """Radford, Metz and Chintala 2016, as Elbo's networks: a linear layer at the small end of both."""

    def __init__(self, side: int, channels: int, filters: int, normalised: bool) -> None:
        widths = [channels]
        while side % 2 == 0 and side > 4:
            side, widths = side // 2, [*widths, filters << (len(widths) - 1)]
        up: list[nn.Module] = [nn.Linear(100, widths[-1] * side * side), nn.Unflatten(1, (widths[-1], side, side))]
        down: list[nn.Module] = []
        for index in range(len(widths) - 1, 0, -1):
            up += [nn.BatchNorm2d(widths[index]), nn.ReLU()]
            up.append(nn.ConvTranspose2d(widths[index], widths[index - 1], 4, 2, 1, bias=index == 1))
        for index in range(1, len(widths)):
            has_norm = normalised and index > 1
            down.append(nn.Conv2d(widths[index - 1], widths[index], 4, 2, 1, bias=not has_norm))
            down += [nn.BatchNorm2d(widths[index])] if has_norm else []
            down.append(nn.LeakyReLU(0.2))
        self.generator = nn.Sequential(*up, nn.Tanh())
        self.discriminator = nn.Sequential(*down, nn.Flatten(), nn.Linear(widths[-1] * side * side, 1))


def main() -> None:
    parser = options()
    parser.add_argument("--kind", choices=["mlp", "dcgan", "wgan-gp"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fused", action="store_true", help="Adam in one kernel")
    parser.add_argument("--flush-denormals", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(o.flush_denormals)
    data = torch.from_numpy(np.load(o.data)).float().div_(127.5).sub_(1)  # [n, side, side, channels]
    critic = o.kind == "wgan-gp"
    if o.kind == "mlp":
        data = data.flatten(1)
        generator, discriminator = dense([100, 1200, 1200, 784], nn.Tanh()), dense([784, 1200, 1200, 1])
    else:
        data = data.permute(0, 3, 1, 2)
        networks = Convolutional(data.shape[-1], data.shape[1], o.filters, normalised=not critic)
        generator, discriminator = networks.generator, networks.discriminator
        data = data.contiguous(memory_format=torch.channels_last if o.channels_last else torch.contiguous_format)
        if o.channels_last:
            generator, discriminator = (m.to(memory_format=torch.channels_last) for m in (generator, discriminator))
    betas = (0.0, 0.9) if critic else (0.5, 0.999)
    optimizers = [torch.optim.Adam(m.parameters(), lr=2e-4, betas=betas, fused=o.fused or None)
                  for m in (generator, discriminator)]
    parameters = dict(discriminator.named_parameters())
    softplus = nn.functional.softplus

    def discriminator_loss(real: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
        told, invented = discriminator(real), discriminator(generated)
        if not critic:
            return (softplus(-told) + softplus(invented)).mean()
        return (invented - told).mean()

    def penalty(slopes: torch.Tensor) -> torch.Tensor:
        return 10 * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def critic_loss(parameters: dict, real: torch.Tensor, generated: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Of which the compiler takes both derivatives as functions of functions. Through autograd's tape it takes one:
        "torch.compile with aot_autograd does not currently support double backward"."""
        def of(x: torch.Tensor) -> torch.Tensor:
            return torch.func.functional_call(discriminator, parameters, (x,))

        slopes = torch.func.grad(lambda x: of(x).sum())(points)
        return (of(generated) - of(real)).mean() + penalty(slopes)

    def generator_loss(z: torch.Tensor) -> torch.Tensor:
        output = discriminator(generator(z))
        return -output.mean() if critic else softplus(-output).mean()

    sampled = generator
    critic_gradient = torch.compile(torch.func.grad(critic_loss)) if critic and o.compile else None
    if o.compile:
        discriminator_loss, generator_loss = torch.compile(discriminator_loss), torch.compile(generator_loss)
        sampled = torch.compile(generator)

    def noise() -> torch.Tensor:
        return torch.randn(o.batch, 100)

    def step() -> torch.Tensor:
        for _ in range(5 if critic else 1):
            with torch.no_grad():
                generated = sampled(noise())
            real = data[torch.randint(len(data), (o.batch,))]
            if critic:
                share = torch.rand(o.batch, 1, 1, 1)
                points = share * real + (1 - share) * generated
            if critic_gradient:
                for name, gradient in critic_gradient(parameters, real, generated, points).items():
                    parameters[name].grad = gradient
            else:
                loss = discriminator_loss(real, generated)
                if critic:
                    points.requires_grad_()
                    loss = loss + penalty(torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)[0])
                optimizers[1].zero_grad()
                loss.backward()
            optimizers[1].step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        loss = generator_loss(noise())
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)
        return loss

    measure_steps(o, step)


if __name__ == "__main__":
    main()
