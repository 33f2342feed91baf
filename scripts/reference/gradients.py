"""Golden values of every differentiable operation: outputs and derivatives of orders 1, 2 and 3, in float64 by PyTorch.

    python scripts/reference/gradients.py

writes Tests/{Tensors,Distributions,Networks}Tests/Golden/*.json. For an operation y = f(x1, x2, …), a cotangent u of y's
shape and directions vi, wi of the inputs' shapes, with every derivative taken by autograd:

    first   gi = ∂ <u, y> / ∂ xi
    second  derivatives of Σ <vi, gi> by x1, x2, …, u   (the derivative by u is a forward-mode derivative: J v)
    third   derivatives of Σ <wi, ∂(Σ <vi, gi>) / ∂ xi> by x1, x2, …, u

Inputs are multiples of 1/64, which float32 holds, and lie away from kinks, so that finite differences can be taken too.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import cells
import styles
from pictures import unpooled_square, placed, bilinear, warped, mixed_channels

ROOT = pathlib.Path(__file__).resolve().parents[2]
torch.set_default_dtype(torch.float64)


class Grid:
    """Inputs drawn from a seed of their own, so that a new case leaves the others as they were."""

    def __init__(self, name):
        self.random = np.random.default_rng([ord(letter) for letter in name])

    def __call__(self, *shape, low=-2.0, high=2.0, away=0.0):
        """Multiples of 1/64 in [low, high], none of them closer to 0 than `away`."""
        values = self.random.integers(round(low * 64), round(high * 64) + 1, size=shape) / 64
        return np.where(np.abs(values) < away, away * np.where(values < 0, -1, 1), values)

    def apart(self, a, gap=0.25):
        """Numbers that keep away from those of a."""
        return a + self(*a.shape, low=-1.5, high=1.5, away=gap)


def derivatives(scalar, sources):
    if not scalar.requires_grad:
        return [torch.zeros_like(source) for source in sources]
    grads = torch.autograd.grad(scalar, sources, create_graph=True, allow_unused=True)
    return [torch.zeros_like(s) if g is None else g for s, g in zip(sources, grads)]


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().clone().reshape(-1).tolist()]


def evaluate(name, inputs, function):
    grid = Grid("directions of " + name)
    x = [torch.tensor(array, requires_grad=True) for array in inputs]
    y = function(*x)
    u = torch.tensor(grid(*y.shape, low=-1, high=1), requires_grad=True)
    v = [torch.tensor(grid(*array.shape, low=-1, high=1)) for array in inputs]
    w = [torch.tensor(grid(*array.shape, low=-1, high=1)) for array in inputs]
    first = derivatives((u * y).sum(), x)
    second = derivatives(sum((a * b).sum() for a, b in zip(v, first)), x + [u])
    third = derivatives(sum((a * b).sum() for a, b in zip(w, second)), x + [u])
    return {
        "name": name,
        "inputs": [{"shape": list(a.shape), "values": numbers(a)} for a in x],
        "output": {"shape": list(y.shape), "values": numbers(y)},
        "cotangent": numbers(u),
        "directions": [numbers(a) for a in v],
        "secondDirections": [numbers(a) for a in w],
        "first": [numbers(a) for a in first],
        "second": [numbers(a) for a in second],
        "third": [numbers(a) for a in third],
    }


class Book:
    def __init__(self, path):
        self.path = ROOT / path
        self.cases = []

    def add(self, name, inputs, function):
        """`inputs` makes the arrays from a grid; `function` takes them as tensors."""
        self.cases.append(evaluate(name, inputs(Grid(name)), function))

    def write(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"torch": torch.__version__.split("+")[0], "numpy": np.__version__})
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        self.path.write_text(f'{{"versions": {head}, "cases": [\n{lines}\n]}}\n')
        print(f"{self.path.relative_to(ROOT)}: {len(self.cases)} cases")


def channels_first(function):
    """A function of PyTorch's on images, for images whose channels are the last axis."""
    return lambda x, *rest: function(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)


