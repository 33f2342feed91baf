"""A coordinator and nodes as processes of their own, for scripts that disturb them."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
ELBO = os.environ.get("ELBO", str(HOUSE / ".build/release/elbo"))
# Pictures are not what is looked at.
ENVIRONMENT = {**os.environ, "PATH": "/nonexistent"}


def idx(path: Path, shape: list[int], values: bytes) -> None:
    head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    path.write_bytes(head + values)


def make_data(folder: Path, count: int = 400, side: int = 6) -> str:
    """A tiny data set in MNIST's files."""
    folder.mkdir()
    for stem, n in [("train", count), ("t10k", 20)]:
        pixels = bytes((i * 37 + r * 5 + c * 11) % 256 for i in range(n) for r in range(side) for c in range(side))
        idx(folder / f"{stem}-images-idx3-ubyte", [n, side, side], pixels)
        idx(folder / f"{stem}-labels-idx1-ubyte", [n], bytes(i % 4 for i in range(n)))
    return str(folder)


@dataclass
class Undisturbed:
    """A training in one process: its hash, and what it reports of each step."""

    hash: str
    metrics: list[str]


def metrics(run: Path) -> list[str]:
    """What does not depend on the time, line by line."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [json.dumps({key: row[key] for key in sorted(row) if key == "step" or key.startswith("train/")}) for row in rows]


class Process:
    """A command whose standard error is read line by line, with the time at which each line came."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [ELBO, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=ENVIRONMENT)
        self.pid = self.process.pid
        self.lines: list[tuple[float, str]] = []
        self.output = ""
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.collect)]
        for reader in self.readers:
            reader.start()

    def read(self) -> None:
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line.rstrip("\n")))

    def collect(self) -> None:
        self.output = self.process.stdout.read()

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, seconds: float = 120) -> int:
        status = self.process.wait(seconds)
        for reader in self.readers:
            reader.join()
        return status

    def threads(self) -> dict[str, set[str]]:
        """The states of the threads, by name."""
        states = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                stat = (task / "stat").read_text()
            except OSError:
                continue
            name, rest = re.search(r"\((.*)\) (\S)", stat).groups()
            states.setdefault(name, set()).add(rest)
        return states

    def stage(self) -> str:
        """What the node is at, from the states of its threads: computing, adding and sending, or waiting."""
        states = self.threads()
        if "R" in states.get("trainer", ()):
            return "computing"
        if "trainer" not in states:
            return "joining"
        if "R" in states.get("mesh", ()) or "R" in states.get("ZMQbg/IO/0", ()):
            return "exchanging"
        return "waiting"

    def rss(self) -> int:
        """Resident memory, kB."""
        match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(match[1]) if match else 0


