"""Golden trajectories of every optimiser and schedule, in float64 by PyTorch (torch.optim).

    python scripts/reference/optimizers.py

writes Tests/OptimizersTests/Golden/*.json. A trajectory is the parameters after each step under a fixed list of
gradients, which float32 holds, so that the rule is tested and not what a slightly different gradient would do.
"""

import json
import pathlib

import numpy as np
import torch

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "OptimizersTests" / "Golden"
torch.set_default_dtype(torch.float64)
STEPS, WIDTH = 15, 7


def numbers(values):
    return [float(f"{value:.12g}") for value in values]


def trajectories():
    random = np.random.default_rng(20)
    start = random.integers(-128, 129, size=WIDTH) / 64
    gradients = random.integers(-128, 129, size=(STEPS, WIDTH)) / 64
    gradients[3] = 0  # a step without any gradient
    gradients[:, 5] /= 1024  # a parameter that the loss hardly depends on
    gradients[:, 6] = 0  # one on which it does not depend
    optim = torch.optim
    cases = []
    for name, make in [
        ("sgd", lambda p: optim.SGD(p, lr=0.1)),
        ("sgd decay", lambda p: optim.SGD(p, lr=0.1, weight_decay=0.3)),
        ("momentum", lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
        ("momentum dampening", lambda p: optim.SGD(p, lr=0.1, momentum=0.8, dampening=0.4)),
        ("momentum decay", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.3)),
        ("nesterov", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        ("nesterov decay", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.3)),
        ("adagrad", lambda p: optim.Adagrad(p, lr=0.1)),
        ("adagrad decay", lambda p: optim.Adagrad(p, lr=0.1, weight_decay=0.3)),
        ("rmsProp", lambda p: optim.RMSprop(p, lr=0.1)),
        ("rmsProp decay", lambda p: optim.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-4, weight_decay=0.3)),
        ("adam", lambda p: optim.Adam(p, lr=0.1)),
        ("adam decay", lambda p: optim.Adam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.3)),
        ("adamW", lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.3)),
        ("adamW other", lambda p: optim.AdamW(p, lr=0.1, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.01)),
        ("adam without memory", lambda p: optim.Adam(p, lr=0.1, betas=(0.0, 0.0))),
    ]:
        parameters = torch.tensor(start, requires_grad=True)
        optimizer = make([parameters])
        path = []
        for gradient in gradients:
            parameters.grad = torch.tensor(gradient)
            optimizer.step()
            path.append(numbers(parameters.tolist()))
        cases.append({"name": name, "path": path})
    return {"start": numbers(start), "gradients": [numbers(g) for g in gradients], "cases": cases}


def schedules():
    total, warmup = 40, 8
    s = torch.optim.lr_scheduler
    cases = []
    for name, make in [
        ("constant", lambda o: s.ConstantLR(o, factor=1)),
        ("cosine", lambda o: s.CosineAnnealingLR(o, T_max=total)),
        ("cosine floor", lambda o: s.CosineAnnealingLR(o, T_max=total, eta_min=0.1)),
        ("linear floor", lambda o: s.LinearLR(o, start_factor=1, end_factor=0.1, total_iters=total)),
        ("steps", lambda o: s.StepLR(o, step_size=7, gamma=0.5)),
        ("exponential", lambda o: s.ExponentialLR(o, gamma=0.9)),
        ("warm-up", lambda o: s.LinearLR(o, start_factor=1 / warmup, total_iters=warmup - 1)),
        ("warm-up cosine", lambda o: s.SequentialLR(
            o, [s.LinearLR(o, start_factor=1 / warmup, total_iters=warmup - 1),
                s.CosineAnnealingLR(o, T_max=total - warmup, eta_min=0.1)], milestones=[warmup])),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule = make(optimizer)
        factors = []
        for _ in range(total):
            factors.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        cases.append({"name": name, "factors": numbers(factors)})
    return {"total": total, "warmup": warmup, "cases": cases}


def write(name, contents):
    GOLDEN.mkdir(parents=True, exist_ok=True)
    cases = contents.pop("cases")
    head = json.dumps({"torch": torch.__version__.split("+")[0], "numpy": np.__version__})
    fields = "".join(f' "{key}": {json.dumps(value)},\n' for key, value in contents.items())
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (GOLDEN / name).write_text(f'{{"versions": {head},\n{fields} "cases": [\n{lines}\n]}}\n')
    print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    write("trajectories.json", trajectories())
    write("schedules.json", schedules())
