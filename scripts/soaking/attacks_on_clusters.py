"""Attacks on trainings by nodes: strangers, keys, refused starts, networks, clocks, disks."""

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .attacks import Place, Skipped, attack
from .attacks_on_runs import end_well
from .cluster import ELBO, ENVIRONMENT, Process
from .command import elbo, has_rows, is_root, limits, rows, training, wait_until
from .strangers import Strangers, peer, port_of


class Cluster:
    """A coordinator and nodes as processes of their own, that train for so many steps."""

    def __init__(self, place: Place, nodes: int = 2, steps: int = 1000, bind: str = "tcp://127.0.0.1:*", keys: list[str] | None = None,
                 more: list[str] | None = None) -> None:
        self.place, self.steps, self.bind, self.keys = place, steps, bind, keys or []
        self.command = training("coordinator", place, "run", "--set", "train.report_every=1", "--nodes", nodes, "--bind", bind,
                                "--heartbeat", "0.5", "--wait", "600", *(more or []), steps=steps)
        self.coordinator = Process(self.command)
        self.nodes: list[Process] = []
        self.run = place / "run"

    @property
    def endpoint(self) -> str:
        path = self.run / "coordinator.endpoint"
        wait_until(lambda: path.exists() and path.read_text().strip(), what="the coordinator does not listen")
        return path.read_text().strip()

    def join(self, *more: str) -> Process:
        self.nodes.append(Process(
            ["node", "--coordinator", self.endpoint, "--name", f"n{len(self.nodes) + 1}", "--lanes", "1", "--patience", "30", *more]))
        return self.nodes[-1]

    def status(self, *more: str, patience: float = 5) -> dict:
        outcome = elbo("status", self.endpoint, "--json", "--patience", patience, *more)
        assert outcome.status in (0, 1), f"the status does not answer: {outcome.output}{outcome.error}"
        return json.loads(outcome.output)

    def wait_for(self, count: int) -> None:
        wait_until(has_rows(self.run, count), what=f"{count} steps; {self.said()}")

    def said(self) -> str:
        return "\n".join(line for process in [self.coordinator, *self.nodes] for _, line in process.lines[-4:])

    def end(self, expected: str) -> None:
        result = end_well(self.coordinator)
        assert result == expected, "another hash"
        assert rows(self.run) == list(range(1, self.steps + 1)), "lines are missing, or there twice"
        for node in self.nodes:
            assert node.wait(60) == 0, self.said()


def alone(place: Place, steps: int = 1000) -> str:
    return elbo(*training("train", place, "alone", steps=steps)).hash


@attack("F2", "three nodes, two of which do not reach each other (network namespaces): the training goes on, the pair is named", 240)
def cut_pair(place: Place) -> None:
    if not is_root() or not shutil.which("ip") or not shutil.which("unshare"):
        raise Skipped("needs root, ip and unshare")
    expected = alone(place, 3000)
    if ctypes.CDLL(None).unshare(0x40000000) != 0:  # CLONE_NEWNET
        raise Skipped("this process may not make networks")

    def ip(*words: str, of: int | None = None) -> None:
        enter = ["nsenter", "-t", str(of), "-n"] if of else []
        subprocess.run([*enter, "ip", *words], check=True, capture_output=True)

    ip("link", "set", "lo", "up")
    ip("link", "add", "bridge", "type", "bridge")
    ip("address", "add", "10.99.0.254/24", "dev", "bridge")
    ip("link", "set", "bridge", "up")
    holders = []
    for index in range(1, 4):
        holder = subprocess.Popen(["unshare", "-n", "sleep", "300"])
        holders.append(holder)
        wait_until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        ip("link", "add", f"v{index}", "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        ip("link", "set", f"v{index}", "master", "bridge", "up")
        ip("address", "add", f"10.99.0.{index}/24", "dev", "eth0", of=holder.pid)
        ip("link", "set", "eth0", "up", of=holder.pid)
        ip("link", "set", "lo", "up", of=holder.pid)
    cluster = Cluster(place, nodes=3, steps=3000, bind="tcp://10.99.0.254:*", more=["--plain"])
    endpoint = cluster.endpoint
    for index, holder in enumerate(holders, 1):
        node = Process.__new__(Process)
        start(node, ["nsenter", "-t", str(holder.pid), "-n", ELBO, "node", "--coordinator", endpoint, "--plain", "--name", f"n{index}",
                     "--lanes", "1", "--patience", "60"])
        cluster.nodes.append(node)
    cluster.wait_for(50)
    for one, other in ((2, 3), (3, 2)):
        ip("route", "add", "blackhole", f"10.99.0.{other}/32", of=holders[one - 1].pid)
    wait_until(lambda: "reach" in cluster.status("--plain").get("explanation", ""), 100, "the pair is not named")
    assert end_well(cluster.coordinator) == expected, "another hash"
    for node in cluster.nodes:
        node.signal(signal.SIGTERM)
        node.wait(60)
    for holder in holders:
        holder.kill()
        holder.wait()


def start(process: Process, command: list[str]) -> None:
    """A process that is not the command itself, read like one."""
    import threading

    process.process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**ENVIRONMENT, "PATH": os.environ["PATH"]})
    process.pid = process.process.pid
    process.lines, process.output = [], ""
    process.readers = [threading.Thread(target=process.read), threading.Thread(target=process.collect)]
    for reader in process.readers:
        reader.start()


