"""The gate for minutes at 80 % of what it can do: no growth of memory, no error, no lost decision.

`script/bench soak` takes ten minutes, `script/bench soak 2` two. The gate's own limit is measured first, then it is asked
at an even pace below it; how long a question waits is counted from when it was due, so that a stall is not passed over.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil
from django.db import connection

from governance.gate.merkle import root
from governance.gate.record import FIELDS, record_digest
from governance.models import Batch, Decision
from tests import factories
from tests.bench import load
from tests.bench.gate import GATE, check
from tests.bench.serving import served
from tests.governance.gate import servers

MINUTES = 10.0
SHARE = 0.8
CONNECTIONS = 32
SAMPLES = 12
GROWTH = 8.0  # megabytes that no one calls growth: pools, buffers, what a runtime keeps
SILENCE = 15.0
MEGABYTE = 1_048_576


@dataclass
class Outcome:
    """What was heard. Times in milliseconds, from when each question was due."""

    waits: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    decisions: list[str] = field(
        default_factory=list
    )  # emptied when they are looked up: there will be millions
    decided: int = 0
    lost: int = 0
    broken: int = 0  # connections that ended without an answer

    def add(self, part: Outcome) -> None:
        """What was heard in a part of the time, each of its decisions looked up in the journal."""
        self.waits += part.waits
        self.statuses += part.statuses
        self.broken += part.broken
        self.decided += len(set(part.decisions))
        self.lost += _lost(part.decisions)

    def wait(self, share: float) -> float:
        """What so many waited at most."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(minutes: float = MINUTES) -> Iterator[str]:
    """The limit, then one line for each part of the time, then what the journal says of it all."""
    with servers.copy("bench") as address, servers.inside(address):
        yield from _measured(address, minutes * 60)


def _measured(address: str, seconds: float) -> Iterator[str]:
    version = factories.approved_version()
    factories.policy(version.model, "group:owner")
    request = check(version, factories.token(version.model)[1].text)
    with served(GATE, {"DATABASE_URL": address}) as gate:
        limit = load.run(gate.port, [request], seconds=min(10.0, max(2.0, seconds / 10))).per_second
        pace = limit * SHARE
        yield f"limit {limit:.0f} decisions/s at {CONNECTIONS} connections; {seconds / 60:g} min at {pace:.0f}/s"
        workers = _workers(gate.port)
        before, began = _journal(), time.monotonic()
        heard, sizes = Outcome(), [_megabytes(workers)]
        for _ in range(SAMPLES):
            part = asyncio.run(_pace(gate.port, request, pace, seconds / SAMPLES))
            sizes.append(_megabytes(workers))
            yield (
                f"after {time.monotonic() - began:4.0f} s: {sum(part.statuses.values())} answers, p50 {part.wait(0.5):.1f} ms, "
                f"p99 {part.wait(0.99):.1f} ms, {sizes[-1]:.1f} MB"
            )
            heard.add(part)
        yield from _summary(heard, sizes, before)


def _summary(heard: Outcome, sizes: Sequence[float], before: int) -> Iterator[str]:
    errors = sum(count for status, count in heard.statuses.items() if status != 200) + heard.broken
    # The first samples hold what every run loads once; growth is what still comes after a quarter of the time.
    settled = max(sizes[: 1 + SAMPLES // 4])
    growth = sizes[-1] - settled
    stored = _journal() - before
    yield (
        f"memory {sizes[0]:.1f} MB at the start, {settled:.1f} MB after a quarter, {sizes[-1]:.1f} MB at the end"
        f"{'' if growth <= GROWTH else f'  GROWS BY {growth:.1f} MB'}"
    )
    yield f"errors {errors}, statuses {dict(sorted(heard.statuses.items()))}{'' if not errors else '  NOT NONE'}"
    yield (
        f"decisions {heard.decided} answered, {stored} stored, {heard.lost} lost"
        f"{'' if not heard.lost and stored >= heard.decided else '  LOST'}; {_broken_batches()} batches whose root does not hold"
    )
    yield f"waits p50 {heard.wait(0.5):.2f} ms, p99 {heard.wait(0.99):.2f} ms, most {max(heard.waits):.0f} ms"


async def _pace(port: int, request: bytes, pace: float, seconds: float) -> Outcome:
    """So many questions a second, evenly, over all connections; whoever is late asks at once."""
    heard, began = Outcome(), time.perf_counter()
    number = iter(range(int(pace * seconds)))

    async def one() -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                heard.broken += 1
                if next(number, None) is None:
                    return
                await asyncio.sleep(0.1)
                continue
            try:
                await _ask(reader, writer)
                return
            except (OSError, EOFError, TimeoutError):
                heard.broken += 1
            finally:
                writer.close()

    async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for turn in number:
            due = began + turn / pace
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            writer.write(request)
            async with asyncio.timeout(SILENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(
                    line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
                )
                await reader.readexactly(int(fields.get(b"content-length", 0)))
            heard.waits.append((time.perf_counter() - due) * 1000)
            status = int(head[9:12])
            heard.statuses[status] += 1
            if decision := fields.get(b"x-cardinal-decision"):
                heard.decisions.append(decision.decode())

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return heard


def _workers(port: int) -> list[psutil.Process]:
    """The gate's processes that answer: the children of this process that have the port, and theirs."""
    mine = psutil.Process().children(recursive=True)
    return [one for one in mine if _has(one, port)]


def _has(process: psutil.Process, port: int) -> bool:
    try:
        found = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.laddr and one.laddr.port == port for one in found)


def _megabytes(workers: Sequence[psutil.Process]) -> float:
    """Resident memory of all of them, as /proc says."""
    return sum(one.memory_info().rss for one in workers) / MEGABYTE


def _journal() -> int:
    return Decision.objects.count()


def _lost(decisions: Sequence[str]) -> int:
    """How many of the decisions that were answered the journal does not have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM unnest(%s::uuid[]) AS heard (id) WHERE NOT EXISTS"
            " (SELECT 1 FROM governance_decision d WHERE d.id = heard.id AND d.allowed)",
            [list(decisions)],
        )
        return int(cursor.fetchone()[0])


def _broken_batches(sample: int = 200) -> int:
    """How many of the newest batches are not what their root says."""
    broken = 0
    for batch in Batch.objects.order_by("-written_at")[:sample]:
        rows = list(batch.decisions.all())
        digests = sorted(bytes.fromhex(row.digest) for row in rows)
        fields = [{f: getattr(row, "batch_id" if f == "batch" else f) for f in FIELDS} for row in rows]
        whole = len(digests) == batch.count and root(digests).hex() == batch.root
        broken += not (
            whole and all(record_digest(one) == row.digest for one, row in zip(fields, rows, strict=True))
        )
    return broken
