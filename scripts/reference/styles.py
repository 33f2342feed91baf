"""Layers of progressive and style-based GANs in cases of gradients.py, images channels last, written from the papers'
equations in another way than Elbo computes them: a modulated convolution has weights of its own for each example."""

import math

import torch
import torch.nn.functional as F

ROOT_2 = math.sqrt(2)


def filter_matrix(extent, up, down, before, after, gain=1.0):
    """The matrix of zeros between numbers, zeros at the ends, the filter [1 3 3 1] / 8, and every `down`-th result."""
    zeros = torch.zeros(extent, extent * up, dtype=torch.float64)
    zeros[torch.arange(extent), torch.arange(extent) * up] = 1
    taps = torch.tensor([1.0, 3, 3, 1]) / 8 * gain
    return F.conv1d(F.pad(zeros, (before, after))[:, None], taps[None, None], stride=down)[:, 0].T


def filtered(x, up=1, down=1, before=0, after=0, gain=1.0):
    """Both axes of images [n, h, w, c]."""
    rows = filter_matrix(x.shape[1], up, down, before, after, gain)
    columns = filter_matrix(x.shape[2], up, down, before, after, gain)
    return torch.einsum("nhwc,ih,jw->nijc", x, rows, columns)


def up(x):
    return filtered(x, up=2, before=2, after=1, gain=2.0)


def down(x):
    return filtered(x, down=2, before=1, after=1)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def equalized(x, w, b, gain=1.0, bias=1.0, rate=1.0):
    return F.linear(x, w * (gain * rate / math.sqrt(w.shape[1])), b * (bias * rate))


def rectified(x):
    return F.leaky_relu(x, 0.2)


def halving(x, w, b):
    """The second convolution of a residual discriminator's block: filter, stride 2, rectified."""
    scale = 1 / math.sqrt(w.shape[1] * w.shape[2] * w.shape[3])
    y = F.conv2d(nchw(filtered(x, before=2, after=2)), w * scale, b, stride=2)
    return nhwc(rectified(y))


def styled_rectification(x, scale, strength, bias, noise=None):
    """Noise of 1/4, 1/2, 3/4, … by pixel where none is given."""
    if noise is None:
        noise = (torch.arange(x[..., 0].numel(), dtype=x.dtype) + 1).reshape(x.shape[:3]) / 4
    return rectified(x * scale[:, None, None] + strength * noise[..., None] + bias)


def modulated(x, style, w, b, strength, sw, sb, doubles):
    """Karras et al. 2020, equations 1 to 3, then bias and rectification with its gain. Each example has a convolution
    of its own; where it doubles, the weights are [in, out, 3, 3] of a transposed convolution with stride 2."""
    s = equalized(style, sw, sb)
    scale = 1 / math.sqrt(9 * w.shape[0 if doubles else 1])
    images = []
    for image, numbers in zip(nchw(x), s):
        own = w * scale * (numbers[:, None, None, None] if doubles else numbers[None, :, None, None])
        norms = torch.rsqrt(own.square().sum((0, 2, 3) if doubles else (1, 2, 3)) + 1e-8)
        own = own * (norms[None, :, None, None] if doubles else norms[:, None, None, None])
        if doubles:
            y = filtered(nhwc(F.conv_transpose2d(image[None], own, stride=2)), before=1, after=1, gain=2.0)
        else:
            y = nhwc(F.conv2d(image[None], own, padding=1))
        images.append(y[0])
    return ROOT_2 * rectified(torch.stack(images) + b)


def adain(x, style, w, b, strength, sw, sb):
    """Karras, Laine and Aila 2019, equation 1, behind a convolution, bias and rectification."""
    scale, shift = equalized(style, sw, sb).chunk(2, 1)
    y = rectified(nhwc(F.conv2d(nchw(x), w / math.sqrt(9 * w.shape[1]), padding=1)) + b)
    mean = y.mean((1, 2), keepdim=True)
    variance = (y - mean).square().mean((1, 2), keepdim=True)
    return (y - mean) * torch.rsqrt(variance + 1e-8) * (scale + 1)[:, None, None] + shift[:, None, None]


def picture(x, style, w, b, sw, sb):
    y = x * equalized(style, sw, sb)[:, None, None]
    return nhwc(F.conv2d(nchw(y), w / math.sqrt(w.shape[1]), b))


def normalized(x):
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def mapping(z, layers):
    return mapped(normalized(z), layers)


def mapped(x, layers):
    for w, b in layers:
        x = ROOT_2 * rectified(equalized(x, w, b, rate=0.01))
    return x


def mapping_of_class(x, wc, bc, w, b):
    """Three numbers of noise, then a class."""
    return mapped(torch.cat([normalized(x[:, :3]), normalized(equalized(x[:, 3:], wc, bc))], 1), [(w, b)])


def projection(x, w, b, wc, bc, w0, b0):
    """Four features, then a class: their inner product with what the class is mapped to."""
    kind = mapped(normalized(equalized(x[:, 4:], wc, bc)), [(w0, b0)])
    return (equalized(x[:, :4], w, b) * kind).sum(1, keepdim=True) / 2


def synthesis(styles, start, numbers):
    """Two levels, as StyleGenerator lays its numbers out: 0.1, 0.picture, 1.0, 1.1, 1.picture."""
    x = start[None].expand(len(styles[0]), *start.shape)
    first, first_picture, doubling, second, last = (
        numbers[0:5], numbers[5:9], numbers[9:14], numbers[14:19], numbers[19:23])
    x = modulated(x, styles[0], *first, doubles=False)
    small = picture(x, styles[1], *first_picture)
    x = modulated(x, styles[1], *doubling, doubles=True)
    x = modulated(x, styles[2], *second, doubles=False)
    return up(small) + picture(x, styles[3], *last)


