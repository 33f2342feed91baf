"""Attacks by what the system grants: few descriptors, little memory, few processes."""

import os
from pathlib import Path

from .attacks import Place, attack
from .attacks_on_runs import node_processes
from .cluster import Process
from .command import elbo, limits, training, wait_until


@attack("F4", "16 to 40 descriptors: each command ends well, or in one line; nothing is left, nothing hangs", 300)
def few_descriptors(place: Place) -> None:
    expected = elbo(*training("train", place, "alone", steps=20)).hash
    for count in (3, 8, 12, 16, 20, 24, 28, 32, 40):
        for command in (["train"], ["launch", "--nodes", "2", "--lanes", "1"]):
            out = f"{command[0]}-{count}"
            outcome = elbo(*training(command[0], place, out, *command[1:], steps=20), before=limits(nofile=count), seconds=40)
            if outcome.status == 0:
                assert outcome.hash == expected, f"{out}: another hash"
            elif outcome.status != 127:
                # 127: the loader itself could not open the libraries.
                outcome.expect(1, 2)
                assert "elbo:" in outcome.error, f"{out} says nothing: {outcome.error!r}"
        for words in (["evaluate", str(place / "alone")], ["recipes"], ["status", str(place / "alone")]):
            outcome = elbo(*words, before=limits(nofile=count))
            if outcome.status != 127:
                outcome.expect(0, 1, 2)
    wait_until(lambda: not node_processes(), 10, "nodes are left")


@attack("F5", "a coordinator and nodes with 64 descriptors each train, and nodes come and go", 120)
def small_cluster(place: Place) -> None:
    from .attacks_on_clusters import Cluster, alone, limit

    expected = alone(place, 1500)
    cluster = Cluster(place, nodes=2, steps=1500)
    limit(cluster.coordinator, 64)
    for _ in range(2):
        limit(cluster.join(), 64)
    cluster.wait_for(20)
    for _ in range(3):
        gone = cluster.nodes.pop(0)
        gone.process.kill()
        gone.wait()
        limit(cluster.join(), 64)
    cluster.end(expected)


@attack("small", "address spaces of 500 MB to 3 GB: a result, or a line; no backtrace, no hang, no abort", 300)
def little_memory(place: Place) -> None:
    expected = elbo(*training("train", place, "alone", steps=20)).hash
    # With less, OpenBLAS waits for memory before the program begins.
    for megabytes in (500, 600, 700, 1000, 1500, 1600, 3000):
        for command in (["train"], ["launch", "--nodes", "2", "--lanes", "1"]):
            out = f"{command[0]}-{megabytes}"
            outcome = elbo(*training(command[0], place, out, *command[1:], steps=20), before=limits(**{"as": megabytes << 20}), seconds=60)
            if outcome.status == 0:
                assert outcome.hash == expected, f"{out}: another hash"
            elif outcome.status != 127:
                # Libraries and the runtime say a word of their own first.
                assert outcome.status in (1, 2) and outcome.error.splitlines()[-1].startswith("elbo:"), f"{out}: {outcome.error[-600:]}"
                assert "stack trace" not in outcome.error and len(outcome.error.splitlines()) < 12, f"{out}: {outcome.error[:600]}"
    wait_until(lambda: not node_processes(), 10, "nodes are left")


@attack("small", "the processor is limited to 2 s: the run is what it was at its last checkpoint", 60)
def little_time(place: Place) -> None:
    process = Process(training("train", place, "run", "--set", "train.checkpoint_every=50", steps=10**9))
    import resource

    resource.prlimit(process.pid, resource.RLIMIT_CPU, (2, 2))
    process.wait(60)
    assert any((place / "run/checkpoints").glob("step-*"))
    elbo("evaluate", place / "run").expect(0)


@attack("small", "the working folder is gone, HOME and TMPDIR name nothing, PATH is empty: it trains", 60)
def no_surroundings(place: Place) -> None:
    expected = elbo(*training("train", place, "alone", steps=20)).hash
    gone = place / "gone"
    gone.mkdir()

    def enter() -> None:
        os.chdir(gone)
        gone.rmdir() if Path(gone).exists() else None

    nothing = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "PATH": "", "LANG": "xx", "LC_ALL": "no-such-locale", "TZ": ":/etc/none"}
    for command in (["train"], ["launch", "--nodes", "2"]):
        outcome = elbo(*training(command[0], place, command[0], *command[1:], steps=20), environment=nothing, before=enter)
        assert outcome.hash == expected, "another hash"
        gone.mkdir(exist_ok=True)
