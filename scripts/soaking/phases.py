"""What phase of its step a node is in: read from the frames of its trainer's stack, while the process is stopped."""

import bisect
import ctypes
import os
import random
import re
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .cluster import ELBO, Process

PHASES = ["joining", "contribute", "exchange", "absorb", "between steps", "checkpoint"]

# Of the innermost frame that says something. Names are mangled ones.
MARKS = [
    ("checkpoint", re.compile(r"NodeObserverC.*(checkpoint|save)|12LearnerState|4NodeC5offer")),
    ("contribute", re.compile(r"12MeshExchangeC7compute")),
    ("exchange", re.compile(r"12MeshExchangeC4next|12MeshExchangeC.*5total")),
    ("absorb", re.compile(r"6absorb")),
    ("between steps", re.compile(r"7TrainerC3run")),
]

# So much of a stack is read, in bytes.
STACK = 1 << 16

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, REGISTERS, DETACH = 0x4206, 0x4207, 12, 17
# Of user_regs_struct on x86-64.
RIP, RSP = 16, 19


class Symbols:
    """The functions of the program, by address."""

    def __init__(self) -> None:
        lines = subprocess.run(["nm", "-n", "--defined-only", ELBO], capture_output=True, text=True, check=True).stdout
        functions = [(int(address, 16), name) for address, kind, name in
                     (line.split(" ", 2) for line in lines.splitlines()) if kind in "tTwW"]
        self.addresses = [address for address, _ in functions]
        self.names = [name for _, name in functions]

    def name(self, address: int) -> str:
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.names[at] if at >= 0 else ""


def registers(thread: int) -> tuple[int, int] | None:
    """Stack pointer and program counter of a thread of a stopped process."""
    if libc.ptrace(SEIZE, thread, None, None):
        return None
    try:
        libc.ptrace(INTERRUPT, thread, None, None)
        os.waitpid(thread, 0x40000000)  # __WALL
        values = (ctypes.c_ulonglong * 27)()
        if libc.ptrace(REGISTERS, thread, None, ctypes.byref(values)):
            return None
        return values[RSP], values[RIP]
    finally:
        libc.ptrace(DETACH, thread, None, None)


def frames(words: tuple[int, ...], start: int, named: Callable[[int], str]) -> list[str]:
    """The functions that wait for the innermost one, innermost first.

    C libraries are built without frame pointers. So the innermost frame that has one is looked for: the first return
    address into the program whose frame's chain leads to the trainer's loop."""
    for first in range(1, len(words)):
        if not named(words[first]):
            continue
        names, at = [], first - 1
        while at + 1 < len(words):
            names.append(named(words[at + 1]))
            if "7TrainerC3run" in names[-1]:
                return names
            outer = (words[at] - start) // 8
            if not at < outer < len(words):
                break
            at = outer
    return []


def phase(node: Process, symbols: Symbols) -> str | None:
    """Of a stopped node; None: its frames cannot be followed."""
    folder = Path(f"/proc/{node.pid}")
    trainer = [int(task.name) for task in (folder / "task").iterdir() if (task / "comm").read_text().strip() == "trainer"]
    if not trainer or not any("shards" in line for _, line in node.lines):
        return "joining"
    state = registers(trainer[0])
    if state is None:
        return None
    stack, counter = state
    base = next(int(line.split("-")[0], 16) for line in (folder / "maps").read_text().splitlines() if line.endswith("/" + Path(ELBO).name))
    end = symbols.addresses[-1] + 4096
    with open(folder / "mem", "rb", buffering=0) as memory:
        memory.seek(stack)
        held = memory.read(STACK)
    words = struct.unpack(f"{len(held) // 8}Q", held[:len(held) // 8 * 8])
    names = frames(words, stack, lambda address: symbols.name(address - base - 1) if base <= address < base + end else "")
    if names and base <= counter < base + end:
        names.insert(0, symbols.name(counter - base))
    return next((phase for name in names for phase, mark in MARKS if mark.search(name)), None)


def stop_at(node: Process, wanted: str, symbols: Symbols, choice: random.Random, seconds: float = 30) -> bool:
    """Stops a node in a phase; it stays stopped. False: it did not come by."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and node.process.poll() is None:
        node.signal(signal.SIGSTOP)
        try:
            while any(state != "T" for states in node.threads().values() for state in states):
                if node.process.poll() is not None:
                    return False
                time.sleep(0.0002)
            if phase(node, symbols) == wanted:
                return True
        except (OSError, StopIteration):
            pass
        node.signal(signal.SIGCONT)
        time.sleep(choice.random() * 0.01)
    return False
