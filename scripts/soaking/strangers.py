"""Those who connect to a port and are nobody: they say nothing, half a greeting, or ZMTP with whatever in it."""

import selectors
import socket
import threading
import time

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY" + b"\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER"


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


class peer:
    """A DEALER over ZMTP 3.1 (rfc.zeromq.org/spec/37), that sends and does not read."""

    def __init__(self, port: int, greets: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.greets = greets
        if greets:
            self.write(GREETING + b"\x04" + bytes([len(READY)]) + READY)

    def __enter__(self) -> "peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def write(self, data: bytes) -> bool:
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def send(self, frames: list[bytes]) -> bool:
        if not self.greets:
            return self.write(b"".join(frames))
        data = b""
        for index, frame in enumerate(frames):
            more = index + 1 < len(frames)
            data += bytes([2 | more]) + len(frame).to_bytes(8, "big") + frame
        return self.write(data)

    def send_length(self, count: int) -> bool:
        """Of a frame that is too large to come."""
        return self.write(b"\x02" + count.to_bytes(8, "big"))

    def send_cut(self, count: int) -> bool:
        """A frame that ends early."""
        return self.write(b"\x02" + count.to_bytes(8, "big") + bytes(count // 2))


class Strangers:
    """Holds so many idle connections to each port, every other of which has begun a greeting; who is cut comes again."""

    def __init__(self, ports: list[int], count: int) -> None:
        self.ports, self.count = ports, count
        self.sockets: dict[socket.socket, int] = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    @property
    def held(self) -> int:
        return len(self.sockets)

    def __enter__(self) -> "Strangers":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def come(self, selector: selectors.BaseSelector, port: int) -> None:
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.connect_ex(("127.0.0.1", port))
        self.sockets[stranger] = port
        selector.register(stranger, selectors.EVENT_READ)

    def run(self) -> None:
        selector = selectors.DefaultSelector()
        for number in range(self.count):
            for port in self.ports:
                self.come(selector, port)
            if number % 100 == 99:
                time.sleep(0.02)
        begun = 0
        while not self.over.is_set():
            for key, _ in selector.select(0.05):
                stranger = key.fileobj
                try:
                    data = stranger.recv(256)
                    if data:
                        begun += 1
                        if begun % 2:
                            stranger.send(GREETING[:11])
                        continue
                except OSError:
                    pass
                port = self.sockets.pop(stranger)
                selector.unregister(stranger)
                stranger.close()
                try:
                    self.come(selector, port)
                except OSError:
                    # The training is over.
                    time.sleep(0.01)
            # Many come, and not without end.
            time.sleep(0.005)
        for stranger in self.sockets:
            stranger.close()
        selector.close()
