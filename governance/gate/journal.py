"""The journal: no answer leaves before its decision is on disk.

Group commit without a timer: while one batch is being committed the next one gathers, so the commit's own duration
forms the batches. One COPY, one row for the batch, one commit; then all who waited may answer. When the commit fails,
none may.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import psycopg

from governance.gate import merkle
from governance.gate.decide import Answer
from governance.gate.metrics import Metrics

log = logging.getLogger(__name__)

# Every column of a decision but its digest, in the order of the COPY. Rows of the first form had no more than these.
FIRST = (
    "id",
    "batch",
    "decided_at",
    "allowed",
    "reason",
    "environment",
    "model",
    "version",
    "action",
    "caller",
    "token",
    "method",
    "door",
    "request_id",
)
FIELDS = (*FIRST, "network", "purpose", "payload_bytes", "form")
FORM = 2
COPY = f"COPY governance_decision ({', '.join('batch_id' if f == 'batch' else f for f in FIELDS)}, digest) FROM STDIN"
BATCH = (
    "INSERT INTO governance_batch (id, writer, count, allowed, root, written_at) "
    "VALUES (%s, %s, %s, %s, %s, clock_timestamp())"
)
# Whoever made commits asynchronous for the whole server did not mean the journal.
DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off' AND current_setting('fsync') = 'on'"
)
LARGEST_BATCH = 2_000


class Unwritten(Exception):
    """The decision could not be stored in time, so it must not be answered."""


@dataclass
class _Waiting:
    answer: Answer
    stored: asyncio.Future[None]


class Journal:
    """One writer per process. `record` returns when the decision is committed, and raises `Unwritten` otherwise."""

    def __init__(self, connection: Mapping[str, Any], *, patience: float, metrics: Metrics) -> None:
        self.writer = f"{socket.gethostname()}:{os.getpid()}"[:80]
        self._parameters = connection
        self._patience = patience
        self._metrics = metrics
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._waiting: list[_Waiting] = []
        self._work = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Starts to write."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Writes what still waits, then ends."""
        self._closing = True
        self._work.set()
        if self._task:
            await asyncio.wait({self._task}, timeout=self._patience)
            self._task.cancel()

    async def record(self, answer: Answer) -> None:
        """Stores `answer`. Nobody may hear of it before this returns."""
        if self._closing or self._task is None or self._task.done():
            raise Unwritten("the journal is closed")
        entry = _Waiting(answer, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._work.set()
        try:
            async with asyncio.timeout(self._patience):
                await entry.stored
        except TimeoutError as error:  # the future is cancelled now, so the writer passes over it
            raise Unwritten("the journal takes too long") from error

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._work.wait()
            taken, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            if not self._waiting and not self._closing:
                self._work.clear()
            batch = [entry for entry in taken if not entry.stored.done()]
            if batch:
                await self._store(batch)
        await self._drop()

    async def _store(self, batch: list[_Waiting]) -> None:
        failure: Exception | None = None
        try:
            await self._commit([entry.answer for entry in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is stored, and the next batch must be tried
            log.error("journal.failed", extra={"error": type(error).__name__, "decisions": len(batch)})  # noqa: TRY400 - the text of a database error holds the row
            failure = Unwritten(type(error).__name__)
            await self._drop()
        for entry in batch:
            if entry.stored.done():
                continue
            if failure:
                entry.stored.set_exception(failure)
            else:
                entry.stored.set_result(None)

    async def _commit(self, answers: list[Answer]) -> None:
        batch = uuid.uuid4()
        rows = [_row(answer, batch) for answer in answers]
        root = merkle.root([bytes.fromhex(row[-1]) for row in rows]).hex()
        allowed = sum(answer.allowed for answer in answers)
        connection = await self._connected()
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(BATCH, (batch, self.writer, len(rows), allowed, root), prepare=True)
            async with cursor.copy(COPY) as copy:
                await copy.write(b"".join(map(_line, rows)))
        self._metrics.batch(len(rows))

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
            await self._connection.execute(DURABLE)
        return self._connection

    async def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


def record_digest(fields: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, of the RFC 8785 JSON of one decision. The exact form follows.

    One object with the keys of `FIELDS` and no others; `id` and `batch` as UUIDs in lower-case text; `decided_at` as
    UTC with six digits, 2026-11-23T07:38:39.000120Z; `allowed` true or false; `version` and `payload_bytes` a number or
    null; `form` the number 2; all else text. Rows whose `form` is 1, written before there were network, purpose and
    size: the keys of `FIRST` and no others.

    Keys are ASCII and there is no float, so sorted compact JSON is the canonical form; a test compares the two.
    """
    names = FIRST if fields.get("form") == 1 else FIELDS
    form = {name: _form(fields[name]) for name in names}
    body = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(body.encode()).hexdigest()


def _form(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def stamp(moment: datetime) -> str:
    """The form of a time within a digest."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _row(answer: Answer, batch: uuid.UUID) -> list[Any]:
    query = answer.query
    fields = {
        "id": answer.id,
        "batch": batch,
        "decided_at": answer.at,
        "allowed": answer.allowed,
        "reason": answer.reason,
        "environment": answer.environment,
        "model": query.model,
        "version": answer.version,
        "action": query.action,
        "caller": answer.caller,
        "token": answer.token,
        "method": query.method,
        "door": query.door,
        "request_id": query.request_id,
        "network": query.network,
        "purpose": query.purpose,
        "payload_bytes": query.payload_bytes,
        "form": FORM,
    }
    return [*(fields[name] for name in FIELDS), record_digest(fields)]


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row: list[Any]) -> bytes:
    """One line of COPY's text format."""
    return ("\t".join(map(_cell, row)) + "\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return stamp(value)
    return str(value).translate(_ESCAPES)
