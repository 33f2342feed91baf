"""Random and mutated messages on the ports of a training that goes on, and peers that do not read."""

import argparse
import random
import socket as sockets
import sys
import time

from .cluster import Job, undisturbed
from .wire import Asker, common, control, crc32c, data, dealer, envelope, membership, status


def mutated(choice: random.Random, seed: bytes) -> bytes:
    result = bytearray(seed)
    for _ in range(choice.randrange(5)):
        at = choice.randrange(len(result) + 1)
        kind = choice.randrange(6)
        if kind == 0 and at < len(result):
            result[at] ^= 1 << choice.randrange(8)
        elif kind == 1 and at < len(result):
            result[at] = choice.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            result.insert(at, choice.randrange(256))
        elif kind == 3:
            del result[at:at + choice.randrange(1, 9)]
        elif kind == 4:
            result[at:at] = result[at:at + 40]
        else:
            result[at:at] = b"\xff" * 9 + b"\x01"
    return bytes(result)


def control_seeds(job: int) -> list[bytes]:
    """Messages that are right but for who says them: a node or an incarnation that is not there."""
    def of(**body) -> bytes:
        return envelope.Envelope(protocol_version=1, job=job, sender=1, incarnation=77, **body).SerializeToString()

    at = common.PhaseIndex(step=3, phase=0)
    return [
        of(status_request=status.StatusRequest()),
        of(heartbeat=control.Heartbeat(view=1, sequence=5, position=at, stage=3)),
        of(late=control.Late(view=1, position=at, missing=[common.ShardRange(first=0, count=2)])),
        of(report=control.Report(step=2, examples=40, metrics=[control.Metric(name="train/elbo", value=-3)])),
        of(leave=membership.Leave(reason=1, explanation="so long")),
        of(view_ack=membership.ViewAck(view=1)),
        of(hello=membership.Hello(name="eve", build="another", lanes=1, recipe_digest=bytes(32), data_digest=bytes(32),
                                  data_endpoints=["tcp://127.0.0.1:9"])),
        of(state_offer=common.StateOffer(step=9, count=100, digest=bytes(32))),
        of(recipe_request=membership.RecipeRequest(build="another")),
    ]


def data_seeds(job: int, sender: int) -> list[tuple[bytes, bytes]]:
    at = common.PhaseIndex(step=3, phase=0)

    def of(payload: bytes = b"", **body) -> tuple[bytes, bytes]:
        head = data.DataMessage(
            protocol_version=1, job=job, sender=sender, incarnation=77, view=1, position=at, **body).SerializeToString()
        if payload:
            length, rest = b"", len(payload)
            while rest >= 128:
                length += bytes([rest & 127 | 128])
                rest >>= 7
            head += bytes([15 << 3 | 2]) + length + bytes([rest])
        return head, payload

    seeds = [
        of(sync=data.Sync(position=at, chain=3)), of(acknowledgement=data.Acknowledgement()), of(credit=data.Credit(limit=1 << 40)),
        of(request=data.Request(kind=3, position=at, elements=[common.ElementRange(first=0, count=16)])),
        of(request=data.Request(kind=5, elements=[common.ElementRange(first=0, count=1 << 20)])),
    ]
    for kind in [1, 2, 3]:
        payload = bytes(64 * (1 if kind == 3 else 4))
        chunk = data.Chunk(
            kind=kind, position=at, elements=common.ElementRange(first=16, count=64), precision=4 if kind == 3 else 1,
            checksum=crc32c(payload), vector_count=1 << 14, state_digest=bytes(32) if kind == 3 else b"")
        if kind == 1:
            chunk.subtree.CopyFrom(common.ShardRange(first=0, count=1))
        seeds.append(of(payload, chunk=chunk))
    return seeds


