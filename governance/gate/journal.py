"""The journal: no answer leaves before its decision is on disk.

Group commit without a timer: while one batch is being committed the next one gathers, so the commit's own duration
forms the batches. One COPY, one row for the batch, one commit; then all who waited may answer. When the commit fails,
none may. Two connections take turns, so that the gate reads and decides while the database commits; a second one begins
only once enough has gathered, for a commit costs the database as much as a dozen decisions in it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from governance.gate import merkle
from governance.gate.decide import Answer
from governance.gate.ids import ids
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
LOOK = 4  # decisions after which the database is asked whether it has gone on, though the event loop has more to read
CLOSING = 0.01  # seconds between two looks at whether all is written
PENS = 2  # connections of a worker that write at the same time: one is being committed while the next gathers
CROWD = (
    16  # decisions that have to wait before a second commit begins beside the first: small batches are dear
)
MOST_WAITING = 20_000  # decisions in memory while a commit hangs; each is refused when its patience is over
WATCH = 0.05  # seconds between two looks at who has waited too long


class Unwritten(Exception):
    """The decision could not be stored in time, so it must not be answered."""


Told = Callable[[Answer, Exception | None], None]


class _Entry:
    """One decision, and who hears whether it is stored: once."""

    __slots__ = ("answer", "batch", "digest", "line", "since", "tell")

    def __init__(self, answer: Answer, tell: Told, batch: str) -> None:
        self.answer, self.since, self.batch = answer, time.monotonic(), batch
        self.tell: Told | None = tell
        self.line, self.digest = written(answer, batch)  # now, while the database is busy with others


class Journal:
    """What one process decides. `record` returns when the decision is committed, and raises `Unwritten` otherwise."""

    def __init__(self, connection: Mapping[str, Any], *, patience: float, metrics: Metrics) -> None:
        self.writer = f"{socket.gethostname()}:{os.getpid()}"[:80]
        self._patience = patience
        self._waiting: deque[_Entry] = deque()
        self._closing = True  # until it is open
        self._pens = [_Pen(connection, self.writer, metrics, self._free) for _ in range(PENS)]
        self._idle = list(self._pens)
        self._pushes = False  # whether a look at what waits is due
        self._form()
        self._unseen = 0  # decisions since the last look at what the database has said
        self._guard: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Starts to write."""
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._guard = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Writes what still waits, then ends."""
        self._closing = True
        patience = time.monotonic() + self._patience
        while (self._waiting or len(self._idle) < PENS) and time.monotonic() < patience:
            self._push()
            await asyncio.sleep(CLOSING)
        if self._guard:
            self._guard.cancel()
        for pen in self._pens:
            pen.drop()

    async def record(self, answer: Answer) -> None:
        """Stores `answer`. Nobody may hear of it before this returns."""
        stored = asyncio.get_running_loop().create_future()
        self.append(answer, partial(_settle, stored))
        await stored

    def append(self, answer: Answer, tell: Told) -> None:
        """Stores `answer` and then tells so, with the failure if it is not stored. Nobody may hear of it before."""
        if self._closing or len(self._waiting) >= MOST_WAITING:
            raise Unwritten("the journal is closed or full")
        self._unseen += 1
        if self._unseen >= LOOK:
            self._unseen = 0
            for pen in self._pens:
                pen.look()
            if self._idle:
                self._push()
        if self._formed >= LARGEST_BATCH:
            self._form()
        entry = _Entry(answer, tell, self._forming)
        self._formed += 1
        self._waiting.append(entry)  # last: whoever hears a failure from here is not told again
        if self._idle and not self._pushes:  # once all that has arrived by now is here
            self._pushes = True
            self._loop.call_soon(self._push)

    def _push(self, few: int = CROWD) -> None:
        """Gives what waits to a pen that is idle; while another writes, only from so `few` on."""
        self._pushes = False
        while self._waiting and self._idle and (len(self._idle) == PENS or len(self._waiting) >= few):
            name = self._waiting[0].batch
            if name == self._forming:
                self._form()
            batch = []
            while self._waiting and self._waiting[0].batch == name:
                batch.append(self._waiting.popleft())
            self._idle.pop().store(batch)

    def _form(self) -> None:
        """What comes from now on is of another batch."""
        self._forming, self._formed = ids.new(time.time_ns() // 1000), 0

    def _free(self, pen: _Pen) -> None:
        self._idle.append(pen)
        self._push()

    async def _watch(self) -> None:
        """Who has waited too long is refused, also while a commit hangs.

        That is not cancelled: whether the database has stored it is not known then, and it may be stored yet. What was
        stored and not answered is a decision more than was needed, never one less.
        """
        while True:
            await asyncio.sleep(WATCH)
            overdue = time.monotonic() - self._patience
            for pen in self._pens:
                if pen.writes and pen.writes[0].since < overdue:
                    _tell(pen.writes, Unwritten("the journal takes too long"))
            if self._waiting and self._waiting[0].since < overdue + self._patience - WATCH:
                self._push(few=1)  # the other one hangs
            while self._waiting and self._waiting[0].since < overdue:
                _tell([self._waiting.popleft()], Unwritten("the journal takes too long"))


class _Pen:
    """One connection that writes batch after batch. `writes` are the entries of the one that is under way."""

    def __init__(
        self, connection: Mapping[str, Any], writer: str, metrics: Metrics, free: Callable[[_Pen], None]
    ) -> None:
        self._parameters = connection
        self._name = sql.Literal(writer).as_string(None)
        self._metrics = metrics
        self._free = free
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._began = 0.0
        self.writes: list[_Entry] = []

    def store(self, batch: list[_Entry]) -> None:
        """Commits these entries and tells those who wait for them, then is free. Whatever goes wrong, it is told and not raised."""
        self.writes = batch
        if self._wire is None or self._wire.broken:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self._commit(self._wire)

    def look(self) -> None:
        """Goes on with what the database has said by now."""
        if self.writes and self._wire and not self._wire.broken:
            self._wire.advance()

    def drop(self) -> None:
        """Ends the connection; the next batch makes another."""
        if self._connecting:
            self._connecting.cancel()
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.close()

    async def _connect(self) -> None:
        error: Exception | None = None
        try:
            self._wire = await Wire.connect(self._parameters, DURABLE)
        except Exception as failed:  # noqa: BLE001 - whatever it was, nothing is stored, and the next batch must be tried
            error = failed
        self._connecting = None
        if error or self._wire is None:
            self._ended(error or psycopg.OperationalError("no connection"))
        else:
            self._commit(self._wire)

    def _commit(self, wire: Wire) -> None:
        try:
            allowed = sum([entry.answer.allowed for entry in self.writes])
            # In an order that the rows themselves give again.
            root = merkle.root(sorted([entry.digest for entry in self.writes])).hex()
            statements = BATCH.format(
                id=self.writes[0].batch, writer=self._name, count=len(self.writes), allowed=allowed, root=root
            )
            data = "".join([entry.line for entry in self.writes]).encode()
        except Exception as error:  # noqa: BLE001 - a mistake of ours must refuse, and not end the journal
            self._ended(error)
            return
        self._began = time.perf_counter()
        wire.copy((statements + COPY).encode(), data, self._ended)

    def _ended(self, error: Exception | None) -> None:
        batch, self.writes = self.writes, []
        failure: Exception | None = None
        if error:  # named, and no more: the text of a database error holds the row
            log.error("journal.failed", extra={"error": type(error).__name__, "decisions": len(batch)})
            failure = Unwritten(type(error).__name__)
            self.drop()
        else:
            self._metrics.batch(len(batch), time.perf_counter() - self._began)
        self._free(self)  # first: the database has the next batch to do while these are told
        _tell(batch, failure)


def _tell(entries: Iterable[_Entry], failure: Exception | None) -> None:
    for entry in entries:
        tell, entry.tell = entry.tell, None
        if tell is None:  # it was refused for having waited too long
            continue
        try:
            tell(entry.answer, failure)
        except Exception as error:  # noqa: BLE001 - one that cannot be told must not keep the others from hearing
            log.error("journal.untold", extra={"error": type(error).__name__})  # noqa: TRY400 - it may hold what was asked


def _settle(stored: asyncio.Future[None], _: Answer, failure: Exception | None) -> None:
    if stored.done():  # the caller has gone
        return
    if failure:
        stored.set_exception(failure)
    else:
        stored.set_result(None)
