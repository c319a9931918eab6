"""The database as the gate asks it: a bounded pool, a bounded wait, and its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout


class Unanswered(Exception):
    """The database did not answer in time, or refused. Nothing can be decided."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def since_1970(at: datetime) -> int:
    """Microseconds."""
    return (at - EPOCH) // timedelta(microseconds=1)


class Clock:
    """The database's time, carried on between two looks at it by a clock that never jumps.

    It may run ahead by as long as the database took to say it, and is never behind: what ends, ends in time.
    """

    def __init__(self) -> None:
        self.set(datetime.now(UTC), time.monotonic())

    def set(self, now: datetime, asked: float) -> None:
        """The database has said what time it is; it was asked at this moment of the monotonic clock."""
        self._ahead = since_1970(now) - round(asked * 1_000_000)

    def microseconds(self, moment: float) -> int:
        """The time at this moment of the monotonic clock, since 1970."""
        return int(moment * 1_000_000) + self._ahead

    def at(self, moment: float) -> datetime:
        """The same as a time."""
        return EPOCH + timedelta(microseconds=self.microseconds(moment))

    def now(self) -> datetime:
        """The time at which something is decided that needs no look at the database."""
        return self.at(time.monotonic())

    def when(self, at: datetime) -> float:
        """The moment of the monotonic clock at which it will be this time."""
        return (since_1970(at) - self._ahead) / 1_000_000


class Database:
    """Answers one statement at a time, each within the patience or not at all."""

    def __init__(self, connection: Mapping[str, Any], *, size: int, patience: float) -> None:
        self._patience = patience
        self._asking: set[asyncio.Task[Any]] = set()
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
            kwargs={**connection, "autocommit": True, "row_factory": dict_row, "prepare_threshold": 0},
            min_size=min(2, size),
            max_size=size,
            timeout=patience,
            reconnect_timeout=5,
            configure=_plan_once,
            open=False,
        )

    async def open(self) -> None:
        """Starts to connect. A database that is away is no reason not to start: queries are refused until it is back."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._pool.close(timeout=1)

    async def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            await self.ask("SELECT 1 AS one", {})
        except Unanswered:
            return False
        return True

    async def ask(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The one row of this statement, or `Unanswered`."""
        # Waited for, not cancelled: to cancel a query the driver must reach the very server that does not answer.
        # The task keeps its connection, so no more than the pool's size can be stuck.
        task = asyncio.create_task(self._fetch(statement, values))
        self._asking.add(task)
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done:
            raise Unanswered("the database takes too long")
        try:
            return task.result()
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise Unanswered(type(error).__name__) from error

    async def _fetch(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            row = await cursor.fetchone()
        if row is None:
            raise psycopg.DataError("the statement always gives one row")
        return row

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nothing is said about an answer nobody waits for any more


async def _plan_once(connection: psycopg.AsyncConnection[Any]) -> None:
    """Every query asks by unique keys: planning its dozen joins anew would cost more than answering it."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
