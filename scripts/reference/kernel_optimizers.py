"""Writes Tests/CKernelsTests/Golden/optimizers.json: trajectories of PyTorch's optimisers over given gradients.

Float32, foreach and fused off, so that the plain single-tensor code is the reference.

    python scripts/reference/kernel_optimizers.py
"""

import json
import pathlib

import torch

SIZE, STEPS = 7, 25
CASES = [
    ("sgd", "plain", torch.optim.SGD, dict(lr=0.1)),
    ("sgd", "decay", torch.optim.SGD, dict(lr=0.05, weight_decay=0.1)),
    ("momentum", "plain", torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    ("momentum", "dampened", torch.optim.SGD, dict(lr=0.1, momentum=0.8, dampening=0.3, weight_decay=0.05)),
    ("momentum", "nesterov", torch.optim.SGD, dict(lr=0.03, momentum=0.95, nesterov=True, weight_decay=0.01)),
    ("adagrad", "plain", torch.optim.Adagrad, dict(lr=0.2, eps=1e-10)),
    ("adagrad", "decay", torch.optim.Adagrad, dict(lr=0.05, eps=1e-3, weight_decay=0.1)),
    ("rmsprop", "plain", torch.optim.RMSprop, dict(lr=0.01, alpha=0.99, eps=1e-8)),
    ("rmsprop", "decay", torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, eps=1e-4, weight_decay=0.1)),
    ("adam", "plain", torch.optim.Adam, dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8)),
    ("adam", "coupled", torch.optim.Adam, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.1)),
    ("adam", "decoupled", torch.optim.AdamW, dict(lr=0.05, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)),
]


def digits(tensor):
    """Nine digits hold a float exactly."""
    return [float(f"{x:.9g}") for x in tensor.tolist()]


def trajectory(kind, name, optimizer, options):
    generator = torch.Generator().manual_seed(7)
    start = torch.randn(SIZE, generator=generator)
    gradients = torch.randn(STEPS, SIZE, generator=generator)
    gradients[:, 0] = 0  # an element that never has a gradient
    scale = 0.5
    parameter = torch.nn.Parameter(start.clone())
    instance = optimizer([parameter], foreach=False, **options)
    weights = []
    for gradient in gradients:
        parameter.grad = gradient * scale
        instance.step()
        weights.append(digits(parameter.detach()))
    options = {k: list(v) if isinstance(v, tuple) else float(v) for k, v in options.items()}
    return dict(
        kind=kind, name=name, options=options, decoupled=optimizer is torch.optim.AdamW, scale=scale,
        start=digits(start), gradients=[digits(g) for g in gradients], weights=weights,
    )


if __name__ == "__main__":
    target = pathlib.Path(__file__).parents[2] / "Tests/CKernelsTests/Golden/optimizers.json"
    target.parent.mkdir(exist_ok=True)
    document = dict(torch=torch.__version__, cases=[trajectory(*case) for case in CASES])
    target.write_text(json.dumps(document) + "\n")
    print(target, len(document["cases"]))
