"""Memory over many steps, and how soon the coordinator answers while everything computes."""

import argparse
import os
import subprocess
import sys
import time

from .cluster import Job, percentile, undisturbed
from .wire import Asker


def memory(o: argparse.Namespace) -> None:
    """Resident memory of coordinator and nodes over a training of many steps."""
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    job = Job(options, o.nodes, 1.0)
    samples: list[tuple[int, list[int]]] = []
    try:
        while job.coordinator.process.poll() is None:
            processes = [job.coordinator, *job.nodes]
            try:
                samples.append((job.steps(), [p.rss() for p in processes]))
            except OSError:
                break
            print(f"\rstep {samples[-1][0]} of {o.steps}\033[K", end="", file=sys.stderr)
            time.sleep(0.5)
        result = job.finish()
    finally:
        job.close()
    print("\r\033[K", end="", file=sys.stderr)
    samples = [s for s in samples if all(s[1])]
    print(f"resident memory, MB, over {o.steps} steps of {o.model} with {o.nodes} nodes")
    print("| step | coordinator | " + " | ".join(f"node {i + 1}" for i in range(o.nodes)) + " |")
    print("|---|---|" + "---|" * o.nodes)
    for share in [0.1, 0.25, 0.5, 0.75, 0.98]:
        step, kilobytes = min(samples, key=lambda s: abs(s[0] - share * o.steps))
        print(f"| {step} | " + " | ".join(f"{k / 1000:.1f}" for k in kilobytes) + " |")
    equal = result == undisturbed(options).hash
    print(f"hash {'equal' if equal else 'NOT EQUAL'} to that of one process")
    early = min(samples, key=lambda s: abs(s[0] - 0.25 * o.steps))[1]
    growth = [late - first for late, first in zip(samples[-1][1], early)]
    print("growth from a quarter to the end, kB: " + ", ".join(map(str, growth)))
    if not equal or max(growth) > o.growth:
        sys.exit(1)


def control(o: argparse.Namespace) -> None:
    """Time of a question for the status, with all lanes computing."""
    options = [o.model, "--data", o.data, "--steps", "1000000000", "--shards", "4", *o.set]
    job = Job(options, o.nodes, 1.0)
    try:
        job.wait_steps(0)
        asker = Asker(job.endpoint)
        times = []
        for _ in range(o.count):
            start = time.monotonic()
            if asker.status(5000) is None:
                raise RuntimeError("no answer in 5 s")
            times.append((time.monotonic() - start) * 1000)
            time.sleep(0.01)
        busy = os.getloadavg()[0]
        state = asker.status(5000)
        stages = [node.stage for node in state.nodes]
    finally:
        job.close()
    print(f"{o.count} questions for the status while {o.nodes} nodes compute on {os.cpu_count()} processors (load {busy:.1f}, "
          f"stages {stages}): p50 {percentile(times, 0.5):.2f} ms, p99 {percentile(times, 0.99):.2f} ms, "
          f"greatest {max(times):.2f} ms")
    if percentile(times, 0.99) > 50:
        sys.exit(1)


def disk(o: argparse.Namespace) -> None:
    """A run folder on a file system that is full before the training is over; needs root, for the mount."""
    from .cluster import ELBO, ENVIRONMENT

    script = ('mount -t tmpfs -o size=1500k none "$1" && shift && exec "$@"')
    folder = os.path.join(o.data, "..", "small")
    os.makedirs(folder, exist_ok=True)
    start = time.monotonic()
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", folder, ELBO, "launch", o.model, "--nodes", "2", "--data", o.data, "--steps",
         "1000000", "--set", "train.report_every=1", "--out", f"{folder}/run", "--quiet", "--json", "--lanes", "1", *o.set],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**ENVIRONMENT, "PATH": os.environ["PATH"]}, timeout=300)
    words = result.stderr.strip().splitlines()
    print(f"full disk after {time.monotonic() - start:.1f} s: exit status {result.returncode}, says: {words[-1] if words else ''}")
    left = subprocess.run(["pgrep", "-f", f"{ELBO} node"], capture_output=True, text=True).stdout.split()
    print(f"processes left behind: {len(left)}")
    if result.returncode != 1 or not words or len(left):
        sys.exit(1)
