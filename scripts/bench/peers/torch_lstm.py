"""Steps of a recurrent language model in PyTorch (Zaremba et al. 2014, small): the module's LSTM, SGD, a clipped norm."""

import torch
from steps import measure, options
from torch import nn

TOKENS, UNITS, LAYERS, BATCH, UNROLL = 10_000, 200, 2, 20, 20


def main() -> None:
    parser = options()
    parser.add_argument("--flush-denormals", action="store_true")
    parser.add_argument("--fused", action="store_true", help="the update and the norm in one kernel each")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    if o.flush_denormals:
        torch.set_flush_denormal(True)
    words = {word: number for number, word in enumerate(sorted(set(open(o.data).read().split())))}
    text = torch.tensor([words[word] for word in open(o.data).read().split()])
    length = (len(text) - 1) // BATCH
    streams = text[:BATCH * length].reshape(BATCH, length).T.contiguous()
    embedding, lstm, readout = nn.Embedding(TOKENS, UNITS), nn.LSTM(UNITS, UNITS, LAYERS), nn.Linear(UNITS, TOKENS)
    parameters = [p for module in (embedding, lstm, readout) for p in module.parameters()]
    for p in parameters:
        nn.init.uniform_(p, -0.1, 0.1)
    optimizer = torch.optim.SGD(parameters, lr=1.0, fused=o.fused or None)
    state, place = None, 0

    def chunk() -> float:
        nonlocal state, place
        for _ in range(o.steps):
            if place + UNROLL + 1 > length:
                state, place = None, 0
            x, y = streams[place:place + UNROLL], streams[place + 1:place + UNROLL + 1]
            output, state = lstm(embedding(x), state)
            state = tuple(s.detach() for s in state)
            loss = nn.functional.cross_entropy(readout(output.reshape(-1, UNITS)), y.reshape(-1), reduction="sum") / BATCH
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 5.0, foreach=o.fused or None)
            optimizer.step()
            place += UNROLL
        return float(loss.detach())

    measure(o, chunk)


if __name__ == "__main__":
    main()