def padded_transpose(x, w):
    """A transposed convolution with output padding, of which PyTorch takes no third derivative: rows beyond the last
    window are zeros, padding is cut off."""
    full = F.pad(F.conv_transpose2d(x, w, stride=(3, 2), dilation=(2, 1)), (0, 1, 0, 2))[:, :, :, 1:-1]
    wanted = F.conv_transpose2d(x, w, stride=(3, 2), padding=(0, 1), output_padding=(2, 1), dilation=(2, 1))
    assert torch.allclose(full, wanted, rtol=0, atol=1e-12)
    return full


def distinct(g, *shape):
    """Numbers of which no two are closer than 1/16: maxima away from ties."""
    return (g.random.permutation(int(np.prod(shape))).reshape(shape) - int(np.prod(shape)) // 2) / 16


def pre_activations_apart(grid, rows, inputs, outputs, gap):
    """x, W and b whose x Wᵀ + b keeps away from 0, where relu has its kink."""
    while True:
        x, w, b = grid(rows, inputs), grid(outputs, inputs, low=-1, high=1), grid(outputs, low=-1, high=1)
        if np.abs(x @ w.T + b).min() > gap:
            return [x, w, b]


def sums_apart(grid, shapes, function, gap):
    """Arrays whose function keeps away from 0, where a rectification has its kink."""
    while True:
        arrays = [grid(*shape, low=-1, high=1) for shape in shapes]
        with torch.no_grad():
            if function(*map(torch.tensor, arrays)).abs().min() > gap:
                return arrays


def standardised(x, weight, bias):
    """Batch normalisation of the last axis in training, of which PyTorch takes no third derivative itself."""
    axes = tuple(range(x.dim() - 1))
    y = (x - x.mean(axes)) / torch.sqrt(x.var(axes, correction=0) + 1e-5) * weight + bias
    wanted = channels_first(lambda x: F.batch_norm(x, None, None, weight, bias, training=True))(x)
    assert torch.allclose(y, wanted, rtol=0, atol=1e-10)
    return y


def tensors():
    book = Book("Tests/TensorsTests/Golden/operations.json")
    plain = lambda g: [g(3, 5)]
    positive = lambda g: [g(3, 5, low=0.75, high=2.5)]
    kinked = lambda g: [g(3, 5, away=0.25)]
    for name, inputs, function in [
        ("exp", plain, torch.exp),
        ("log", positive, torch.log),
        ("log1p", lambda g: [g(3, 5, low=-0.5, high=2)], torch.log1p),
        ("expm1", plain, torch.expm1),
        ("tanh", plain, torch.tanh),
        ("sigmoid", plain, torch.sigmoid),
        ("softplus", plain, lambda x: torch.logaddexp(x, torch.zeros(()))),
        ("relu", kinked, torch.relu),
        ("erf", plain, torch.erf),
        ("squareRoot", positive, torch.sqrt),
        ("reciprocalSquareRoot", positive, torch.rsqrt),
        ("squared", plain, torch.square),
        ("reciprocal", positive, torch.reciprocal),
        ("negative", plain, torch.neg),
        ("magnitude", kinked, torch.abs),
        ("sin", plain, torch.sin),
        ("cos", plain, torch.cos),
        ("step", kinked, lambda x: (x > 0).double()),
        ("sign", kinked, torch.sign),
        ("leakyReLU", kinked, lambda x: F.leaky_relu(x, 0.25)),
        ("clamped", lambda g: [np.array([-0.5, 0.25, 1.0])[:, None] + g(3, 5, low=-0.5, high=0.5, away=0.25)],
         lambda x: torch.clamp(x, -0.5, 1.0)),
        ("plus number", plain, lambda x: x + 0.75),
        ("minus number", plain, lambda x: x - 0.75),
        ("number minus", plain, lambda x: 0.75 - x),
        ("times number", plain, lambda x: x * -1.5),
        ("number over", positive, lambda x: 1.5 / x),
        ("sum", plain, torch.sum),
        ("mean", plain, torch.mean),
        ("sumOfRows", plain, lambda x: x.sum(-1)),
        ("sumOfRows of rank 3", lambda g: [g(2, 3, 4)], lambda x: x.sum(-1)),
        ("sumOfColumns", plain, lambda x: x.sum(0)),
        ("sumOfColumns of rank 3", lambda g: [g(2, 3, 4)], lambda x: x.sum((0, 1))),
        ("repeated", lambda g: [g()], lambda x: x.expand(3, 4) * 1.0),
        ("repeatedDown", lambda g: [g(4)], lambda x: x.expand(3, 4) * 1.0),
        ("repeatedAlong", lambda g: [g(3)], lambda x: x[:, None].expand(3, 4) * 1.0),
        ("logSumExpOfRows", plain, lambda x: torch.logsumexp(x, -1)),
        ("softmax", plain, lambda x: torch.softmax(x, -1)),
        ("logSoftmax", plain, lambda x: torch.log_softmax(x, -1)),
        ("reshaped", plain, lambda x: x.reshape(5, 3)),
        ("transposed", plain, lambda x: x.T),
        ("columns", plain, lambda x: x[:, 1:4]),
        ("rows", lambda g: [g(5, 2, 2)], lambda x: x[1:4]),
        ("gatheringRows", lambda g: [g(5, 3)], lambda x: x[torch.tensor([4, 0, 4, 2])]),
        ("repeatingRows", lambda g: [g(2, 3)], lambda x: x.repeat(3, 1)),
        ("used thrice", lambda g: [g(3, 4)], lambda x: x * x.exp() + x.T.T * x),
    ]:
        book.add(name, inputs, function)
    same = lambda g: [g(3, 5), g(3, 5)]
    apart = lambda g: [(a := g(3, 5)), g.apart(a)]
    for name, inputs, function in [
        ("plus", same, torch.add),
        ("minus", same, torch.sub),
        ("times", same, torch.mul),
        ("over", lambda g: [g(3, 5), g(3, 5, away=0.5)], torch.div),
        ("maximum", apart, torch.maximum),
        ("minimum", apart, torch.minimum),
        ("product", lambda g: [g(3, 5), g(5, 4)], lambda a, b: a @ b),
        ("transposedProduct", lambda g: [g(5, 3), g(5, 4)], lambda a, b: a.T @ b),
        ("product withTransposed", lambda g: [g(3, 5), g(4, 5)], lambda a, b: a @ b.T),
        ("addingRow", lambda g: [g(3, 5), g(5)], torch.add),
        ("multiplyingRow", lambda g: [g(3, 5), g(5)], torch.mul),
        ("addingColumn", lambda g: [g(3, 5), g(3)], lambda x, c: x + c[:, None]),
        ("multiplyingColumn", lambda g: [g(3, 5), g(3)], lambda x, c: x * c[:, None]),
        ("joiningRows", lambda g: [g(2, 3, 2), g(1, 3, 2)], lambda a, b: torch.cat([a, b], 0)),
        ("joiningColumns", lambda g: [g(3, 2), g(3, 4)], lambda a, b: torch.cat([a, b], -1)),
    ]:
        book.add(name, inputs, function)
    for name, shapes, function in [
        ("convolution", [(2, 4, 5, 2), (3, 2, 3, 2)], F.conv2d),
        ("convolution of stride 2", [(2, 6, 6, 2), (3, 2, 4, 4)], lambda x, w: F.conv2d(x, w, stride=2, padding=1)),
        ("convolution with unused rows", [(1, 6, 7, 2), (2, 2, 3, 3)], lambda x, w: F.conv2d(x, w, stride=2)),
        ("convolution, all different", [(1, 7, 6, 1), (2, 1, 2, 3)],
         lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(3, 2))),
        ("transposed convolution", [(2, 3, 2, 2), (2, 3, 4, 4)],
         lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1)),
        ("transposed convolution, all different", [(1, 2, 3, 2), (2, 1, 2, 3)],
         padded_transpose),
    ]:
        book.add(name, lambda g, shapes=shapes: [g(*shape, low=-1, high=1) for shape in shapes],
                 channels_first(function))
    book.add("convolution, bias", lambda g: [g(*shape, low=-1, high=1) for shape in [(2, 4, 5, 2), (3, 2, 3, 2), (3,)]],
             channels_first(F.conv2d))
    rectified = channels_first(lambda x, w, b: F.leaky_relu(F.conv2d(x, w, b, stride=2, padding=1), 0.25))
    book.add("convolution, bias, rectified",
             lambda g: sums_apart(g, [(1, 4, 4, 2), (3, 2, 4, 4), (3,)], channels_first(
                 lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1)), gap=0.75), rectified)
    book.add("batchNormalized", lambda g: [g(3, 2, 2, 3), g(3), g(3)], standardised)
    book.add("batchNormalized, rectified", lambda g: sums_apart(
        g, [(3, 3, 1, 2), (2,), (2,)], standardised, gap=0.3), lambda *x: F.leaky_relu(standardised(*x), 0.25))
    # Narrow, as an image is: the gradient of the source is a product there.
    for name, shapes, function in [
        ("narrow transposed convolution", [(2, 3, 2, 8), (8, 3, 4, 4)],
         lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1)),
        ("narrow convolution", [(1, 5, 6, 1), (8, 1, 3, 2)], lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(1, 0))),
    ]:
        book.add(name, lambda g, shapes=shapes: [g(*shape, low=-1, high=1) for shape in shapes],
                 channels_first(function))
    for name, shape, function in [
        ("bilinearlyUpsampled", (2, 2, 3, 2), lambda x: bilinear(x, 3)),
        ("maximumPooled", (2, 4, 4, 2), lambda x: F.max_pool2d(x, 2)),
        ("maximumPooled, overlapping", (1, 5, 6, 2), lambda x: F.max_pool2d(x, 3, stride=2, padding=1)),
        ("maximumPooled, rounded up", (1, 5, 3, 2), lambda x: F.max_pool2d(x, 2, ceil_mode=True)),
        ("averagePooled", (2, 4, 5, 2), lambda x: F.avg_pool2d(x, 2)),
        ("averagePooled, overlapping", (1, 5, 6, 2), lambda x: F.avg_pool2d(x, 3, stride=2, padding=1)),
        ("upsampled", (2, 2, 3, 2), lambda x: F.interpolate(x, scale_factor=3)),
    ]:
        book.add(name, lambda g, shape=shape: [distinct(g, *shape)], channels_first(function))
    # Further apart: where two numbers change places, the result jumps.
    book.add("unpooled", lambda g: [4 * distinct(g, 1, 5, 3, 2)], channels_first(unpooled_square))
    book.add("placed", lambda g: [g(4, 4, 5, 2)],
             lambda x: placed(x, [(1, -2, False), (-1, 1, True), (0, 0, False), (-2, 0, True)]))
    book.add("warped", lambda g: [g(3, 4, 5, 2)], lambda x: warped(
        x, [(0.75, 0.25, 0.375, -0.5, 1.25, -1.125), (-1, 0, 1, 0, 1, 0), (2.125, 0, 9.25, 0, 1.875, -13.5)]))
    book.add("mixingChannels", lambda g: [g(2, 2, 3, 2)], lambda x: mixed_channels(
        x, [[[0.5, -1], [0.25, 2]], [[1, 0], [0, 1]]], [[0.125, -0.5], [0, 0]]))
    for name, inputs, function in styles.OPERATIONS:
        book.add(name, inputs, function)
    linear = lambda g: pre_activations_apart(g, 3, 5, 4, gap=0.3)
    for name, activation in [
        ("identity", lambda x: x), ("relu", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid)
    ]:
        book.add(f"linear {name}", linear, lambda x, w, b: activation(x @ w.T + b))
    book.write()