@attack("F3", "a node whose oneDNN computes otherwise, beside a plain one: refused by name, the training goes on")
def other_numerics(place: Place) -> None:
    expected = alone(place)
    cluster = Cluster(place, nodes=1)
    cluster.join()
    other = elbo("node", "--coordinator", cluster.endpoint, "--name", "other", environment={"ONEDNN_MAX_CPU_ISA": "SSE41"})
    if other.status == 0:
        raise Skipped("this processor computes the same with SSE4.1")
    assert other.status == 2 and "products" in other.error, other.error
    cluster.end(expected)


@attack("F4", "every command with a busy port, a name that is no address, a wrong endpoint: one line, status 2, nothing left")
def busy_port(place: Place) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = f"tcp://127.0.0.1:{busy.getsockname()[1]}"
        for command in ("coordinator", "launch"):
            for bind, word in ((taken, "Address already in use"), ("tcp://localhost", "no port"), ("tcp://:1", "host"), ("ipc://", "path"),
                               ("ipc:///nonexistent/socket", "No such file")):
                elbo(*training(command, place, "run", "--bind", bind, "--quiet")).expect_line(word)
                assert not (place / "run").exists(), f"{command} {bind} leaves a run behind"
        cluster = Cluster(place, nodes=1, steps=300)
        elbo("node", "--coordinator", cluster.endpoint, "--bind", taken, "--name", "busy").expect_line("Address already in use", beside=2)
        cluster.join()
        assert end_well(cluster.coordinator)
    elbo(*training("launch", place, "local", "--bind", "tcp://localhost:*", steps=20)).expect(0)


@attack("F5", "2,000 idle strangers at every port, limit of 1,024 descriptors: nodes join, the status answers, same hash", 240)
def idle_strangers(place: Place) -> None:
    expected = alone(place, 3000)
    cluster = Cluster(place, nodes=3, steps=3000)
    for process in (cluster.coordinator,):
        limit(process, 1024)
    cluster.join()
    cluster.join()
    wait_until(lambda: len(cluster.status()["nodes"]) == 2)
    for node in cluster.nodes:
        limit(node, 1024)
    ports = [port_of(cluster.endpoint), *(port_of(node["address"]) for node in cluster.status()["nodes"])]
    with Strangers(ports, 2000) as strangers:
        wait_until(lambda: strangers.held > 1000, what="strangers do not come")
        for _ in range(5):
            cluster.status()
        cluster.join()
        cluster.wait_for(100)
        cluster.status()
        cluster.end(expected)


def limit(process: Process, descriptors: int) -> None:
    import resource

    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))


