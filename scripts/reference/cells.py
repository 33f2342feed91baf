"""Recurrent cells and the table of tokens, for gradients.py: written out, and asserted to be PyTorch's, of whose own functions
there are no third derivatives."""

import torch
import torch.nn.functional as F


def gru(x, h, w, b, u, c):
    (xr, xz, xn), (hr, hz, hn) = F.linear(x, w, b).chunk(3, 1), F.linear(h, u, c).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    y = (1 - z) * torch.tanh(xn + r * hn) + z * h
    assert torch.allclose(y, torch.gru_cell(x, h, w, u, b, c), rtol=0, atol=1e-12)
    return y


def lstm(x, state, w, b, u, c):
    """The state is h and then c."""
    h, c0 = state.chunk(2, 1)
    i, f, g, o = (F.linear(x, w, b) + F.linear(h, u, c)).chunk(4, 1)
    c1 = torch.sigmoid(f) * c0 + torch.sigmoid(i) * torch.tanh(g)
    y = torch.cat([torch.sigmoid(o) * torch.tanh(c1), c1], 1)
    assert torch.allclose(y, torch.cat(torch.lstm_cell(x, (h, c0), w, u, b, c), 1), rtol=0, atol=1e-12)
    return y


def lstm_window(sums, state, u, mask=None):
    """Three steps of two sequences of 4 units, from what inputs and biases add up to: h and c behind every step."""
    h, c = state.chunk(2, 1)
    states = []
    for step in range(3):
        rows = slice(2 * step, 2 * step + 2)
        i, f, g, o = (sums[rows] + (h if mask is None else h * mask[rows]) @ u.T).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(torch.cat([h, c], 1))
    return torch.cat(states)


def lstm_unrolled(x, state, w, b, u, c):
    """What all steps put out, and the last state."""
    states = lstm_window(F.linear(x, w, b + c), state, u)
    return torch.cat([states[:, :4].reshape(-1), states[-2:].reshape(-1)]).reshape(1, -1)


MASK = torch.tensor([0.0 if k % 3 == 1 else 1.5 for k in range(24)], dtype=torch.float64).reshape(6, 4)


def cell(gates, states):
    """Two inputs of 3 numbers, states of 4 numbers each, and the parameters."""
    shapes = [(2, 3), (2, 4 * states), (4 * gates, 3), (4 * gates,), (4 * gates, 4), (4 * gates,)]
    return lambda grid: [grid(*shape, low=-1, high=1) for shape in shapes]


CASES = [
    ("gru cell", cell(3, 1), gru), ("lstm cell", cell(4, 2), lstm),
    ("lstm window", lambda grid: [grid(6, 16, low=-1, high=1), grid(2, 8, low=-1, high=1), grid(16, 4, low=-1, high=1)],
     lambda sums, state, u: lstm_window(sums, state, u, MASK)),
    ("lstm unrolled", lambda grid: [grid(6, 3, low=-1, high=1)] + cell(4, 2)(grid)[1:], lstm_unrolled),
    ("embedding", lambda grid: [grid(5, 3)], lambda w: w[torch.tensor([4, 0, 4, 2])]),
]