def distributions():
    book = Book("Tests/DistributionsTests/Golden/densities.json")
    half_log_2pi = 0.5 * math.log(2 * math.pi)
    three = lambda g: [g(3, 4), g(3, 4), g(3, 4)]
    for name, inputs, function in [
        ("Gaussian.logLikelihood", three,
         lambda x, m, s: (-half_log_2pi - 0.5 * (s + (x - m) ** 2 * torch.exp(-s))).sum(-1)),
        ("Gaussian.logLikelihood variance", lambda g: [g(3, 4), g(3, 4)],
         lambda x, m: torch.distributions.Normal(m, math.sqrt(0.3)).log_prob(x).sum(-1)),
        ("Gaussian.standardNormalLogLikelihood", lambda g: [g(3, 4)],
         lambda z: torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)),
        ("Gaussian.divergenceFromStandardNormal", lambda g: [g(3, 4), g(3, 4)],
         lambda m, s: 0.5 * (m ** 2 + torch.exp(s) - 1 - s).sum(-1)),
        ("Gaussian.divergence", lambda g: [g(3, 4), g(3, 4), g(3, 4), g(3, 4)],
         lambda m, s, m2, s2: torch.distributions.kl_divergence(
             torch.distributions.Normal(m, torch.exp(s / 2)), torch.distributions.Normal(m2, torch.exp(s2 / 2))).sum(-1)),
        ("Gaussian.entropy", lambda g: [g(3, 4)],
         lambda s: torch.distributions.Normal(0.0, torch.exp(s / 2)).entropy().sum(-1)),
        ("Gaussian.sample", three, lambda m, s, e: m + torch.exp(s / 2) * e),
        ("Bernoulli.logLikelihood", lambda g: [g(3, 4), g(3, 4, low=0, high=1)],
         lambda l, t: (t * F.logsigmoid(l) + (1 - t) * F.logsigmoid(-l)).sum(-1)),
        ("Bernoulli.entropy", lambda g: [g(3, 4)],
         lambda l: -(torch.sigmoid(l) * F.logsigmoid(l) + torch.sigmoid(-l) * F.logsigmoid(-l)).sum(-1)),
        ("Bernoulli.divergence", lambda g: [g(3, 4), g(3, 4)],
         lambda q, p: (torch.sigmoid(q) * (F.logsigmoid(q) - F.logsigmoid(p))
                       + torch.sigmoid(-q) * (F.logsigmoid(-q) - F.logsigmoid(-p))).sum(-1)),
        ("Categorical.logLikelihood labels", lambda g: [g(3, 5)],
         lambda l: torch.log_softmax(l, -1)[torch.arange(3), torch.tensor([4, 0, 2])]),
        ("Categorical.logLikelihood targets", lambda g: [g(3, 5), g(3, 5, low=0, high=1)],
         lambda l, t: (t * torch.log_softmax(l, -1)).sum(-1)),
        ("Categorical.entropy", lambda g: [g(3, 5)],
         lambda l: -(torch.softmax(l, -1) * torch.log_softmax(l, -1)).sum(-1)),
        ("Categorical.divergence", lambda g: [g(3, 5), g(3, 5)],
         lambda q, p: (torch.softmax(q, -1) * (torch.log_softmax(q, -1) - torch.log_softmax(p, -1))).sum(-1)),
        ("DirichletRows.divergenceFromUniform", lambda g: [g(3, 5, low=1, high=9)],
         lambda a: torch.distributions.kl_divergence(
             torch.distributions.Dirichlet(a), torch.distributions.Dirichlet(torch.ones(5)))),
        # σ = softplus(ρ), as a variational posterior has it: the derivative must arrive at ρ and not stop at σ.
        ("log q by rho", three,
         lambda w, m, r: torch.distributions.Normal(m, F.softplus(r, threshold=1e9)).log_prob(w).sum(-1)),
    ]:
        book.add(name, inputs, function)
    book.write()


