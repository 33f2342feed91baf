"""Attacks on a run folder and on the process that trains here: writers, readers, kills, damage, signals."""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from .attacks import Place, Skipped, attack
from .cluster import ELBO, ENVIRONMENT, Process
from .command import elbo, has_rows, limits, rows, sound, training, wait_until


def beside(process: Process, *arguments: str | Path, status: int = 0) -> int:
    """Runs a command again and again until a process has ended. Returns how often."""
    count = 0
    while process.process.poll() is None:
        elbo(*arguments).expect(status)
        count += 1
    return count


def end_well(process: Process) -> str:
    status = process.wait()
    text = "\n".join(line for _, line in process.lines)
    assert status == 0, f"exit status {status}: {text[-600:]}"
    return json.loads(process.output)["parameters_sha256"]


def readers(place: Place, command: list[str]) -> None:
    more = ["--set", "train.checkpoint_every=5", "--set", "train.report_every=1"]
    expected = elbo(*training("train", place, "alone", *more, steps=3000)).hash
    process = Process([*training(command[0], place, "run", *more, *command[1:], steps=3000)])
    wait_until(lambda: any((place / "run/checkpoints").glob("step-*")))
    count = beside(process, "evaluate", place / "run")
    assert count > 0, "over before it was read once"
    assert end_well(process) == expected, "another hash"


@attack("F1", "`evaluate` in a loop beside `train`: it ends well, with the same hash")
def readers_beside_train(place: Place) -> None:
    readers(place, ["train"])


@attack("F1", "`evaluate` in a loop beside `launch`: it ends well, with the same hash")
def readers_beside_launch(place: Place) -> None:
    readers(place, ["launch", "--nodes", "2", "--lanes", "1"])


@attack("F1", "a second `train`, `launch` and `coordinator` on one run: refused with the first one's number; the first ends well")
def second_writer(place: Place) -> None:
    more = ["--set", "train.report_every=1", "--set", "train.checkpoint_every=5"]
    expected = elbo(*training("train", place, "alone", *more, steps=3000)).hash
    first = Process(training("train", place, "run", *more, steps=3000))
    wait_until(lambda: any((place / "run/checkpoints").glob("step-*")))
    for words in (["train", "--resume"], ["launch", "--resume"], ["coordinator", "--bind", "tcp://127.0.0.1:*", "--resume"]):
        elbo(*words, place / "run").expect_line(str(first.pid))
    for command in ("train", "launch"):
        elbo(*training(command, place, "run", steps=3000)).expect_line()
    assert first.process.poll() is None, "the first was over too early to be disturbed"
    assert end_well(first) == expected, "another hash"
    assert rows(place / "run") == list(range(1, 3001)), "lines are missing, or there twice"


@attack("F1", "two `train --resume` at once: one trains, one is refused, each step has one line")
def two_resumes(place: Place) -> None:
    more = ["--set", "train.report_every=1"]
    expected = elbo(*training("train", place, "alone", *more, steps=2000)).hash
    elbo(*training("train", place, "run", *more, steps=50)).expect(0)
    both = [Process(["train", "--resume", str(place / "run"), "--steps", "2000", "--json"]) for _ in range(2)]
    statuses = sorted(process.wait() for process in both)
    assert statuses == [0, 2], f"exit statuses {statuses}"
    winner = next(process for process in both if process.process.returncode == 0)
    assert json.loads(winner.output)["parameters_sha256"] == expected, "another hash"
    assert rows(place / "run") == list(range(1, 2001)), "lines are missing, or there twice"


@attack("F3", "`--resume` where oneDNN computes otherwise: refused by name, and accepted only when that is asked for")
def resume_on_other_numerics(place: Place) -> None:
    other = {"ONEDNN_MAX_CPU_ISA": "SSE41"}
    elbo(*training("train", place, "run", steps=20)).expect(0)
    before = (place / "run/recipe.yaml").read_bytes()
    refused = elbo("train", "--resume", place / "run", "--steps", "40", "--quiet", environment=other)
    if refused.status == 0:
        raise Skipped("this processor computes the same with SSE4.1")
    refused.expect_line("--accept-numerics")
    assert (place / "run/recipe.yaml").read_bytes() == before, "a refused start has changed the run"
    elbo("train", "--resume", place / "run", "--steps", "40", "--quiet", "--accept-numerics", environment=other).expect(0)


