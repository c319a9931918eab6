"""A bounded load: connections that each send the next request when the answer has come."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What a load saw. Times in milliseconds."""

    per_second: float
    median: float
    p99: float
    statuses: frozenset[int]


def run(port: int, request: bytes, *, connections: int = 32, seconds: float = 5.0) -> Load:
    """Send `request` over `connections` for `seconds`."""
    return asyncio.run(_run(port, request, connections, seconds))


async def _run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    until = time.monotonic() + seconds
    times: list[float] = []
    statuses: set[int] = set()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if length:
                await reader.readexactly(int(length[0].split(b":")[1]))
            times.append((time.perf_counter() - began) * 1000)
            statuses.add(int(head[9:12]))
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(connections)))
    took = time.monotonic() - began
    times.sort()
    return Load(
        len(times) / took, statistics.median(times), times[int(len(times) * 0.99)], frozenset(statuses)
    )