def generator(z, w0, b0, w1, b1, average, start, *numbers):
    w = mapping(z, [(w0, b0), (w1, b1)])
    return synthesis([w] * 4, start, numbers).reshape(len(z), -1)


def path_lengths(z, w0, b0, w1, b1, average, start, *rest):
    """Karras et al. 2020, equation 4: ‖Jᵀ y‖ over the styles' numbers, the mean over the four inputs under the root."""
    *numbers, direction = rest
    w = mapping(z, [(w0, b0), (w1, b1)])
    styles = [w * 1 for _ in range(4)]
    images = synthesis(styles, start, numbers).reshape(len(z), -1)
    slopes = torch.autograd.grad((images * direction).sum(), styles, create_graph=True)
    return torch.sqrt(torch.stack([s.square().sum(1) for s in slopes]).mean(0) + 1e-8)


def deviation_in_groups(x, size):
    """Group i mod M of M: the population's standard deviation of each number, averaged."""
    groups = len(x) // size
    channel = torch.stack([
        torch.sqrt(x[i % groups::groups].var(0, correction=0) + 1e-8).mean() for i in range(len(x))])
    return torch.cat([x, channel[:, None, None, None].expand(*x.shape[:3], 1)], -1)


# Slots of a generator of two levels from 4 × 4, with 2 and 1 features, 1 channel, latent and style of 3 numbers.
STYLED = lambda inputs, outputs, doubles: [
    (inputs, outputs, 3, 3) if doubles else (outputs, inputs, 3, 3), (outputs,), (1,), (inputs, 3), (inputs,)]
PICTURE = lambda inputs: [(1, inputs, 1, 1), (1,), (inputs, 3), (inputs,)]
GENERATOR = ([(3, 3), (3,), (3, 3), (3,), (3,), (4, 4, 2)]
             + STYLED(2, 2, False) + PICTURE(2) + STYLED(2, 1, True) + STYLED(1, 1, False) + PICTURE(1))


def arrays(shapes):
    return lambda g: [g(*shape) for shape in shapes]


def away_from_kinks(shapes, gap=0.25):
    """Arrays x, s, k and b, and of noise n, whose x s + b + k n keeps away from 0."""
    def make(g):
        while True:
            x, s, k, b, *noise = arrays = [g(*shape) for shape in shapes]
            if abs(x * s[:, None, None] + b + sum(k * n[..., None] for n in noise)).min() > gap:
                return arrays
    return make


OPERATIONS = [
    ("filteredUp", arrays([(2, 3, 2, 2)]), up),
    ("filteredDown", arrays([(2, 4, 6, 2)]), down),
    ("filtered", arrays([(1, 5, 4, 3)]), lambda x: filtered(x, before=1, after=1, gain=2.0)),
    ("filtered, before and after", arrays([(2, 4, 3, 1)]), lambda x: filtered(x, before=2, after=3)),
    ("scalingChannels", arrays([(2, 3, 2, 3), (2, 3)]), lambda x, s: x * s[:, None, None]),
    ("addingChannels", arrays([(2, 3, 2, 3), (2, 3)]), lambda x, s: x + s[:, None, None]),
    ("rectifiedStyle", arrays([(2, 3, 2, 3), (2, 3), (1,), (3,)]), styled_rectification),
    ("rectifiedStyle of noise", away_from_kinks([(2, 2, 1, 2), (2, 2), (1,), (2,), (2, 2, 1)]), styled_rectification),
    ("rectifiedStyle without noise", away_from_kinks([(1, 2, 1, 5), (1, 5), (1,), (5,)]),
     lambda x, s, k, b: rectified(x * s[:, None, None] + b)),
    ("sumOverPixels", arrays([(2, 3, 2, 3)]), lambda x: x.sum((1, 2))),
    ("repeatedOverPixels", arrays([(2, 3)]), lambda x: x[:, None, None].expand(2, 2, 4, 3)),
]

LAYERS = [
    ("equalized convolution, halving", arrays([(2, 4, 4, 2), (3, 2, 3, 3), (3,)]), halving),
    ("modulated convolution", arrays([(2, 3, 4, 2), (2, 3)] + STYLED(2, 3, False)[:3] + [(2, 3), (2,)]),
     lambda *x: modulated(*x, doubles=False)),
    ("modulated convolution, doubling", arrays([(2, 3, 2, 2), (2, 3)] + STYLED(2, 3, True)[:3] + [(2, 3), (2,)]),
     lambda *x: modulated(*x, doubles=True)),
    ("adaptive instance normalization", arrays([(2, 3, 4, 2), (2, 3), (3, 2, 3, 3), (3,), (1,), (6, 3), (6,)]), adain),
    ("mapping of noise and class", arrays([(3, 5), (4, 2), (4,), (4, 7), (4,)]), mapping_of_class),
    ("projection discriminator", arrays([(3, 6), (4, 4), (4,), (4, 2), (4,), (4, 4), (4,)]), projection),
    ("style generator", arrays([(2, 3)] + GENERATOR), generator),
    ("path lengths", arrays([(2, 3)] + GENERATOR + [(2, 64)]), path_lengths),
    ("minibatch deviation in groups", arrays([(4, 2, 2, 2)]), lambda x: deviation_in_groups(x, 2)),
]