@attack("F5", "10,000 random, cut off and oversized messages and non-ZMTP bytes at every port: refused, same hash", 240)
def random_messages(place: Place) -> None:
    expected = alone(place, 3000)
    cluster = Cluster(place, nodes=2, steps=3000)
    cluster.join()
    cluster.join()
    cluster.wait_for(5)
    ports = [port_of(cluster.endpoint), *(port_of(node["address"]) for node in cluster.status()["nodes"])]
    choice = random.Random(3)
    for port in ports:
        for kind in range(4):
            with peer(port, greets=kind != 0) as stranger:
                for _ in range(2500 if kind else 1):
                    count = choice.choice([0, 1, 2, 20, 200, 5000])
                    frames = [choice.randbytes(count) for _ in range(choice.randrange(1, 4))]
                    if kind == 3:
                        # A status request's first bytes, and then anything.
                        frames = [b"\x08\x01" + choice.randbytes(choice.randrange(40))]
                    if not stranger.send(frames):
                        break
                if kind == 2:
                    stranger.send_length(1 << 40)
                if kind == 3:
                    stranger.send_cut(1000)
    cluster.status()
    cluster.end(expected)


@attack("F5", "the run's disk is full, then read-only, then itself again: the training by nodes goes on, same hash", 240)
def full_file_system(place: Place) -> None:
    if not is_root():
        raise Skipped("needs root, for a small file system")
    expected = alone(place, 6000)
    if ctypes.CDLL(None).unshare(0x3000) != 0:  # CLONE_NEWNS
        raise Skipped("this process may not mount")
    small = place / "small"
    small.mkdir()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(small)], check=True)
    out = Place(small, place.data, place.options)
    cluster = Cluster(out, nodes=2, steps=6000, more=["--set", "train.checkpoint_every=100"])
    cluster.join()
    cluster.join()
    cluster.wait_for(50)
    with open(small / "filler", "wb", buffering=0) as filler:
        while room(small):
            filler.write(bytes(room(small)))
    wait_until(lambda: "No space left" in cluster.status().get("explanation", ""), what="the status does not say it")
    (small / "filler").unlink()
    wait_until(lambda: "No space left" not in cluster.status().get("explanation", ""), 90, "it is not tried again")
    end_well_or_going(cluster)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=False, capture_output=True)
    time.sleep(2)
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=False, capture_output=True)
    cluster.end(expected)