@attack("F6", "one digit of the newest state.json is changed: the one before it counts, aloud, and the result is the same")
def changed_state(place: Place) -> None:
    more = ["--set", "train.checkpoint_every=100"]
    expected = elbo(*training("train", place, "alone", *more, steps=300)).hash
    elbo(*training("train", place, "run", *more, steps=200)).expect(0)
    state = place / "run/checkpoints/step-000200/state.json"
    text = state.read_text()
    changed = text.replace("200", "204", 1)
    assert changed != text
    state.write_text(changed)
    resumed = elbo("train", "--resume", place / "run", "--steps", "300", "--json")
    assert resumed.hash == expected, "another hash"
    assert "step-000200" in resumed.error, f"it is not said: {resumed.error}"


@attack("F6", "`converged` is forged in state.json: it is not believed")
def forged_convergence(place: Place) -> None:
    elbo(*training("train", place, "run", "--set", "train.checkpoint_every=100", steps=200)).expect(0)
    state = place / "run/checkpoints/step-000200/state.json"
    members = json.loads(state.read_text())
    members["converged"] = True
    state.write_text(json.dumps(members))
    resumed = elbo("train", "--resume", place / "run", "--steps", "300", "--json").expect(0)
    assert json.loads(resumed.output)["steps"] == 300 and "step-000200" in resumed.error, resumed.error


