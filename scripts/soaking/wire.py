"""Elbo's messages in Python: what Protos/README.md says, and nothing else. Needs protoc, pyzmq and protobuf."""

import subprocess
import sys
import tempfile
from pathlib import Path

import zmq

PROTOS = Path(__file__).resolve().parents[2] / "Protos"


def load():
    out = tempfile.mkdtemp(prefix="elbo-protos-")
    files = map(str, sorted((PROTOS / "elbo/v1").glob("*.proto")))
    subprocess.run(["protoc", f"--proto_path={PROTOS}", f"--python_out={out}", *files], check=True)
    sys.path.insert(0, out)
    from elbo.v1 import common_pb2, control_pb2, data_pb2, envelope_pb2, membership_pb2, status_pb2

    return common_pb2, control_pb2, data_pb2, envelope_pb2, membership_pb2, status_pb2


common, control, data, envelope, membership, status = load()
context = zmq.Context()


def dealer(endpoint: str):
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, 100000)
    socket.connect(endpoint)
    return socket


class Asker:
    """Asks one coordinator for its status, over one connection."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.socket = dealer(endpoint)
        self.question = envelope.Envelope(protocol_version=1, status_request=status.StatusRequest()).SerializeToString()

    def status(self, milliseconds: int = 3000):
        """None: no answer in time."""
        while self.socket.poll(0):
            self.socket.recv_multipart()
        self.socket.send(self.question)
        if not self.socket.poll(milliseconds):
            return None
        return envelope.Envelope.FromString(self.socket.recv()).status_reply


# CRC-32C, for payloads that are to be believed.
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(payload: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in payload:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
