"""Kills nodes and coordinators, one after the other, and compares the results with the undisturbed one."""

import argparse
import random
import signal
import sys
import time
from collections import defaultdict

from .cluster import Job, Process, percentile, undisturbed

FAULTS = ["SIGKILL of a node", "SIGSTOP of a node", "SIGTERM of a node", "SIGKILL of the coordinator",
          "SIGKILL of a node and of the coordinator"]


class Record:
    def __init__(self) -> None:
        self.count = 0
        self.detection: list[float] = []
        self.recovery: list[float] = []
        self.unequal = 0


def left_out(job: Job, name: str, since: float, seconds: float = 600) -> float | None:
    """When the coordinator announced a view without this node; None: it has not, since the node was none or all is over."""
    def announced() -> float | None:
        for at, line in job.coordinator.lines:
            # "view 7: n1, n3 (cause)"
            if at > since and line.startswith("view ") and name not in line.split(" (")[0].replace(",", "").split()[2:]:
                return at
        return None

    end = time.monotonic() + seconds
    look = since + 6
    while time.monotonic() < end:
        at = announced()
        if at is not None or job.coordinator.process.poll() is not None:
            return at
        if time.monotonic() > look:
            # One that was given up before, and had not been taken back; or just now, while the coordinator answered.
            look += 6
            nodes = job.status().get("nodes", [])
            if nodes and not any(n["name"] == name and n["state"] in ("member", "suspect", "stuck") for n in nodes):
                time.sleep(1)
                return announced()
        time.sleep(0.002)
    raise RuntimeError(f"{name} is not left out\n{job.situation()}")


def disturb(job: Job, choice: random.Random, fault: str, records: dict) -> tuple[str, str] | None:
    """One fault, and the wait until the training has recovered or is over; None: it was over before."""
    if fault == FAULTS[3]:
        start = time.monotonic()
        job.restart()
        step = job.steps()
        moved = job.wait_steps(step + 3)
        if moved is None:
            return fault, "any"
        record = records[fault, "any"]
        record.count += 1
        record.recovery.append(moved - start)
        return fault, "any"

    # Of the last one alive nobody would take over: what it has done since the last checkpoint would be done again.
    job.wait_members(2)
    alive = [node for node in job.nodes if node.process.poll() is None]
    if job.coordinator.process.poll() is not None or not alive:
        return None
    node: Process
    is_extra = choice.random() < 0.15 and fault == FAULTS[0]
    if is_extra:
        # One that has just been started.
        node = job.join()
        name = f"n{job.names}"
        time.sleep(choice.random() * 0.4)
        stage = "joining" if not any("shards" in line for _, line in node.lines) else node.stage()
    else:
        node = choice.choice(alive)
        name = f"n{job.nodes.index(node) + 1}"
        stage = node.stage()
    step = job.steps()
    # Either first, and the other within a heartbeat.
    apart = choice.uniform(-1, 1) * job.heartbeat if fault == FAULTS[4] else 0.0
    if apart < 0:
        job.restart()
        time.sleep(-apart)
    start = time.monotonic()
    node.signal({FAULTS[1]: signal.SIGSTOP, FAULTS[2]: signal.SIGTERM}.get(fault, signal.SIGKILL))
    if apart > 0:
        time.sleep(apart)
        job.restart()
    record = records[fault, stage]
    record.count += 1
    was_member = any("shards" in line for _, line in node.lines)
    if was_member:
        gone = left_out(job, name, start)
        # Until it listens no coordinator can notice anything.
        start = max(start, job.coordinator.lines[0][0])
        step = max(step, job.steps())
        moved = job.wait_steps(step)
        if moved is None:
            return fault, stage
        if gone is not None:
            record.detection.append(gone - start)
            record.recovery.append(max(0.0, moved - gone))
            if gone - start > 3 * job.heartbeat + 2 or moved - gone > 2:
                print(f"\n{fault} ({stage}, {name}, {apart:.2f} s apart) at {start:.3f}: noticed after {gone - start:.1f} s, "
                      f"goes on {moved - gone:.1f} s later\n{job.story(start - 20)}")
    # One that has only begun may not listen to signals yet.
    leaving = [130] if was_member else [130, -signal.SIGTERM]
    if fault == FAULTS[1]:
        node.signal(signal.SIGCONT)
    elif node.wait(600) and fault == FAULTS[2] and node.process.returncode not in leaving:
        raise RuntimeError(f"{name} ended with {node.process.returncode}\n{job.situation()}")
    if fault != FAULTS[1] and not is_extra:
        job.join()
    return fault, stage


def run(o: argparse.Namespace) -> None:
    seed = o.seed if o.seed is not None else int(time.time())
    choice = random.Random(seed)
    print(f"seed {seed}")
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    expected = undisturbed(options)
    records: dict[tuple[str, str], Record] = defaultdict(Record)
    faults = jobs = 0
    began = time.monotonic()
    while faults < o.count and time.monotonic() < began + o.seconds:
        job = Job(options, o.nodes, o.heartbeat)
        done: list[tuple[str, str]] = []
        try:
            if job.wait_steps(0) is None:
                raise RuntimeError(f"the training is over before it is disturbed: {job.coordinator.lines[-3:]}")
            while faults < o.count and time.monotonic() < began + o.seconds:
                time.sleep(choice.expovariate(1 / o.pause))
                if job.coordinator.process.poll() is not None:
                    break
                fault = choice.choices(FAULTS, o.weights)[0]
                did = disturb(job, choice, fault, records)
                if did is None:
                    break
                done.append(did)
                faults += 1
                print(f"\r{faults} faults, {jobs} jobs, step {job.steps()}: {fault}\033[K", end="", file=sys.stderr)
            result = job.finish()
            if result != expected.hash:
                print(f"\nUNEQUAL after {done}: {job.difference(expected)}")
        finally:
            job.close()
        jobs += 1
        if result != expected.hash:
            for key in done:
                records[key].unequal += 1
    print("\r\033[K", end="", file=sys.stderr)
    print(f"{faults} faults in {jobs} trainings of {o.steps} steps in {time.monotonic() - began:.0f} s, {o.nodes} nodes, "
          f"heartbeat {o.heartbeat} s: {sum(r.unequal for r in records.values())} faults with an unequal result")
    print("| fault | phase of the step | faults | same hash | detection p50 / p99, s | recovery after it p50 / p99, s |")
    print("|---|---|---|---|---|---|")
    for (fault, stage), r in sorted(records.items(), key=lambda item: (FAULTS.index(item[0][0]), item[0][1])):
        def pair(values: list[float]) -> str:
            return f"{percentile(values, 0.5):.3f} / {percentile(values, 0.99):.3f}" if values else "–"
        print(f"| {fault} | {stage} | {r.count} | {'yes' if not r.unequal else 'NO'} | {pair(r.detection)} | {pair(r.recovery)} |")
    every = [v for r in records.values() for v in r.recovery]
    print(f"recovery of all: p50 {percentile(every, 0.5):.3f} s, p99 {percentile(every, 0.99):.3f} s")
    if any(r.unequal for r in records.values()):
        sys.exit(1)
