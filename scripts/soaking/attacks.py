"""Attacks on real processes, one after the other, each with a limit on its time: what must hold, and whether it does."""

import argparse
import ctypes
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUBREAPER = 36  # prctl(2)


class Skipped(Exception):
    """This machine has not what the attack needs."""


@dataclass
class Attack:
    item: str
    name: str
    what: str
    run: Callable[["Place"], None]
    seconds: float


ATTACKS: list[Attack] = []


def attack(item: str, what: str, seconds: float = 120) -> Callable:
    """Registers a function as an attack that may take so long; it raises when something does not hold."""
    def register(function: Callable) -> Callable:
        ATTACKS.append(Attack(item, function.__name__, what, function, seconds))
        return function

    return register


@dataclass
class Place:
    """Where an attack does its work, and options of a small training there."""

    folder: Path
    data: str
    options: list[str]

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def children() -> list[int]:
    """The processes whose parent this one is, orphans of its children included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(entry.name))
    return found


def reap() -> int:
    """Kills what is left of an attack. Returns how many processes were still at work."""
    count = 0
    while pids := children():
        for pid in pids:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                count += 1
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    return count


def perform(chosen: Attack, place: Place, verdict) -> None:
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        chosen.run(place)
        # What ends in these moments is not left behind.
        end = time.monotonic() + 5
        while time.monotonic() < end and any(os.waitpid(pid, os.WNOHANG)[0] == 0 for pid in children()):
            time.sleep(0.05)
        left = reap()
        verdict.send(f"{left} processes are left behind" if left else "")
    except Skipped as reason:
        verdict.send(f"skipped: {reason}")
    except BaseException as error:  # noqa: BLE001
        verdict.send("".join(traceback.format_exception_only(error)).strip() + "\n" + traceback.format_exc(limit=-3))
    finally:
        reap()


def carry_out(chosen: Attack, data: str, options: list[str]) -> str:
    """The verdict: empty when all held."""
    with tempfile.TemporaryDirectory(prefix="elbo-attack-") as folder:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=perform, args=(chosen, Place(Path(folder), data, options), theirs))
        process.start()
        theirs.close()
        try:
            verdict = ours.recv() if ours.poll(chosen.seconds) else f"not over after {chosen.seconds:.0f} s"
        except EOFError:
            verdict = "ended without a verdict"
        if process.is_alive() and verdict.startswith("not over"):
            process.kill()
        process.join()
        # Orphans of an attack that was ended come here.
        reap()
    return verdict


def run(o: argparse.Namespace) -> None:
    from . import attacks_on_clusters, attacks_on_files, attacks_on_limits, attacks_on_runs  # noqa: F401

    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    chosen = [a for a in ATTACKS if not o.only or any(a.name.startswith(start) for start in o.only)]
    failed = []
    print("| item | attack | what is done, and must hold | verdict | s |\n|---|---|---|---|---|", flush=True)
    for one in chosen:
        began = time.monotonic()
        verdict = carry_out(one, o.data, o.set)
        first, _, rest = verdict.partition("\n")
        skipped = first.startswith("skipped")
        word = first if skipped else "FAILED: " + first if first else "holds"
        print(f"| {one.item} | {one.name} | {one.what} | {word} | {time.monotonic() - began:.1f} |", flush=True)
        if first and not skipped:
            failed.append(f"{one.name}: {first}\n{rest}")
    print(f"\n{len(chosen)} attacks, of which {len(failed)} have broken something")
    for text in failed:
        print(f"\n{text}", file=sys.stderr)
    if failed or not chosen:
        sys.exit(1)
