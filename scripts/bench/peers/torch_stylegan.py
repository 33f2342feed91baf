"""StyleGAN2's steps in PyTorch, as Elbo's recipe `stylegan`: discriminator with R1 every 16 steps, generator with the path
length penalty every 4. Modulation scales what a dense convolution sees and makes, or gives each example a convolution of
its own as a group, which is what most trainers run."""

import math

import numpy as np
import torch
from steps import measure_steps, options
from torch import nn
from torch.nn import functional as F

ROOT = math.sqrt(2)


class Blur(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3, 3, 1]) / 8
        self.register_buffer("taps", torch.outer(taps, taps)[None, None])

    def forward(self, x: torch.Tensor, pad: tuple[int, int], stride: int = 1, gain: float = 1) -> torch.Tensor:
        kernel = (self.taps * gain).expand(x.shape[1], 1, 4, 4)
        return F.conv2d(F.pad(x, (*pad, *pad)), kernel, stride=stride, groups=x.shape[1])

    def up(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(x, (self.taps * 4).expand(x.shape[1], 1, 4, 4), stride=2, padding=1, groups=x.shape[1])


class Equal(nn.Module):
    """A linear layer or a convolution with an equalized learning rate."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 0, rate: float = 1, start: float = 0, bias: bool = True) -> None:
        super().__init__()
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight = nn.Parameter(torch.randn(shape) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), start / rate)) if bias else None
        self.kernel, self.rate, self.gain = kernel, rate, rate / math.sqrt(math.prod(shape[1:]))

    def forward(self, x: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
        bias = None if self.bias is None else self.bias * self.rate
        if self.kernel:
            return F.conv2d(x, self.weight * self.gain, bias, stride=stride, padding=padding)
        return F.linear(x, self.weight * self.gain, bias)


def rectified(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2) * ROOT


class Styled(nn.Module):
    def __init__(self, inputs: int, outputs: int, style: int, doubles: bool, grouped: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias, self.strength = nn.Parameter(torch.zeros(outputs)), nn.Parameter(torch.zeros(()))
        self.style, self.blur = Equal(style, inputs, start=1), Blur()
        self.doubles, self.grouped, self.gain = doubles, grouped, 1 / math.sqrt(9 * inputs)

    def convolved(self, x: torch.Tensor, weight: torch.Tensor, groups: int) -> torch.Tensor:
        if not self.doubles:
            return F.conv2d(x, weight, padding=1, groups=groups)
        if groups == 1:
            weight = weight.transpose(0, 1)
        else:
            o, i = self.weight.shape[:2]
            weight = weight.reshape(groups, o, i, 3, 3).transpose(1, 2).reshape(groups * i, o, 3, 3)
        return F.conv_transpose2d(x, weight, stride=2, groups=groups)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        s, weight = self.style(w), self.weight * self.gain
        if self.grouped:
            own = weight[None] * s[:, None, :, None, None]
            own = own * torch.rsqrt(own.square().sum((2, 3, 4), keepdim=True) + 1e-8)
            n, c, height, width = x.shape
            y = self.convolved(x.reshape(1, n * c, height, width), own.flatten(0, 1), n)
            y = y.reshape(n, -1, *y.shape[2:])
        else:
            d = torch.rsqrt(s.square() @ weight.square().sum((2, 3)).T + 1e-8)
            y = self.convolved(x * s[:, :, None, None], weight, 1) * d[:, :, None, None]
        if self.doubles:
            y = self.blur(y, (1, 1), gain=4)
        y = y + torch.randn(len(y), 1, *y.shape[2:]) * self.strength
        return rectified(y + self.bias[:, None, None])


class Picture(nn.Module):
    def __init__(self, inputs: int, channels: int, style: int) -> None:
        super().__init__()
        self.convolution, self.style = Equal(inputs, channels, 1), Equal(style, inputs, start=1)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return self.convolution(x * self.style(w)[:, :, None, None])


class Generator(nn.Module):
    def __init__(self, features: list[int], channels: int, latent: int, grouped: bool) -> None:
        super().__init__()
        self.mapping = nn.ModuleList([Equal(latent, latent, rate=0.01) for _ in range(2)])
        self.start, self.blur = nn.Parameter(torch.randn(1, features[0], 4, 4)), Blur()
        self.layers, self.pictures = nn.ModuleList(), nn.ModuleList()
        for level, outputs in enumerate(features):
            if level:
                self.layers.append(Styled(features[level - 1], outputs, latent, True, grouped))
            self.layers.append(Styled(outputs, outputs, latent, False, grouped))
            self.pictures.append(Picture(outputs, channels, latent))

    def map(self, z: torch.Tensor) -> torch.Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            x = rectified(layer(x))
        return x

    def styles(self, batch: int, latent: int) -> list[torch.Tensor]:
        first, second = self.map(torch.randn(batch, latent)), self.map(torch.randn(batch, latent))
        count = len(self.layers) + 1
        place = torch.where(torch.rand(batch) < 0.9, torch.randint(1, count, (batch,)), count)
        return [torch.where((place > index)[:, None], first, second) for index in range(count)]

    def forward(self, styles: list[torch.Tensor]) -> torch.Tensor:
        x, picture, place = self.start.expand(len(styles[0]), -1, -1, -1), None, 0
        for level, to_picture in enumerate(self.pictures):
            for _ in range(2 if level else 1):
                x = self.layers[place](x, styles[place])
                place += 1
            own = to_picture(x, styles[place])
            picture = own if picture is None else self.blur.up(picture) + own
        return picture


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = Equal(inputs, inputs, 3), Equal(inputs, outputs, 3)
        self.skip, self.blur = Equal(inputs, outputs, 1, bias=False), Blur()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = rectified(self.first(x, padding=1))
        y = rectified(self.second(self.blur(y, (2, 2)), stride=2))
        return (y + self.skip(self.blur(x, (1, 1), stride=2))) / ROOT


class Discriminator(nn.Module):
    def __init__(self, features: list[int], channels: int) -> None:
        super().__init__()
        self.picture = Equal(channels, features[-1], 1)
        self.blocks = nn.Sequential(*[Block(a, b) for a, b in zip(features[:0:-1], features[-2::-1])])
        self.end = Equal(features[0] + 1, features[0], 3)
        self.hidden, self.last = Equal(features[0] * 16, features[0]), Equal(features[0], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(rectified(self.picture(x)))
        groups = x.reshape(4, -1, *x.shape[1:])
        deviation = torch.sqrt(groups.var(0, correction=0) + 1e-8).mean((1, 2, 3))
        channel = deviation.repeat(4)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        x = rectified(self.end(torch.cat([x, channel], 1), padding=1))
        return self.last(rectified(self.hidden(x.flatten(1))))[:, 0]


def main() -> None:
    parser = options()
    parser.add_argument("--kind", choices=["stylegan"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--grouped", action="store_true", help="a convolution of its own for each example")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--fused", action="store_true", help="Adam in one kernel")
    parser.add_argument("--flush-denormals", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(o.flush_denormals)
    data = torch.from_numpy(np.load(o.data)).float().div_(127.5).sub_(1).permute(0, 3, 1, 2)
    side, channels, latent = data.shape[-1], data.shape[1], 128
    features = [min(1024 // size, 128) for size in (4 << level for level in range((side // 4).bit_length()))]
    generator, discriminator = Generator(features, channels, latent, o.grouped), Discriminator(features, channels)
    form = torch.channels_last if o.channels_last else torch.contiguous_format
    data = data.contiguous(memory_format=form)
    if o.channels_last:
        generator, discriminator = (m.to(memory_format=form) for m in (generator, discriminator))
    players = [torch.optim.Adam(m.parameters(), lr=2e-3, betas=(0.0, 0.99), fused=o.fused or None)
               for m in (generator, discriminator)]
    average = [p.detach().clone() for p in generator.parameters()]
    softplus, state = F.softplus, {"step": 0, "length": torch.zeros(())}

    def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def step() -> torch.Tensor:
        real = data[torch.randint(len(data), (o.batch,))]
        with torch.no_grad():
            generated = generator(generator.styles(o.batch, latent))
        regularized = state["step"] % 16 == 0
        if regularized:
            real = real.detach().requires_grad_()
        told = discriminator(real)
        loss = (softplus(-told) + softplus(discriminator(generated))).mean()
        if regularized:
            slopes = torch.autograd.grad(told.sum(), real, create_graph=True)[0]
            loss = loss + 16 * 0.025 * slopes.square().sum((1, 2, 3)).mean()
        descend(players[1], loss)
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        loss = softplus(-discriminator(generator(generator.styles(o.batch, latent)))).mean()
        if state["step"] % 4 == 0:
            styles = [w * 1 for w in generator.styles(o.batch // 2, latent)]
            images = generator(styles)
            noise = torch.randn_like(images) / math.sqrt(side * side)
            slopes = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
            lengths = torch.sqrt(torch.stack([s.square().sum(1) for s in slopes]).mean(0) + 1e-8)
            state["length"] = state["length"].lerp(lengths.detach().mean(), 0.01)
            loss = loss + 4 * 2 * (lengths - state["length"]).square().mean()
        descend(players[0], loss)
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)
        torch._foreach_lerp_(average, [p.detach() for p in generator.parameters()], 0.002)
        state["step"] += 1
        return loss

    measure_steps(o, step)


if __name__ == "__main__":
    main()
