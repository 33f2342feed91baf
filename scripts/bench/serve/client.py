"""Asks a server from some connections and prints latencies and throughput: client.py NAME PORT PATH KIND CONNECTIONS COUNT.

KIND: elbo-table, elbo-images (the protocol's binary extension), torch-table or torch-images (the bare numbers).
"""

import json
import socket
import struct
import sys
import threading
import time


def body(kind):
    numbers = struct.pack("<10f", *[0.1 * i for i in range(10)])
    if kind.endswith("images"):
        numbers = bytes(i * 7 % 256 for i in range(784))
    if kind.startswith("torch"):
        return b"", numbers
    datatype, width = ("UINT8", 784) if kind.endswith("images") else ("FP32", 10)
    head = json.dumps({
        "inputs": [{"name": "input", "shape": [1, width], "datatype": datatype,
                    "parameters": {"binary_data_size": len(numbers)}}],
        "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in ("mean", "std")],
    }).encode()
    return b"Inference-Header-Content-Length: %d\r\n" % len(head), head + numbers


def ask(port, request, count, times):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
        start = time.perf_counter()
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, rest = answer.split(b"\r\n\r\n", 1)
        assert head.split()[1] == b"200", answer
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(rest) < length:
            rest += connection.recv(65536)
        times.append(time.perf_counter() - start)


def main():
    name, port, path, kind, connections, count = sys.argv[1:]
    port, connections, count = int(port), int(connections), int(count)
    header, content = body(kind)
    request = (b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n"
               % (path.encode(), header, len(content))) + content
    ask(port, request, 20, [])
    times = [[] for _ in range(connections)]
    threads = [threading.Thread(target=ask, args=(port, request, count, mine)) for mine in times]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    ordered = sorted(t for mine in times for t in mine)
    print("%-14s %3d connections  p50 %8.2f ms  p99 %8.2f ms  %8.0f requests/s" % (
        name, connections, 1e3 * ordered[len(ordered) // 2], 1e3 * ordered[int(len(ordered) * 0.99)],
        len(ordered) / seconds), flush=True)


main()
