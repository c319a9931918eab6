"""The journal: no answer leaves before its decision is on disk.

Group commit without a timer: while one batch is being committed the next one gathers, so the commit's own duration
forms the batches. One COPY, one row for the batch, one commit; then all who waited may answer. When the commit fails,
none may.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import sql

from governance.gate import merkle
from governance.gate.decide import Answer
from governance.gate.metrics import Metrics
from governance.gate.record import COLUMNS, written
from governance.gate.wire import Wire

log = logging.getLogger(__name__)

BATCH = (
    "INSERT INTO governance_batch (id, writer, count, allowed, root, written_at) "
    "VALUES ('{id}', {writer}, {count}, {allowed}, '{root}', clock_timestamp());"
)
COPY = f"COPY governance_decision ({', '.join(COLUMNS)}) FROM STDIN"
# Whoever made commits asynchronous for the whole server did not mean the journal.
DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off' AND current_setting('fsync') = 'on'"
)
LARGEST_BATCH = 2_000
PENS = 1  # connections of a worker that write at the same time
MOST_WAITING = 20_000  # decisions in memory while a commit hangs; each is refused when its patience is over
WATCH = 0.05  # seconds between two looks at who has waited too long


class Unwritten(Exception):
    """The decision could not be stored in time, so it must not be answered."""


_Entry = tuple[Answer, "asyncio.Future[None]", float]


class Journal:
    """What one process decides. `record` returns when the decision is committed, and raises `Unwritten` otherwise."""

    def __init__(self, connection: Mapping[str, Any], *, patience: float, metrics: Metrics) -> None:
        self.writer = f"{socket.gethostname()}:{os.getpid()}"[:80]
        self._patience = patience
        self._waiting: deque[_Entry] = deque()
        self._work = asyncio.Event()
        self._closing = False
        self._pens = [_Pen(connection, self.writer, metrics) for _ in range(PENS)]
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Starts to write."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._run(pen)) for pen in self._pens]
        self._tasks.append(asyncio.create_task(self._watch()))

    async def close(self) -> None:
        """Writes what still waits, then ends."""
        self._closing = True
        self._work.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:PENS], timeout=self._patience)
            for task in self._tasks:
                task.cancel()

    async def record(self, answer: Answer) -> None:
        """Stores `answer`. Nobody may hear of it before this returns."""
        if self._closing or len(self._waiting) >= MOST_WAITING or not self._tasks or self._tasks[0].done():
            raise Unwritten("the journal is closed or full")
        stored = self._loop.create_future()
        self._waiting.append((answer, stored, time.monotonic()))
        self._work.set()
        await stored

    async def _run(self, pen: _Pen) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
                continue
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
            await pen.store([entry for entry in taken if not entry[1].done()])
        pen.drop()

    async def _watch(self) -> None:
        """Who has waited too long is refused, also while a commit hangs.

        That is not cancelled: whether the database has stored it is not known then, and it may be stored yet. What was
        stored and not answered is a decision more than was needed, never one less.
        """
        while True:
            await asyncio.sleep(WATCH)
            overdue = time.monotonic() - self._patience
            for pen in self._pens:
                if pen.writes and pen.writes[0][2] < overdue:
                    _tell(pen.writes, Unwritten("the journal takes too long"))
            while self._waiting and self._waiting[0][2] < overdue:
                _tell([self._waiting.popleft()], Unwritten("the journal takes too long"))


class _Pen:
    """One connection that writes batch after batch. `writes` are the entries of the one that is under way."""

    def __init__(self, connection: Mapping[str, Any], writer: str, metrics: Metrics) -> None:
        self._parameters = connection
        self._name = sql.Literal(writer).as_string(None)
        self._metrics = metrics
        self._wire: Wire | None = None
        self.writes: list[_Entry] = []

    async def store(self, batch: list[_Entry]) -> None:
        """Commits these entries and tells those who wait for them. Whatever goes wrong, it is told and not raised."""
        if not batch:
            return
        self.writes = batch
        failure: Exception | None = None
        try:
            await self._commit([answer for answer, _, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is stored, and the next batch must be tried
            log.error("journal.failed", extra={"error": type(error).__name__, "decisions": len(batch)})  # noqa: TRY400 - the text of a database error holds the row
            failure = Unwritten(type(error).__name__)
            self.drop()
        self.writes = []
        _tell(batch, failure)

    def drop(self) -> None:
        """Ends the connection; the next batch makes another."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.close()

    async def _commit(self, answers: list[Answer]) -> None:
        if self._wire is None or self._wire.broken:
            self._wire = await Wire.connect(self._parameters, DURABLE)
        batch = str(uuid.uuid4())
        lines, digests = zip(*[written(answer, batch) for answer in answers], strict=True)
        allowed = sum([answer.allowed for answer in answers])
        root = merkle.root(sorted(digests)).hex()  # an order that the rows themselves give again
        statements = BATCH.format(id=batch, writer=self._name, count=len(lines), allowed=allowed, root=root)
        began = time.perf_counter()
        await self._wire.copy((statements + COPY).encode(), "".join(lines).encode())
        self._metrics.batch(len(lines), time.perf_counter() - began)


def _tell(entries: Iterable[_Entry], failure: Exception | None) -> None:
    for _, stored, _ in entries:
        if stored.done():  # the caller has gone, or was refused for having waited too long
            continue
        if failure:
            stored.set_exception(failure)
        else:
            stored.set_result(None)