class Job:
    """One training by a coordinator and nodes."""

    def __init__(
        self, options: list[str], nodes: int, heartbeat: float = 0.2, through: Callable[[str], str] = lambda endpoint: endpoint
    ) -> None:
        """through: gives the nodes another endpoint than the coordinator's own."""
        self.folder = Path(tempfile.mkdtemp(prefix="elbo-soak-"))
        self.options, self.count, self.heartbeat = options, nodes, heartbeat
        self.run = self.folder / "run"
        self.names = 0
        self.nodes: list[Process] = []
        self.coordinators: list[Process] = []
        self.coordinator = self.lead("tcp://127.0.0.1:*")
        self.endpoint = through(self.wait_for(self.run / "coordinator.endpoint"))
        for _ in range(nodes):
            self.join()

    def lead(self, bind: str) -> Process:
        self.coordinators.append(Process(
            ["coordinator", *self.options, "--out", str(self.run), "--bind", bind, "--nodes", str(self.count), "--json",
             "--heartbeat", str(self.heartbeat), "--set", "train.report_every=1"]))
        return self.coordinators[-1]

    def wait_for(self, path: Path, seconds: float = 60) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if path.exists() and path.read_text().strip():
                return path.read_text().strip()
            time.sleep(0.01)
        raise RuntimeError(f"{path} does not come: {self.coordinator.lines[-3:]}")

    def wait_for_line(self, process: Process, start: str, seconds: float = 60) -> None:
        """Waits for a line, or for a good end."""
        end = time.monotonic() + seconds
        while not any(line.startswith(start) for _, line in process.lines):
            if process.process.poll() == 0:
                return
            if time.monotonic() > end or process.process.poll() is not None:
                raise RuntimeError(f"nobody says {start!r}\n{self.situation()}")
            time.sleep(0.002)

    def join(self) -> Process:
        self.names += 1
        # One that begins when all is over looks for a coordinator in vain.
        node = Process(["node", "--coordinator", self.endpoint, "--name", f"n{self.names}", "--lanes", "1", "--patience", "30"])
        self.nodes.append(node)
        return node

    def restart(self) -> None:
        """Kills the coordinator and starts it again."""
        self.coordinator.signal(signal.SIGKILL)
        self.coordinator.wait()
        self.coordinator = self.lead(self.endpoint)

    def steps(self) -> int:
        """Steps that are reported."""
        try:
            with open(self.run / "metrics.jsonl", "rb") as file:
                file.seek(max(0, file.seek(0, 2) - 4096))
                lines = file.read().rstrip(b"\n").split(b"\n")
            return json.loads(lines[-1])["step"]
        except (OSError, ValueError, KeyError):
            return 0

    def wait_steps(self, beyond: int, seconds: float = 120) -> float | None:
        """When the step after this one was reported; None: the training is over."""
        end = time.monotonic() + seconds
        while self.steps() <= beyond:
            if self.coordinator.process.poll() is not None:
                return None
            if time.monotonic() > end:
                raise RuntimeError(f"hangs at step {self.steps()}\n{self.situation()}")
            time.sleep(0.001)
        return time.monotonic()

    def members(self) -> list[str]:
        """Who is in the newest view, of those whose processes live."""
        names = []
        for coordinator in self.coordinators:
            for _, line in coordinator.lines:
                # "view 7: n1, n3 (cause)"
                if line.startswith("view "):
                    names = line.split(" (")[0].replace(",", "").split()[2:]
        return [name for name in names if self.nodes[int(name[1:]) - 1].process.poll() is None]

    def wait_members(self, count: int, seconds: float = 120) -> None:
        """Waits for so many members, or for the end of the training."""
        end = time.monotonic() + seconds
        while len(self.members()) < count and self.coordinator.process.poll() is None:
            if time.monotonic() > end:
                raise RuntimeError(f"nobody joins\n{self.situation()}")
            time.sleep(0.01)

    def situation(self) -> str:
        """What everyone says, for whoever looks for the cause of a failure."""
        said = [("coordinator", self.coordinator)] + [(f"n{i + 1}", node) for i, node in enumerate(self.nodes)]
        lines = [f"{name} ({process.process.poll()}): {at:.3f} {line}"
                 for name, process in said for at, line in process.lines[-6:]]
        return "\n".join([*lines, f"now {time.monotonic():.3f}", json.dumps(self.status())])

    def status(self) -> dict:
        answer = subprocess.run(
            [ELBO, "status", self.endpoint, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env=ENVIRONMENT)
        return json.loads(answer.stdout or "{}")

    def finish(self) -> str:
        """Waits for the end; the hash."""
        status = self.coordinator.wait(600)
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.wait(600)
        if status:
            raise RuntimeError(f"the coordinator ended with {status}\n{self.situation()}")
        return json.loads(self.coordinator.output)["parameters_sha256"]

    def difference(self, expected: Undisturbed) -> str:
        """Of a training that has another result: the first step that is reported otherwise, and what everyone said."""
        rows = metrics(self.run)
        first = next((f"{one}\n{other}" for one, other in zip(rows, expected.metrics) if one != other), "no step differs")
        return f"{first}\n{self.story()}"

    def story(self, since: float = 0) -> str:
        """What everyone has said, in the order of time."""
        said = [("coordinator", c) for c in self.coordinators] + [(f"n{i + 1}", n) for i, n in enumerate(self.nodes)]
        lines = sorted((at, f"{name}: {at:.3f} {line}") for name, process in said for at, line in process.lines if at > since)
        return "\n".join(line for _, line in lines)

    def close(self) -> None:
        for process in [self.coordinator, *self.nodes]:
            if process.process.poll() is None:
                process.process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def undisturbed(options: list[str]) -> Undisturbed:
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [ELBO, "train", *options, "--out", f"{folder}/run", "--quiet", "--json", "--lanes", "1", "--set",
             "train.report_every=1"], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
        return Undisturbed(json.loads(result.stdout)["parameters_sha256"], metrics(Path(folder) / "run"))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
