"""A bounded load: connections that each send the next request when the answer has come.

One process, one thread, no event loop of asyncio: a request costs it some ten microseconds, so that it can keep a server
busy that answers thirty thousand of them a second. `run` starts it on a core of its own.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

LENGTH = b"content-length:"
RESERVE = 65_536


@dataclass(frozen=True)
class Load:
    """What a load saw. Times in milliseconds; `statuses` counts answers by status."""

    per_second: float
    median: float
    p99: float
    statuses: dict[str, int]


def run(
    port: int, requests: list[bytes], *, connections: int = 32, seconds: float = 5.0, rate: float = 0
) -> Load:
    """Sends `requests` in turn over `connections` for `seconds`; `rate` a second at most, 0 for as many as are answered."""
    order = {
        "port": port, "requests": [one.decode("latin-1") for one in requests], "connections": connections,
        "seconds": seconds, "rate": rate,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], input=json.dumps(order), capture_output=True, text=True, check=True,
        timeout=seconds + 60,
    )  # fmt: skip
    return Load(**json.loads(done.stdout))


class _Connection:
    def __init__(self, port: int, requests: list[bytes], first: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests, self.next = requests, first
        self.sent = 0.0

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.socket.sendall(self.requests[self.next])
        self.next = (self.next + 1) % len(self.requests)

    def answer(self) -> bytes:
        """The status of a whole answer."""
        data = self.socket.recv(RESERVE)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        place = data.lower().find(LENGTH, 0, end)
        if place >= 0:
            length = int(data[place + len(LENGTH) : data.index(b"\r\n", place)])
            while len(data) < end + 4 + length:
                data += self._more()
        return data[9:12]

    def _more(self) -> bytes:
        chunk = self.socket.recv(RESERVE)
        if not chunk:
            raise ConnectionError("the server hung up")
        return chunk


def drive(port: int, requests: list[bytes], connections: int, seconds: float, rate: float) -> Load:
    """The load itself."""
    waiting = selectors.DefaultSelector()
    step = max(1, len(requests) // connections)
    everyone = [_Connection(port, requests, n * step % len(requests)) for n in range(connections)]
    statuses: Counter[bytes] = Counter()
    times: list[float] = []
    began = time.perf_counter()
    for one in everyone:
        waiting.register(one.socket, selectors.EVENT_READ, one)
        one.send()
    sent = len(everyone)
    while time.perf_counter() - began < seconds:
        for key, _ in waiting.select(1):
            one = key.data
            statuses[one.answer()] += 1
            times.append(time.perf_counter() - one.sent)
            if rate and (ahead := began + sent / rate - time.perf_counter()) > 0:
                time.sleep(ahead)
            one.send()
            sent += 1
    took = time.perf_counter() - began
    times.sort()
    return Load(
        len(times) / took,
        statistics.median(times) * 1000,
        times[int(len(times) * 0.99)] * 1000,
        {status.decode(): count for status, count in sorted(statuses.items())},
    )


def main() -> int:
    """Reads an order, writes what was seen."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    order = json.load(sys.stdin)
    order["requests"] = [one.encode("latin-1") for one in order["requests"]]
    json.dump(asdict(drive(**order)), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