def networks():
    book = Book("Tests/NetworksTests/Golden/layers.json")
    kinked = lambda g: [g(3, 5, away=0.25)]
    for name, function in [
        ("identity", lambda x: x * 1.0), ("relu", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid),
        ("leakyReLU", lambda x: F.leaky_relu(x, 0.2)),
        ("softplus", lambda x: torch.logaddexp(x, torch.zeros(()))),
        ("elu", lambda x: torch.where(x > 0, x, torch.expm1(x))),
        ("gelu", lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))),
        ("silu", lambda x: x * torch.sigmoid(x)),
    ]:
        book.add(name, kinked, function)

    def mlp(x, w0, b0, w1, b1, w2, b2):
        h = torch.tanh(F.linear(x, w0, b0))
        h = F.softplus(F.linear(h, w1, b1), threshold=1e9)
        return F.linear(h, w2, b2)

    shapes = [(4, 3), (5, 3), (5,), (6, 5), (6,), (2, 6), (2,)]
    book.add("mlp", lambda g: [g(*shape, low=-1, high=1) for shape in shapes], mlp)
    book.add("crossEntropy", lambda g: [g(3, 5)],
             lambda l: F.cross_entropy(l, torch.tensor([4, 0, 2]), reduction="none"))
    book.add("binaryCrossEntropy", lambda g: [g(3, 5), g(3, 5, low=0, high=1)],
             lambda l, t: (F.softplus(l, threshold=1e9) - l * t).sum(-1))
    book.add("squaredError", lambda g: [g(3, 5), g(3, 5)], lambda a, b: ((a - b) ** 2).sum(-1))

    def penalty(x, w0, b0, w1, b1):
        """Two-sided gradient penalty, (‖∂ critic / ∂ x‖ − 1)² (Gulrajani et al. 2017, equation 3), per row."""
        critic = F.linear(torch.tanh(F.linear(x, w0, b0)), w1, b1)
        (slope,) = torch.autograd.grad(critic.sum(), x, create_graph=True)
        return (slope.square().sum(-1).sqrt() - 1) ** 2

    def normalised(axes, function):
        """(x - mean) / sqrt(variance + 1e-5) over some axes, asserted to be PyTorch's, of whose own functions there are
        no third derivatives."""
        def apply(x, weight=torch.ones(()), bias=torch.zeros(())):
            mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
            y = (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias
            wanted = function(x, weight, bias)
            assert torch.allclose(y, wanted, rtol=0, atol=1e-10)
            return y
        return apply

    channels = lambda g: [g(3, 2, 2, 3), g(3), g(3)]
    book.add("batch normalisation", channels, normalised((0, 1, 2), channels_first(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True))))
    book.add("layer normalisation", channels, normalised((1, 2, 3), channels_first(
        lambda x, w, b: F.group_norm(x, 1, w, b))))
    book.add("layer normalisation of rows", lambda g: [g(3, 5), g(5), g(5)],
             normalised((1,), lambda x, w, b: F.layer_norm(x, (5,), w, b)))
    book.add("instance normalisation", lambda g: [g(2, 3, 3, 2)], normalised((1, 2), channels_first(
        lambda x, w, b: F.instance_norm(x))))
    book.add("pixel normalisation", lambda g: [g(2, 2, 2, 3)],
             lambda x: x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-8))
    book.add("minibatch deviation", lambda g: [g(4, 2, 2, 2)], lambda x: torch.cat(
        [x, torch.sqrt(x.var(0, correction=0) + 1e-8).mean().expand(4, 2, 2, 1)], -1))

    def spectral(x, w, b):
        """One step of power iteration from the first unit vector, of which PyTorch takes no derivative either."""
        matrix = w.reshape(w.shape[0], -1).detach()
        v = F.normalize(matrix[0], dim=0)
        u = F.normalize(matrix @ v, dim=0)
        return F.linear(x, w / (u @ w @ v), b)

    book.add("spectral normalisation", lambda g: [g(3, 4), g(5, 4), g(5)], spectral)

    for name, inputs, function in cells.CASES + styles.LAYERS:
        book.add(name, inputs, function)

    book.add("gradient penalty",
             lambda g: [g(*shape, low=-1, high=1) for shape in [(4, 3), (6, 3), (6,), (1, 6), (1,)]], penalty)
    book.write()


if __name__ == "__main__":
    tensors()
    distributions()
    networks()
