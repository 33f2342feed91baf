"""What the benchmarks share: how Elbo and its peers are run in turns, and the table of their ratios.

All get the same processors (by affinity) and as many threads. A round runs each of them once, one after the other; so
what else the machine does falls on all alike. A measurement is the median of chunks of steps, the first ones
(compilation, warm-up) left out; a ratio is taken within a round; what is printed is the median of the rounds, and their
range.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).resolve().parent / "peers"
ELBO = HOUSE / ".build/release/elbo"
BENCH = HOUSE / ".build/release/elbo-bench"

# glibc gives large blocks back to the system and takes page faults to get them again; these keep it from that. The
# first is the greatest that it accepts.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}

# Makes MKL take every processor for one of its vendor's, and so use its fast products.
MKL_SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"


@dataclass
class Contender:
    name: str
    script: str
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    tuned: bool = True


def options(description: str, rounds: int, chunks: int, warmup: int, steps: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--chunks", type=int, default=chunks, help=f"chunks timed in a round (default {chunks})")
    parser.add_argument("--warmup", type=int, default=warmup, help=f"chunks before them (default {warmup})")
    parser.add_argument("--steps", type=int, default=steps, help=f"steps in a chunk (default {steps})")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="peers whose names contain one of these")
    parser.set_defaults(python=os.environ.get("PYTHON", "python3"))
    return parser


def chosen(peers: list[Contender], o: argparse.Namespace) -> list[Contender]:
    return [peer for peer in peers if not o.only or any(word.lower() in peer.name.lower() for word in o.only)]


def processors(threads: int) -> list[int]:
    """As many of the processors that may be used, no two of them on one core where that can be had."""
    allowed = sorted(os.sched_getaffinity(0))
    first_of_core: dict[str, int] = {}
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        first_of_core.setdefault(siblings.read_text() if siblings.exists() else str(cpu), cpu)
    chosen = list(first_of_core.values())
    chosen += [cpu for cpu in allowed if cpu not in chosen]
    if len(chosen) < threads:
        sys.exit(f"{threads} threads were asked for, but there are {len(chosen)} processors")
    return chosen[:threads]


def run(command: list[str], threads: int, environment: dict[str, str] | None = None) -> str:
    """Runs a command on so many processors and returns what it prints; raises RuntimeError with its last words."""
    cpus = processors(threads)
    result = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})}, text=True,
        capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    if result.returncode:
        words = result.stderr.strip().splitlines()
        raise RuntimeError(words[-1] if words else f"exit status {result.returncode}")
    return result.stdout


def build(*products: str) -> None:
    for product in products:
        subprocess.run(
            ["swift", "build", "--package-path", str(HOUSE), "-c", "release", "--product", product], check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def time_elbo(model: str, threads: int, o: argparse.Namespace, settings: list[str]) -> list[float]:
    """Milliseconds a step, of each chunk, as `elbo train` reports them in metrics.jsonl."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/run"
        settings = [f"train.report_every={o.steps}", *settings]
        run(
            [str(ELBO), "train", model, "--data", o.data, "--shards", str(threads), "--lanes", str(threads), "--quiet",
             "--json", "--out", out, "--steps", str((o.warmup + o.chunks) * o.steps),
             *(word for setting in settings for word in ("--set", setting))], threads,
            {"PATH": "/nonexistent"})  # no gnuplot: figures are not what is timed
        seconds = [0.0] + [json.loads(line)["seconds"] for line in open(f"{out}/metrics.jsonl")]
    return [(b - a) * 1000 / o.steps for a, b in zip(seconds, seconds[1:])][o.warmup:]


def time_peer(peer: Contender, threads: int, o: argparse.Namespace) -> list[float]:
    output = run(
        [o.python, str(PEERS / peer.script), "--data", o.data, "--threads", str(threads), "--chunks", str(o.chunks),
         "--warmup", str(o.warmup), "--steps", str(o.steps), *peer.arguments], threads, peer.environment)
    return json.loads(output.strip().splitlines()[-1])["milliseconds"]


def compare(threads: int, time_elbo: Callable[[int], list[float]], peers: list[Contender], o: argparse.Namespace) -> None:
    """Runs the rounds and prints the table."""
    times: dict[str, list[float]] = {name: [] for name in ["Elbo", *(p.name for p in peers)]}
    failed: dict[str, str] = {}
    for number in range(o.rounds):
        times["Elbo"].append(statistics.median(time_elbo(threads)))
        for peer in peers:
            if peer.name in failed:
                continue
            try:
                times[peer.name].append(statistics.median(time_peer(peer, threads, o)))
            except RuntimeError as error:
                failed[peer.name] = str(error)
            print(f"\r{threads} threads, round {number + 1} of {o.rounds}: {peer.name}\033[K", end="", file=sys.stderr)
    print("\r\033[K", end="", file=sys.stderr)

    print(f"\n{threads} thread{'s' if threads > 1 else ''}: milliseconds a step, and how many times Elbo's; median (least … greatest) of {o.rounds} rounds")
    width = max(len(name) for name in times)
    medians: dict[str, float] = {}
    for name, values in times.items():
        if name in failed:
            print(f"  {name:<{width}}  failed: {failed[name]}")
            continue
        ratios = [value / elbo for value, elbo in zip(values, times["Elbo"])]
        medians[name] = statistics.median(ratios)
        spread = "" if name == "Elbo" else f"   × {medians[name]:.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        print(f"  {name:<{width}}  {statistics.median(values):7.3f} ms ({min(values):.3f} … {max(values):.3f}){spread}")
    tuned = {p.name: medians[p.name] for p in peers if p.tuned and p.name in medians}
    if tuned:
        best = min(tuned, key=tuned.get)
        print(f"  best tuned peer: {best}, × {tuned[best]:.2f}")


def is_amd() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "AuthenticAMD" in cpuinfo.read_text()


def build_shim(folder: str) -> Path | None:
    compiler = shutil.which("cc") or shutil.which("clang")
    if not (is_amd() and compiler):
        return None
    source, library = Path(folder) / "mkl.c", Path(folder) / "mkl.so"
    source.write_text(MKL_SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def describe_machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.*)$", cpuinfo.read_text(), re.M) if cpuinfo.exists() else []
    return f"{names[0] if names else 'unknown processor'}, {len(os.sched_getaffinity(0))} processors"
