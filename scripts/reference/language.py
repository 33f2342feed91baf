"""Golden values of dynamic evaluation, in float64 by PyTorch: the update rule of Krause et al. 2018.

    python scripts/reference/language.py

writes Tests/ModelsTests/Golden/language.json: the numbers of a language model (an LSTM of 3 units and 7 tokens, in the order of
Elbo's layout), and the mean −log p of a text that counts, whose segments of 4 tokens are scored and then learned.
Statistics of the gradient are of a text of squares, in segments of 4 tokens of 3 streams.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests/ModelsTests/Golden/language.json"
SHAPES = [(7, 3), (12, 3), (12,), (12, 3), (12,), (7, 3), (7,)]
SEGMENT = 4
torch.set_default_dtype(torch.float64)


def read(w, tokens, state):
    """The mean −log p of a segment, [steps + 1, streams], and the state behind it."""
    embedding, wi, bi, wh, bh, readout, bias = w
    h, c = state
    losses = []
    for now, after in zip(tokens[:-1], tokens[1:]):
        i, f, g, o = (F.linear(embedding[now], wi, bi) + F.linear(h, wh, bh)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        losses.append(F.cross_entropy(F.linear(h, readout, bias), after))
    return torch.stack(losses).mean(), (h.detach(), c.detach())


def segments(text, streams):
    """Windows of each stream; streams of equal lengths."""
    length = (len(text) - 1) // streams
    assert streams * length == len(text) - 1 and length % SEGMENT == 0
    columns = torch.tensor([text[s * length:(s + 1) * length + 1] for s in range(streams)]).T
    return [columns[start:start + SEGMENT + 1] for start in range(0, length, SEGMENT)]


def zeros(streams):
    return torch.zeros(streams, 3), torch.zeros(streams, 3)


def roots(w, text, streams):
    squares, state, count = [torch.zeros_like(x) for x in w], zeros(streams), 0
    for segment in segments(text, streams):
        loss, state = read(w, segment, state)
        for s, g in zip(squares, torch.autograd.grad(loss, w)):
            s += g * g
        count += 1
    return [(s / count).sqrt() for s in squares]


def evaluate(w, text, steps, pulls):
    origin, w, state, total, count = w, [x.detach().clone().requires_grad_() for x in w], zeros(1), 0.0, 0
    for segment in segments(text, 1):
        loss, state = read(w, segment, state)
        total, count = total + float(loss.detach()), count + 1
        gradients = torch.autograd.grad(loss, w)
        with torch.no_grad():
            for x, x0, g, step, pull in zip(w, origin, gradients, steps, pulls):
                x += pull * (x0 - x) - step * g
    return total / count


def main():
    random = np.random.default_rng(19)
    w = [torch.tensor(random.integers(-64, 65, size=shape) / 64, requires_grad=True) for shape in SHAPES]
    train, test = [k * k % 7 for k in range(361)], [k % 7 for k in range(81)]
    root = roots(w, train, 3)
    mean = sum(float(r.mean()) for r in root) / len(root)
    ones = [torch.ones_like(x) for x in w]
    cases = {
        "static": evaluate(w, test, [0 * o for o in ones], [0 * o for o in ones]),
        "sgd": evaluate(w, test, [0.3 * o for o in ones], [0.02 * o for o in ones]),
        "rms": evaluate(
            w, test, [0.02 / (r + 2e-5) for r in root], [torch.clamp(0.1 * r / mean, max=1.0) for r in root]),
    }
    GOLDEN.write_text(json.dumps({
        "versions": {"torch": torch.__version__.split("+")[0], "numpy": np.__version__},
        "train": train, "test": test, "numbers": [x.detach().reshape(-1).tolist() for x in w], "nll": cases}) + "\n")


if __name__ == "__main__":
    main()
