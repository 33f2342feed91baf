"""A sweep of many small trainings, killed again and again: what it finds must not change."""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from soaking.cluster import ELBO


def _arguments(folder: Path, o: argparse.Namespace) -> list[str]:
    rows = [f"{i * i % 37},{i ** 3 % 41},{i * 7 % 13},{'a' if i * i % 37 > 15 else 'b'}" for i in range(400)]
    (folder / "rows.csv").write_text("u,v,w,kind\n" + "\n".join(rows) + "\n")
    settings = ["data.target=kind", "data.test_fraction=0.2", "data.validation_fraction=0.25", "network.hidden=[16]",
                "train.batch=32", "train.evaluate_every=20", "optimizer.schedule=cosine"]
    return [ELBO, "sweep", "mlp", "--data", str(folder / "rows.csv"), "--json", "--no-figures", "--quiet",
            "--steps", str(o.steps), "--on", "validation/cls/NLL", "--over", "optimizer.learning_rate=log(1e-4,1)",
            "--over", "train.batch=logint(8,64)", "--sample", str(o.count),
            *[word for setting in settings for word in ("--set", setting)]]


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split() if name.isdigit() else []
        except OSError:
            continue
        if len(fields) > 1 and int(fields[1]) == parent:
            found.append(int(name))
    return found


def run(o: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="elbo-sweep-") as folder:
        if not _is_same(Path(folder), o):
            sys.exit(1)


def _is_same(folder: Path, o: argparse.Namespace) -> bool:
    arguments = _arguments(folder, o)
    whole = subprocess.run([*arguments, "--out", str(folder / "whole")], capture_output=True, text=True, check=True)
    chance, results = random.Random(o.seed), folder / "killed" / "results.jsonl"

    def done() -> int:
        return results.read_bytes().count(b"\n") if results.exists() else 0

    for kill in range(2):
        goal = (kill + 1) * o.count // 3
        process = subprocess.Popen([*arguments, "--out", str(folder / "killed"), "--nodes", "2"], stdout=subprocess.PIPE)
        while process.poll() is None and done() < goal:
            time.sleep(0.01)
        if process.poll() is not None:
            print("the sweep ended before it was killed: take more --steps")
            return False
        children = _children(process.pid)
        if children:
            os.kill(chance.choice(children), signal.SIGKILL)
        time.sleep(chance.random() / 10)
        process.kill()
        process.communicate()
        print(f"killed after {done()} of {o.count} trainings")
    last = subprocess.run([*arguments, "--out", str(folder / "killed"), "--nodes", "2"], capture_output=True, text=True, check=True)
    same = last.stdout == whole.stdout and (folder / "killed/sweep.csv").read_bytes() == (folder / "whole/sweep.csv").read_bytes()
    print(f"{done()} results of {o.count} points: {'the same table' if same else 'ANOTHER TABLE'}")
    return same and done() == o.count