def flood(choice: random.Random, endpoint: str, seeds: list, count: int) -> int:
    """Sends so many messages, and raw bytes that are no ZeroMQ at all now and then."""
    socket = dealer(endpoint)
    sent = 0
    while sent < count:
        seed = choice.choice(seeds)
        kind = choice.randrange(12)
        if isinstance(seed, bytes):
            frames = [mutated(choice, seed)]
        else:
            frames = [mutated(choice, seed[0]), mutated(choice, seed[1])][:2 if seed[1] else 1]
        if kind == 0:
            frames = [choice.randbytes(choice.randrange(200))]
        elif kind == 1:
            frames = [choice.randbytes(3)] * choice.randrange(2, 7)
        elif kind == 2 and isinstance(seed, bytes):
            frames = [b"", *frames]
        socket.send_multipart(frames)
        sent += 1
        if sent % 4000 == 0:
            while socket.poll(0):
                socket.recv_multipart()
            host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
            with sockets.create_connection((host, int(port)), 5) as raw:
                raw.sendall(choice.randbytes(choice.randrange(1, 3000)))
        if sent % 50000 == 0:
            print(f"\r{endpoint}: {sent} of {count}\033[K", end="", file=sys.stderr)
    # A context keeps what is under way; give it time to leave.
    time.sleep(1)
    socket.close(linger=5000)
    return sent


def fuzz(o: argparse.Namespace) -> None:
    seed = o.seed if o.seed is not None else int(time.time())
    choice = random.Random(seed)
    print(f"seed {seed}")
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    expected = undisturbed(options).hash
    # Nothing ends before the flood does.
    endless = ["1000000000" if word == str(o.steps) else word for word in options]
    job = Job(endless, 2, 1.0)
    try:
        job.wait_steps(0)
        asker = Asker(job.endpoint)
        before = asker.status()
        memory = [p.rss() for p in [job.coordinator, *job.nodes]]
        start = time.monotonic()
        sent = {job.endpoint: flood(choice, job.endpoint, control_seeds(int(job.status()["job"], 16)), o.count)}
        for index, node in enumerate(before.nodes):
            sent[node.address] = flood(choice, node.address, data_seeds(int(job.status()["job"], 16), 2 - index), o.count)
        seconds = time.monotonic() - start
        step = job.steps()
        job.wait_steps(step + 10)
        after = asker.status(20000)
        late = [p.rss() for p in [job.coordinator, *job.nodes]]
        print("\r\033[K", end="", file=sys.stderr)
        print(f"{sum(sent.values())} messages to {len(sent)} ports in {seconds:.0f} s: views {before.job.view_changes} → "
              f"{after.job.view_changes}, refused by the coordinator {after.job.refused_messages - before.job.refused_messages}, "
              f"steps {before.job.position.step} → {after.job.position.step}, resident MB "
              + ", ".join(f"{a / 1000:.0f} → {b / 1000:.0f}" for a, b in zip(memory, late)))
        good = before.job.view_changes == after.job.view_changes and len(after.nodes) == len(before.nodes)
        good = good and all(p.process.poll() is None for p in [job.coordinator, *job.nodes])
    finally:
        job.close()
    # The result of a training that is disturbed from its first step to its last.
    job = Job(options, 2, 1.0)
    try:
        while job.coordinator.process.poll() is None:
            reply = Asker(job.endpoint).status(500)
            if reply is None:
                break
            flood(choice, job.endpoint, control_seeds(reply.job.job or 1), 2000)
            for index, node in enumerate(reply.nodes):
                flood(choice, node.address, data_seeds(reply.job.job or 1, 2 - index), 2000)
        result = job.finish()
    finally:
        job.close()
    good = good and result == expected
    print("nothing but counters has changed; the hash is that of one process" if good else "SOMETHING HAS CHANGED")
    if not good:
        sys.exit(1)


def slow(o: argparse.Namespace) -> None:
    """Peers that ask and never read: the coordinator neither waits for them nor grows."""
    options = [o.model, "--data", o.data, "--steps", str(o.steps), "--shards", "4", *o.set]
    expected = undisturbed(options).hash
    job = Job(options, 2, 1.0)
    try:
        job.wait_steps(0)
        memory = job.coordinator.rss()
        asker = Asker(job.endpoint)
        mute = [dealer(job.endpoint) for _ in range(8)]
        asked = 0
        times = []
        while job.coordinator.process.poll() is None and asked < o.count:
            for socket in mute:
                for _ in range(200):
                    socket.send(asker.question)
                    asked += 1
            start = time.monotonic()
            if asker.status(5000) is None:
                break
            times.append((time.monotonic() - start) * 1000)
        late = job.coordinator.rss() if job.coordinator.process.poll() is None else 0
        result = job.finish()
    finally:
        job.close()
    print(f"{asked} questions of 8 peers that never read: others are answered in {max(times):.1f} ms at most; coordinator "
          f"{memory / 1000:.0f} → {late / 1000:.0f} MB; hash {'equal' if result == expected else 'NOT EQUAL'}")
    if result != expected:
        sys.exit(1)
