"""A fault in each phase of a step, so many times: is the hash the undisturbed one, and how soon does it go on?"""

import argparse
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from .cluster import Job, Process, percentile, undisturbed
from .kills import left_out
from .phases import PHASES, Symbols, stop_at

KILL, STOP, TERM, COORDINATOR, JOIN = FAULTS = [
    "SIGKILL of a node", "SIGSTOP, later SIGCONT", "SIGTERM of a node", "SIGKILL of the coordinator", "another node joins"]


@dataclass
class Cell:
    detection: list[float] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    equal: int = 0
    unequal: int = 0

    def row(self, fault: str, phase: str) -> str:
        def pair(values: list[float]) -> str:
            return f"{percentile(values, 0.5):.2f} / {percentile(values, 0.99):.2f}" if values else "–"

        same = "–" if not self.equal + self.unequal else "NO" if self.unequal else "yes"
        lost = f"{max(self.lost)}" if self.lost else "–"
        return (f"| {fault} | {phase} | {self.equal + self.unequal} | {same} | {pair(self.detection)} | "
                f"{pair(self.recovery)} | {lost} |")


def shards(node: Process) -> int:
    """How many a node has in its newest view."""
    for _, line in reversed(node.lines):
        if line.startswith("view ") and ", shards " in line:
            first, last = line.split(", shards ")[1].split(" ")[0].split("..<")
            return int(last) - int(first)
    return 0


def announced(job: Job, name: str, since: float, seconds: float = 60) -> float | None:
    """When a view with this node was announced; None: the training was over before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and job.coordinator.process.poll() is None:
        for at, line in job.coordinator.lines:
            if at > since and line.startswith("view ") and name in line.split(" (")[0].replace(",", "").split()[2:]:
                return at
        time.sleep(0.002)
    if job.coordinator.process.poll() is not None:
        return None
    raise RuntimeError(f"{name} does not join\n{job.situation()}")


def disturb(job: Job, fault: str, phase: str, symbols: Symbols, choice: random.Random, cell: Cell) -> bool:
    """One fault while a node is in a phase, and the wait until the training goes on. False: it was over before."""
    job.wait_members(job.count)
    if job.coordinator.process.poll() is not None:
        return False
    # The lowest member is the one that hands states over.
    members = job.members()
    name = members[0] if phase == "checkpoint" else choice.choice(members)
    node = job.nodes[int(name[1:]) - 1]
    if phase == "joining":
        node, name = job.join(), f"n{job.names}"
        while not any("named" in line for _, line in node.lines):
            if node.process.poll() is not None:
                return False
            time.sleep(0.001)
    if not stop_at(node, phase, symbols, choice):
        node.signal(signal.SIGCONT)
        return False
    was_member = phase != "joining"
    # Contributed, or about to be, and gone with the node: others compute them for this step.
    lost = shards(node) if phase in ("contribute", "exchange") else 0
    start = time.monotonic()
    gone: float | None = None
    if fault in (KILL, STOP, TERM):
        if fault == KILL:
            node.signal(signal.SIGKILL)
        elif fault == TERM:
            node.signal(signal.SIGTERM)
            node.signal(signal.SIGCONT)
        if was_member:
            gone = left_out(job, name, start)
        elif fault == STOP:
            time.sleep(4 * job.heartbeat)
    elif fault == COORDINATOR:
        job.restart()
        node.signal(signal.SIGCONT)
        job.wait_for_line(job.coordinator, "coordinator at")
        gone = time.monotonic()
    else:
        job.join()
        node.signal(signal.SIGCONT)
        gone = announced(job, f"n{job.names}", start)
        if gone is None:
            return False
    moved = job.wait_steps(job.steps())
    if moved is None:
        node.signal(signal.SIGCONT)
        return False
    if gone is not None:
        cell.detection.append(gone - start)
        cell.recovery.append(max(0.0, moved - gone))
    cell.lost.append(lost if fault in (KILL, STOP) else 0)
    if fault == STOP:
        node.signal(signal.SIGCONT)
    if fault in (KILL, TERM):
        node.wait(60)
        if was_member:
            job.join()
    # No more than there were, so that every fault meets the same cluster.
    alive = sum(node.process.poll() is None for node in job.nodes)
    if alive > job.count:
        job.wait_members(alive)
        for name in job.members()[job.count:]:
            job.nodes[int(name[1:]) - 1].signal(signal.SIGTERM)
            job.nodes[int(name[1:]) - 1].wait(60)
    return True


def run(o: argparse.Namespace) -> None:
    seed = o.seed if o.seed is not None else int(time.time())
    choice = random.Random(seed)
    print(f"seed {seed}")
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    # Checkpoints change no result.
    expected = undisturbed(options)
    options += ["--set", "train.checkpoint_every=20"]
    symbols = Symbols()
    cells = {(fault, phase): Cell() for fault in FAULTS for phase in PHASES}
    todo = [(fault, phase) for _ in range(o.count) for fault in FAULTS for phase in PHASES]
    choice.shuffle(todo)
    began = time.monotonic()
    jobs = failures = 0
    while todo and time.monotonic() < began + o.seconds:
        job = Job(options, o.nodes, o.heartbeat)
        done = []
        try:
            job.wait_members(o.nodes)
            while todo and time.monotonic() < began + o.seconds and job.coordinator.process.poll() is None:
                fault, phase = todo[-1]
                if disturb(job, fault, phase, symbols, choice, cells[fault, phase]):
                    done.append(todo.pop())
                print(f"\r{len(todo)} faults to come, {jobs} jobs, step {job.steps()}: {fault}, {phase}\033[K", end="",
                      file=sys.stderr)
            result = job.finish()
            if result != expected.hash:
                print(f"\nUNEQUAL after {done}: {job.difference(expected)}")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            failures += 1
            print(f"\nFAILED at {todo[-1]} after {done}: {error}")
            todo.insert(0, todo.pop())
            continue
        finally:
            job.close()
        jobs += 1
        for key in done:
            if result == expected.hash:
                cells[key].equal += 1
            else:
                cells[key].unequal += 1
    print("\r\033[K", end="", file=sys.stderr)
    print(f"{sum(c.equal + c.unequal for c in cells.values())} faults in {jobs} trainings of {o.steps} steps of {o.model}, "
          f"{o.nodes} nodes, heartbeat {o.heartbeat} s, in {time.monotonic() - began:.0f} s")
    print("| fault | phase of the node | faults | same hash | noticed after, s, p50 / p99 | then goes on after, s, p50 / p99 "
          "| shards computed again, at most |")
    print("|---|---|---|---|---|---|---|")
    for (fault, phase), cell in cells.items():
        print(cell.row(fault, phase))
    every = [v for (fault, _), c in cells.items() if fault == KILL for v in c.recovery]
    print(f"after a killed node is noticed, the next step is done within: p50 {percentile(every, 0.5):.3f} s, "
          f"p99 {percentile(every, 0.99):.3f} s, of {len(every)}")
    if failures or any(c.unequal for c in cells.values()):
        sys.exit(1)