def room(folder: Path) -> int:
    """Bytes that a file system has left."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_bsize


def end_well_or_going(cluster: Cluster) -> None:
    assert cluster.coordinator.process.poll() in (None, 0), cluster.said()


@attack("F7", "a viewer's key: it reads the status, and neither joins nor has nodes open files", 120)
def viewer(place: Place) -> None:
    public = {}
    for name in ("server", "viewer"):
        public[name] = elbo("keys", "--out", place / name).expect(0).output.split()[-1]
    (place / "allowed").write_text(f"{public['viewer']} status\n")
    elbo("train", "bbb", "--data", place.data, "--out", place / "bbb", "--steps", 3, "--set", "network.hidden=[16]").expect(0)
    launch = Process(training("launch", place, "run", "--nodes", "2", "--lanes", "1", "--set", "train.report_every=1", "--key",
                              place / "server", "--allow", place / "allowed", steps=10**9))
    wait_until(has_rows(place / "run", 5))
    endpoint = (place / "run/coordinator.endpoint").read_text().strip()
    keys = ["--key", place / "viewer", "--coordinator-key", public["server"]]
    assert len(json.loads(elbo("status", endpoint, "--json", *keys).output)["nodes"]) == 2
    elbo("node", "--coordinator", endpoint, "--name", "viewer", *keys).expect_line("role", beside=3)
    helped = elbo("predict", place / "bbb", "--input", Path(place.data) / "t10k-images-idx3-ubyte", "--samples", 5, "--output",
                  place / "p.npz", "--coordinator", endpoint, *keys)
    assert helped.status != 0 and not (place / "p.npz").exists(), "a viewer has had nodes predict"
    helped.expect_no_trace()
    assert len(json.loads(elbo("status", endpoint, "--json", *keys).output)["nodes"]) == 2
    launch.signal(signal.SIGTERM)
    assert launch.wait() == 130


@attack("F8", "a killed coordinator's run, started with another seed, model or data: refused, unchanged, and goes on as it was")
def refused_start(place: Place) -> None:
    expected = alone(place, 300)
    cluster = Cluster(place, nodes=1, steps=300)
    cluster.endpoint  # noqa: B018
    cluster.coordinator.signal(signal.SIGKILL)
    cluster.coordinator.wait()
    before = {path: path.read_bytes() for path in cluster.run.rglob("*") if path.is_file() and path.name != ".lock"}
    elbo(*cluster.command, "--seed", 7).expect_line("recipe")
    elbo(*training("coordinator", place, "run", "--bind", "tcp://127.0.0.1:*", model="autoencoder")).expect_line("autoencoder")
    after = {path: path.read_bytes() for path in cluster.run.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before, "a refused start has changed the run"
    (cluster.run / "coordinator.endpoint").unlink()
    cluster.coordinator = Process(cluster.command)
    cluster.join()
    cluster.end(expected)


@attack("F12", "`launch` on one machine: no port is open, another user reaches no socket, the status answers by run folder")
def other_user(place: Place) -> None:
    launch = Process(training("launch", place, "run", "--nodes", "2", "--lanes", "1", "--set", "train.report_every=1", steps=10**9))
    wait_until(has_rows(place / "run", 5))
    endpoint = (place / "run/coordinator.endpoint").read_text().strip()
    assert endpoint.startswith("ipc:///"), endpoint
    path = Path(endpoint.removeprefix("ipc://"))
    assert path.parent.stat().st_mode & 0o777 == 0o700, oct(path.parent.stat().st_mode)
    assert len(json.loads(elbo("status", place / "run", "--json").output)["nodes"]) == 2
    if is_root():
        pid = os.fork()
        if pid == 0:
            os.setgid(65534)
            os.setuid(65534)
            try:
                with socket.socket(socket.AF_UNIX) as stranger:
                    stranger.connect(str(path))
                os._exit(1)
            except PermissionError:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "another user has connected"
    launch.signal(signal.SIGTERM)
    assert launch.wait() == 130
    assert not path.parent.exists(), "the sockets are left behind"


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec -= 3600;
  return status;
}
"""


@attack("F14", "a node is killed and comes back under its name with the clock an hour earlier: it is let in, same hash")
def clock_back(place: Place) -> None:
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise Skipped("needs a C compiler")
    (place / "clock.c").write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O", "-o", place / "clock.so", place / "clock.c", "-ldl"], check=True)
    expected = alone(place, 3000)
    cluster = Cluster(place, nodes=2, steps=3000)
    cluster.join()
    killed = cluster.join()
    cluster.wait_for(50)
    killed.signal(signal.SIGKILL)
    killed.wait()
    cluster.nodes.remove(killed)
    back = Process.__new__(Process)
    start(back, ["env", f"LD_PRELOAD={place / 'clock.so'}", ELBO, "node", "--coordinator", cluster.endpoint, "--name", "n2", "--lanes", "1",
                 "--patience", "30"])
    cluster.nodes.append(back)
    cluster.end(expected)
    assert any("view" in line and "n2" in line for _, line in back.lines), back.lines


@attack("small", "200 status clients at once, and some that ask and do not read: answered, same hash", 120)
def many_readers(place: Place) -> None:
    expected = alone(place, 2000)
    cluster = Cluster(place, nodes=2, steps=2000)
    cluster.join()
    cluster.join()
    cluster.wait_for(5)
    port = port_of(cluster.endpoint)
    deaf = [peer(port) for _ in range(200)]
    for one in deaf:
        for _ in range(20):
            # A status request of protocol version 1; nobody reads what comes back.
            one.send([b"\x08\x01\xa2\x06\x00"])
    cluster.status()
    cluster.end(expected)
    for one in deaf:
        one.close()
