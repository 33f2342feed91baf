"""The command, run to its end, and what must be true of how it ended."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cluster import ELBO, ENVIRONMENT

# What a trap of the runtime, or an abort, writes.
TRACES = ("Fatal error", "Current stack trace", "Stack dump", "Thread 0 crashed", "*** Signal", "Illegal instruction")


@dataclass
class Outcome:
    status: int
    output: str
    error: str
    seconds: float

    @property
    def hash(self) -> str:
        self.expect(0)
        return json.loads(self.output)["parameters_sha256"]

    def expect(self, *statuses: int) -> "Outcome":
        assert self.status in statuses, f"exit status {self.status}, expected {statuses}: {self.error[-600:]}"
        self.expect_no_trace()
        return self

    def expect_no_trace(self) -> None:
        assert not any(word in self.error for word in TRACES), f"a trace: {self.error[:600]}"

    def expect_line(self, *words: str, status: int | tuple[int, ...] = 2, beside: int = 0) -> None:
        """One line that says what is wrong, besides so many others."""
        self.expect(*(status if isinstance(status, tuple) else (status,)))
        lines = [line for line in self.error.splitlines() if line.startswith("elbo:")]
        others = [line for line in self.error.splitlines() if not line.startswith("elbo:")]
        assert len(lines) == 1 and len(others) <= beside, f"not one line: {self.error[:600]}"
        for word in words:
            assert word in lines[0], f"{word!r} is not said: {lines[0]}"


def limits(**of: int) -> Callable[[], None]:
    """Sets limits in the child: nofile=20 and so on."""
    def apply() -> None:
        for name, value in of.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, value))

    return apply


def elbo(*arguments: str | Path, seconds: float = 60, environment: dict[str, str] | None = None,
         before: Callable[[], None] | None = None) -> Outcome:
    began = time.monotonic()
    process = subprocess.Popen(
        [ELBO, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**ENVIRONMENT, **(environment or {})}, preexec_fn=before)
    try:
        output, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # A hang that ends with SIGTERM is one all the same.
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        raise AssertionError(f"hangs: {' '.join(map(str, arguments))}: {error.decode(errors='replace')[-600:]}") from None
    return Outcome(process.returncode, output.decode(errors="replace"), error.decode(errors="replace"), time.monotonic() - began)


def training(command: str, place, out: str, *more: str | Path, model: str = "vae", steps: int = 200) -> list[str]:
    """Arguments of a small training."""
    return [command, model, "--data", place.data, "--out", str(place / out), "--steps", str(steps), "--json", *place.options,
            *map(str, more)]


def rows(run: Path) -> list[int]:
    """The steps of a run's metrics."""
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def wait_until(condition: Callable[[], object], seconds: float = 60, what: str | Callable[[], str] = "") -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}"
        time.sleep(0.01)


def has_rows(run: Path, count: int) -> Callable[[], bool]:
    def holds() -> bool:
        try:
            return (run / "metrics.jsonl").read_bytes().count(b"\n") >= count
        except OSError:
            return False

    return holds


def sound(pid: int) -> bool:
    """Whether a process is still there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_root() -> bool:
    return os.geteuid() == 0