@attack("F9", "the newest checkpoint is cut off or empty: the one before it counts, aloud; no whole one is an error")
def damaged_checkpoint(place: Place) -> None:
    more = ["--set", "train.checkpoint_every=100"]
    expected = elbo(*training("train", place, "alone", *more, steps=300)).hash
    elbo(*training("train", place, "whole", *more, steps=200)).expect(0)
    for kind, file in enumerate(["model.safetensors", "optimizer.safetensors", "state.json"] * 2):
        run = place / f"run-{kind}"
        shutil.copytree(place / "whole", run)
        damaged = run / "checkpoints/step-000200" / file
        os.truncate(damaged, damaged.stat().st_size // 2 if kind < 3 else 0)
        resumed = elbo("train", "--resume", run, "--steps", "300", "--json")
        assert resumed.hash == expected and "step-000200" in resumed.error, f"{file}: {resumed.error}"
    run = place / "none"
    shutil.copytree(place / "whole", run)
    for state in run.glob("checkpoints/*/state.json"):
        os.truncate(state, 10)
    elbo("train", "--resume", run, "--steps", "300", "--quiet").expect_line("checkpoint")


def interrupted(place: Place, number: int) -> None:
    process = Process(training("train", place, "run", "--set", "train.report_every=1", steps=10**9))
    wait_until(has_rows(place / "run", 20))
    process.signal(number)
    assert process.wait() == 130, f"exit status {process.process.returncode}"
    step = json.loads(process.output)["steps"]
    resumed = elbo("train", "--resume", place / "run", "--steps", step + 50, "--json").hash
    assert resumed == elbo(*training("train", place, "alone", steps=step + 50)).hash, "another hash"


@attack("F10", "SIGHUP: a checkpoint, exit status 130, the same result when it goes on")
def hangup(place: Place) -> None:
    interrupted(place, signal.SIGHUP)


@attack("F10", "SIGHUP that is ignored, as by nohup: the training goes on")
def ignored_hangup(place: Place) -> None:
    process = subprocess.Popen(
        [ELBO, *training("train", place, "run", "--set", "train.report_every=1", "--quiet", steps=10**9)], env=ENVIRONMENT,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_until(has_rows(place / "run", 20))
    process.send_signal(signal.SIGHUP)
    count = len(rows(place / "run"))
    wait_until(has_rows(place / "run", count + 100))
    process.terminate()
    assert process.wait() == 130


@attack("F11", "SIGKILL at the rename of a checkpoint of the same step, and at any moment, 30 times: a whole one is always there", 240)
def killed_at_rename(place: Place) -> None:
    keep = ["--set", "train.keep_checkpoints=1"]
    elbo(*training("train", place, "run", *keep, steps=50)).expect(0)
    choice = random.Random(7)
    strace = shutil.which("strace")
    for attempt in range(30):
        if strace and attempt < 10:
            call = ["rename", "renameat2", "renameat"][attempt % 3]
            killed = subprocess.run(
                [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={attempt // 3 + 1}", ELBO,
                 "train", "--resume", str(place / "run"), "--quiet"], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=60)
            assert killed.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), killed
        else:
            process = Process(["train", "--resume", str(place / "run"), "--steps", "1000000", "--set", "train.checkpoint_every=1",
                               "--quiet"])
            time.sleep(choice.uniform(0.1, 0.6))
            process.signal(signal.SIGKILL)
            process.wait()
        elbo("evaluate", place / "run").expect(0)


@attack("F13", "standard streams closed in every combination: the run is whole, no trap", 180)
def closed_streams(place: Place) -> None:
    expected = elbo(*training("train", place, "alone", steps=30)).hash
    for mask in range(1, 8):
        def close() -> None:
            for descriptor in range(3):
                if mask & 1 << descriptor:
                    os.close(descriptor)

        for command in (["train"], ["launch", "--nodes", "1"]):
            out = f"{command[0]}-{mask}"
            outcome = elbo(*training(command[0], place, out, *command[1:], steps=30), before=close)
            # What is printed for nobody is no success.
            outcome.expect(2 if mask & 2 else 0)
            summary = json.loads((place / out / "summary.json").read_text())
            assert summary["parameters_sha256"] == expected, f"{out}: another hash"
        for words in (["status", str(place / "train-1")], ["recipes", "vae"], ["evaluate", str(place / "train-1")], ["--help"],
                      ["train", "no-such-recipe"]):
            elbo(*words, before=close).expect(0, 1, 2)


@attack("small", "SIGTERM in the first second, 20 times: nothing is left behind, and the same command trains")
def early_term(place: Place) -> None:
    for attempt in range(20):
        out = f"run-{attempt}"
        process = Process(training(["train", "launch"][attempt % 2], place, out, steps=10**9))
        time.sleep(0.05 * attempt)
        process.signal(signal.SIGTERM)
        assert process.wait(30) in (-signal.SIGTERM, 1, 130), process.process.returncode
    wait_until(lambda: not node_processes(), 10, "nodes are left")
    elbo(*training("train", place, "run-0", steps=10)).expect(0, 2)


def node_processes() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"node" in words and b"--supervised" in words and sound(int(entry.name)) and own(entry):
            found.append(int(entry.name))
    return found


def own(entry: Path) -> bool:
    """Whether a process descends from this one."""
    pid = int(entry.name)
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False


@attack("small", "a pipe without a writer, a device and a folder as recipe, data and run: a line each, no wait")
def pipes(place: Place) -> None:
    pipe = place / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, place.folder, Path("/dev/null")):
        elbo("train", path, "--out", place / "out").expect_line()
        elbo("train", "vae", "--data", path, "--out", place / "out").expect_line()
        elbo("evaluate", path).expect_line()
    assert not (place / "out").exists(), "a run is left behind"


@attack("F4", "the disk is full (files may not grow), then has room again: the training goes on, the result is the same")
def full_disk(place: Place) -> None:
    import resource

    expected = elbo(*training("train", place, "alone", "--set", "train.report_every=1", steps=2000)).hash

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10240, resource.RLIM_INFINITY))

    process = subprocess.Popen(
        [ELBO, *training("train", place, "run", "--set", "train.report_every=1", steps=2000)], env=ENVIRONMENT,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=small)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr))
    reader.start()
    wait_until(lambda: any("checkpoint 2000 cannot be written" in line for line in said), what="it is not said")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    output = process.stdout.read()
    assert process.wait() == 0, said[-3:]
    reader.join()
    assert json.loads(output)["parameters_sha256"] == expected, "another hash"
    assert rows(place / "run") == list(range(1, 2001)), "lines are missing"


@attack("F4", "no file may have any bytes: a start that cannot be is one line")
def no_bytes(place: Place) -> None:
    def none() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits(fsize=0)()

    for command in ("train", "launch"):
        elbo(*training(command, place, "run", steps=20), before=none).expect_line(status=(1, 2), beside=2)
        assert not (place / "run").exists(), "a run is left behind"
