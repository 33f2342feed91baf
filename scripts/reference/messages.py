"""Writes Tests/MessagesTests/Golden/messages.json: messages as Google's own protobuf serialises them.

    python3 -m venv /tmp/messages && /tmp/messages/bin/pip install -r scripts/reference/messages-requirements.txt
    /tmp/messages/bin/python scripts/reference/messages.py            # needs protoc (Debian: protobuf-compiler)
    /tmp/messages/bin/python scripts/reference/messages.py --parse FILE   # prints a DataMessage from a file

The Swift tests decode these bytes to the values named here and encode the values to these bytes.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load():
    out = tempfile.mkdtemp()
    protos = sorted((ROOT / "Protos/elbo/v1").glob("*.proto"))
    subprocess.run(
        ["protoc", f"--proto_path={ROOT / 'Protos'}", f"--python_out={out}", *map(str, protos)], check=True
    )
    sys.path.insert(0, out)
    from elbo.v1 import common_pb2, control_pb2, data_pb2, envelope_pb2, log_pb2, membership_pb2, prediction_pb2
    from elbo.v1 import status_pb2

    return common_pb2, control_pb2, data_pb2, envelope_pb2, log_pb2, membership_pb2, prediction_pb2, status_pb2


common, control, data, envelope, log, membership, prediction, status = load()


def digest(byte):
    return bytes([byte]) * 32


def phase(step, index):
    return common.PhaseIndex(step=step, phase=index)


def shards(first, count):
    return common.ShardRange(first=first, count=count)


def elements(first, count):
    return common.ElementRange(first=first, count=count)


def crc32c(payload):
    crc = 0xFFFFFFFF
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def controls():
    def make(sender=7, incarnation=99, epoch=0, job=0x0123456789ABCDEF, **body):
        return envelope.Envelope(
            protocol_version=1, job=job, sender=sender, incarnation=incarnation, epoch=epoch, **body
        )

    member = lambda node, block: membership.Member(
        node=node, incarnation=1000 + node, name=f"n{node}", lanes=2, data_endpoints=[f"tcp://10.0.0.{node}:7701"],
        curve_public_key=digest(node), shards=block,
    )
    waits = [control.Wait(node=3, cause=control.WAIT_CAUSE_TOTALS)]
    moments = b"".join(i.to_bytes(8, "little") for i in range(12))
    yield "recipe_request", make(0, 0, 0, 0, recipe_request=membership.RecipeRequest(
        build="elbo 1.0 abc", name="rack3"))
    yield "recipe", make(0, 0, 2, recipe=membership.Recipe(
        yaml=b"model: vae\n", digest=digest(1), shards=8, steps=12000))
    yield "hello", make(0, 99, 0, 0, hello=membership.Hello(
        name="rack3-nöde", incarnation=99, build="elbo 1.0 abc", recipe_digest=digest(1), data_digest=digest(2),
        lanes=4, data_endpoints=["tcp://10.0.0.1:7701", "tcp://[fe80::1]:7701"], curve_public_key=digest(3), view=5,
        position=phase(11, 1)))
    yield "welcome", make(0, 0, 2, welcome=membership.Welcome(
        node=7, incarnation=99, heartbeat_milliseconds=1000, missed_heartbeats=3))
    yield "refused", make(0, 0, 2, refused=membership.Refused(
        code=membership.REFUSAL_CODE_DATA_DIFFERS, explanation="other data", incarnation=99))
    yield "refused_stale", make(0, 0, 2, refused=membership.Refused(
        code=membership.REFUSAL_CODE_STALE_INCARNATION, explanation="a later start is known", incarnation=99,
        known_incarnation=100))
    yield "view", make(0, 0, 2, view=membership.View(
        number=6, members=[member(1, shards(0, 3)), member(2, None), member(4, shards(3, 5))], shards=8,
        cause="node 3 is lost"))
    yield "view_ack", make(view_ack=membership.ViewAck(view=6))
    yield "dismissed", make(0, 0, 2, dismissed=membership.Dismissed(
        view=7, explanation="no heartbeat for 3 s", incarnation=99))
    yield "leave", make(leave=membership.Leave(reason=membership.LEAVE_REASON_ASKED, explanation="SIGTERM"))
    yield "heartbeat", make(heartbeat=control.Heartbeat(
        view=6, sequence=42, position=phase(11, 1), chain=0xFEDCBA9876543210, stage=control.STAGE_EXCHANGING,
        shards_done=[shards(0, 2), shards(4, 1)], waits=waits, waiting_milliseconds=17, step_microseconds=4100,
        bytes_received=1 << 40, bytes_sent=12, objective=-241.5, examples_per_second=1e5))
    yield "heartbeat_reply", make(0, 0, 2, heartbeat_reply=control.HeartbeatReply(
        sequence=42, view=6, recorded=600, saved=580))
    yield "late", make(late=control.Late(
        view=6, position=phase(11, 1), missing=[shards(3, 5)], shards_done=[shards(0, 3)],
        waiting_milliseconds=250))
    yield "execute", make(0, 0, 2, execute=control.Execute(
        view=6, position=phase(11, 1), node=1, shards=shards(3, 2)))
    yield "stop", make(0, 0, 2, stop=control.Stop(
        reason=control.STOP_REASON_COMPLETED, explanation="all steps done"))
    offer = lambda step, converged, count: common.StateOffer(
        step=step, converged=converged, count=count, digest=digest(5))
    yield "recipe_with_start", make(0, 0, 2, recipe=membership.Recipe(
        yaml=b"model: vae\n", digest=digest(1), shards=8, steps=12000, start=offer(600, False, 1 << 33)))
    yield "report", make(report=control.Report(
        step=600, examples=60000, metrics=[
            control.Metric(name="test/elbo", value=-99.5), control.Metric(name="train/elbo", value=-101.25)]))
    yield "save_request", make(0, 0, 2, save_request=control.SaveRequest())
    yield "state_offer", make(state_offer=offer(600, True, 4096))
    yield "state_request", make(0, 0, 2, state_request=control.StateRequest(digest=digest(5), first=1024, count=1024))
    part = bytes(range(200))
    yield "state_part", make(state_part=control.StatePart(
        digest=digest(5), first=1024, checksum=crc32c(part), payload=part))
    yield "lease_request", make(lease_request=prediction.LeaseRequest(lanes=2))
    yield "sample_lease", make(0, 0, 2, sample_lease=prediction.SampleLease(
        lease=5, prediction=77, parameters_digest=digest(4), first_sample=100, sample_count=50,
        examples=elements(0, 1000), deadline_milliseconds=5000))
    yield "sample_result", make(sample_result=prediction.SampleResult(
        lease=5, prediction=77, first_sample=100, sample_count=1, examples=elements(10, 3), outputs=2, statistics=2,
        checksum=crc32c(moments), moments=moments))
    yield "prediction", make(0, 0, 0, 0, prediction=prediction.Prediction(
        prediction=77, recipe=b"model: bbb\n", parameters_digest=digest(4), parameters_count=1 << 20,
        inputs_digest=digest(6), input_kind=prediction.INPUT_KIND_FLOAT32, input_shape=[28, 28], examples=10000, seed=3,
        outputs=10, schema=b"{}"))
    progress = prediction.PredictionStatus(
        samples=200, examples=10000, piece=elements(512, 512), leases=16, leases_done=3, out=[prediction.LeaseStatus(
            node="n1", first_sample=100, sample_count=50, examples=elements(512, 256), seconds=0.5)])
    yield "assist", make(0, 0, 0, 0, assist=prediction.Assist(
        prediction=77, endpoint="tcp://10.0.0.9:41000", curve_public_key=digest(3), status=progress))
    yield "status_request", make(0, 0, 0, 0, status_request=status.StatusRequest())
    yield "status_reply", make(0, 0, 2, status_reply=status.StatusReply(
        job=status.JobStatus(
            recipe="vae", state=status.JOB_STATE_RUNNING, job=0x0123456789ABCDEF, position=phase(11, 1), steps=12000,
            shards=8, objective=-241.5, examples_per_second=1e5, seconds_running=60.5, seconds_left=math.inf, view=6,
            view_changes=5, coordinator_restarts=1, refused_messages=3, explanation="", build="elbo 1.0 abc"),
        nodes=[status.NodeStatus(
            node=1, name="n1", incarnation=1001, state=status.NODE_STATE_STUCK, view=6, position=phase(11, 1),
            stage=control.STAGE_COMPUTING, shards=shards(0, 3), shards_done=2, lanes=2, seconds_since_seen=0.25,
            step_microseconds=4100, bytes_received=10, bytes_sent=20, waits=waits, seconds_waiting=1.5, restarts=2,
            address="tcp://10.0.0.1:7701")],
        help=[status.HelpStatus(prediction=77, status=progress)]))


def chunks():
    def make(payload=b"", **body):
        return data.DataMessage(
            protocol_version=1, job=0x0123456789ABCDEF, sender=7, incarnation=99, view=6, position=phase(11, 1),
            bytes_before=1 << 33, payload=payload, **body)

    floats = bytes(range(40))
    state = bytes(range(200)) * 2
    yield "partial", make(floats, chunk=data.Chunk(
        kind=data.CHUNK_KIND_PARTIAL, position=phase(11, 1), subtree=shards(4, 2), elements=elements(0, 10),
        precision=data.PRECISION_F32, checksum=crc32c(floats),
        tally=data.Tally(examples=25, metrics=[1.5, -2.0]), vector_count=100))
    yield "total", make(floats, chunk=data.Chunk(
        kind=data.CHUNK_KIND_TOTAL, position=phase(11, 1), elements=elements(60, 20), precision=data.PRECISION_BF16,
        checksum=crc32c(floats), vector_count=100))
    yield "lent", make(b"", chunk=data.Chunk(
        kind=data.CHUNK_KIND_PARTIAL, position=phase(11, 1), subtree=shards(4, 2), elements=elements(60, 20),
        precision=data.PRECISION_F64, vector_count=100,
        place=data.Place(process=4711, descriptor=12, token=0xFEDCBA9876543210, age=300)))
    yield "state", make(state, chunk=data.Chunk(
        kind=data.CHUNK_KIND_STATE, position=phase(12, 0), elements=elements(0, 400), precision=data.PRECISION_BYTES,
        checksum=crc32c(state), vector_count=1000, state_digest=digest(5), chain=12345))
    yield "sync", make(sync=data.Sync(
        position=phase(11, 1), chain=1, previous_chain=2, retains_totals=True, shards_done=[shards(0, 1), shards(2, 2)]))
    yield "acknowledgement", make(acknowledgement=data.Acknowledgement())
    yield "request_partials", make(request=data.Request(
        kind=data.REQUEST_KIND_PARTIALS, position=phase(11, 1), elements=[elements(0, 5), elements(9, 1)],
        shards=[shards(4, 4)]))
    yield "request_sync", make(request=data.Request(kind=data.REQUEST_KIND_SYNC))
    yield "credit", make(credit=data.Credit(limit=1 << 34))


def records():
    view = membership.View(number=6, members=[membership.Member(
        node=1, incarnation=1001, name="n1", lanes=2, data_endpoints=["tcp://10.0.0.1:7701"], shards=shards(0, 8))],
        shards=8, cause="start")
    yield "coordinator_started", log.LogRecord(coordinator_started=log.CoordinatorStarted(
        job=0x0123456789ABCDEF, epoch=2, recipe_digest=digest(1), build="elbo 1.0 abc", shards=8))
    yield "data_fingerprinted", log.LogRecord(data_fingerprinted=log.DataFingerprinted(digest=digest(2)))
    yield "node_numbered", log.LogRecord(node_numbered=log.NodeNumbered(name="n1", node=1, incarnation=1001))
    yield "view_decided", log.LogRecord(view_decided=log.ViewDecided(view=view))
    yield "checkpoint_written", log.LogRecord(checkpoint_written=log.CheckpointWritten(
        position=phase(12, 0), chain=12345))
    yield "job_ended", log.LogRecord(job_ended=log.JobEnded(reason=control.STOP_REASON_COMPLETED))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--parse":
        message = data.DataMessage.FromString(pathlib.Path(sys.argv[2]).read_bytes())
        print(message.chunk, len(message.payload), crc32c(message.payload) == message.chunk.checksum)
        return
    golden = {
        kind: {name: message.SerializeToString(deterministic=True).hex() for name, message in messages}
        for kind, messages in (("control", controls()), ("data", chunks()), ("log", records()))
    }
    path = ROOT / "Tests/MessagesTests/Golden/messages.json"
    path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")


main()
