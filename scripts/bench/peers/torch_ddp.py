"""Data-parallel steps in PyTorch (DistributedDataParallel over gloo), or gloo's all-reduce alone.

    torch_ddp.py --model vae --world 2 --batch 100 …       milliseconds a step, of each chunk
    torch_ddp.py --allreduce 0.1 1 10 100 --world 2        milliseconds an all-reduce, by megabytes
    torch_ddp.py … --rank 0 --master 10.77.0.1:29500       one process a machine: each says which it is
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
from steps import RATE, images
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch_vae import VAE


class Network(nn.Module):
    """784-1200-1200-10, 2.4 million parameters, with the cross-entropy as its output."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.layers(x), (x[:, 0] * 0).long())


def train(rank: int, o: argparse.Namespace) -> list[float]:
    data = torch.from_numpy(images(o.data))
    model = VAE() if o.model == "vae" else Network()
    loss_of = model
    if o.world > 1:
        more = {"gradient_as_bucket_view": True, "static_graph": True} if o.tuned else {}
        loss_of = DistributedDataParallel(model, **more)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=o.tuned or None)
    part = o.batch // o.world
    order: list[torch.Tensor] = []
    milliseconds = []
    for _ in range(o.warmup + o.chunks):
        start = time.perf_counter()
        for _ in range(o.steps):
            if not order:
                order.extend(b for b in torch.randperm(len(data)).split(o.batch) if len(b) == o.batch)
            loss = loss_of(data[order.pop()[rank * part:(rank + 1) * part]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss.item()
        milliseconds.append((time.perf_counter() - start) * 1000 / o.steps)
    return milliseconds[o.warmup:]


def reduce(o: argparse.Namespace) -> dict[str, float]:
    result = {}
    for megabytes in o.allreduce:
        vector = torch.ones(int(megabytes * 1e6) // 4)
        rounds = max(8, min(100, int(400 / megabytes)))
        times = []
        for _ in range(rounds + 3):
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(vector)
            times.append((time.perf_counter() - start) * 1000)
            vector.fill_(1)
        result[str(megabytes)] = statistics.median(times[3:])
    return result


def work(rank: int, o: argparse.Namespace) -> None:
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    if o.tuned:
        torch.set_flush_denormal(True)
    if o.world > 1:
        host, port = o.master.rsplit(":", 1)
        dist.init_process_group("gloo", init_method=f"tcp://{host}:{port}", rank=rank, world_size=o.world)
    answer = reduce(o) if o.allreduce else {"milliseconds": train(rank, o)}
    if rank == 0:
        print(json.dumps(answer), flush=True)
    if o.world > 1:
        dist.barrier()
        dist.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["vae", "mlp"], default="vae")
    parser.add_argument("--world", type=int, default=2)
    parser.add_argument("--batch", type=int, default=100, help="of all processes together")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--chunks", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--tuned", action="store_true", help="fused Adam, buckets as views, a static graph, no denormals")
    parser.add_argument("--allreduce", type=float, nargs="+", metavar="MEGABYTES")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--rank", type=int)
    parser.add_argument("--master", default=f"127.0.0.1:{29500 + os.getpid() % 2000}")
    o = parser.parse_args()
    if o.rank is not None or o.world == 1:
        work(o.rank or 0, o)
    else:
        torch.multiprocessing.spawn(work, args=(o,), nprocs=o.world)


if __name__ == "__main__":
    main()
