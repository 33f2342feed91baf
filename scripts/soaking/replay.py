"""Whoever can read and write the network: every message, of both planes, may come again, much later, by another connection."""

import argparse
import random
import signal
import sys
import threading
import time
from collections import deque

import zmq

from .cluster import Job, undisturbed
from .wire import context, envelope


class Repeater(threading.Thread):
    """Stands between the coordinator and its nodes, and between any two nodes: what nodes say in Hello of where they are
    reached is replaced. Passes everything on, and says old things again."""

    def __init__(self, coordinator: str, share: float, choice: random.Random) -> None:
        super().__init__(daemon=True)
        self.share, self.choice, self.repeated = share, choice, 0
        self.over = threading.Event()
        self.poller = zmq.Poller()
        # For what comes on a socket: what to do with it.
        self.handlers: dict = {}
        self.behind: dict[str, str] = {}
        self.endpoint = self.front(coordinator)
        self.start()

    def front(self, target: str) -> str:
        """Where this target is reached from now on."""
        if target not in self.behind:
            router = context.socket(zmq.ROUTER)
            port = router.bind_to_random_port("tcp://127.0.0.1")
            self.behind[target] = f"tcp://127.0.0.1:{port}"
            backs: dict[bytes, zmq.Socket] = {}
            self.watch(router, lambda frames: self.inward(router, target, backs, frames), deque(maxlen=4000))
        return self.behind[target]

    def watch(self, socket, handler, memory: deque) -> None:
        self.handlers[socket] = (handler, memory)
        self.poller.register(socket, zmq.POLLIN)

    def inward(self, router, target: str, backs: dict, frames: list[bytes]):
        sender, *body = frames
        if sender not in backs:
            back = context.socket(zmq.DEALER)
            back.connect(target)
            backs[sender] = back
            self.watch(back, lambda answer: (router, [sender, *answer]), deque(maxlen=1000))
        return backs[sender], [self.readdressed(part) if len(body) == 1 else part for part in body]

    def readdressed(self, frame: bytes) -> bytes:
        try:
            message = envelope.Envelope.FromString(frame)
        except Exception:
            return frame
        if message.WhichOneof("body") != "hello" or message.protocol_version != 1:
            return frame
        message.hello.data_endpoints[:] = [self.front(endpoint) for endpoint in message.hello.data_endpoints]
        return message.SerializeToString()

    def run(self) -> None:
        while not self.over.is_set():
            for socket, _ in self.poller.poll(100):
                handler, memory = self.handlers[socket]
                passed = handler(socket.recv_multipart())
                memory.append(passed)
                self.say(*passed)
                if self.choice.random() < self.share:
                    # To the same process, by whichever connection it was.
                    self.repeated += 1
                    self.say(*self.choice.choice(memory))

    def say(self, socket, frames: list[bytes]) -> None:
        try:
            socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.ZMQError:
            pass


def run(o: argparse.Namespace) -> None:
    seed = o.seed if o.seed is not None else int(time.time())
    print(f"seed {seed}")
    choice = random.Random(seed)
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    expected = undisturbed(options).hash
    repeaters = []

    def through(endpoint: str) -> str:
        repeaters.append(Repeater(endpoint, 0.3, choice))
        return repeaters[0].endpoint

    killed = 0
    job = Job(options, o.nodes, 1.0, through)
    try:
        # Old incarnations and old views are what is said again.
        for _ in range(3):
            if job.wait_steps(job.steps() + o.steps // 10) is None:
                break
            job.wait_members(o.nodes)
            members = job.members()
            if job.coordinator.process.poll() is None and members:
                job.nodes[int(choice.choice(members)[1:]) - 1].signal(signal.SIGKILL)
                killed += 1
                job.join()
        result = job.finish()
    finally:
        job.close()
        repeaters[0].over.set()
        repeaters[0].join()
    fallen = [node.process.returncode for node in job.nodes if node.process.returncode not in (0, -signal.SIGKILL)]
    good = result == expected and not fallen
    print(f"{repeaters[0].repeated} messages said again, {killed} nodes killed, {o.steps} steps by {o.nodes} nodes: hash "
          f"{'equal' if result == expected else 'NOT EQUAL'}; exit statuses that are not 0: {fallen or 'none'}")
    if not good:
        sys.exit(1)
