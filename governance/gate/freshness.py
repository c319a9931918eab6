"""Proof that the news arrive: what the database notifies, and a beat through the same channel.

PostgreSQL hands notifications to a session in the order of the commits. So when the beat that this worker sent at one
moment comes back, everything that was committed before has been heard. A worker that is cut off hears no beat, and its
grants lose their validity by themselves (`grants.FRESH`).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

import psycopg

from governance.gate.database import Clock
from governance.gate.grants import Grants

log = logging.getLogger(__name__)

NEWS = "cardinal_gate"
BEAT = 0.25  # seconds between two beats
PATIENCE = 1.0  # seconds that a beat may take before the connection is given up
PAUSE = 0.2  # seconds before the next try to connect
SEND = "SELECT pg_notify(%s, %s), clock_timestamp() AS at"


class Freshness:
    """One worker's ear. Its connection is used for nothing else."""

    def __init__(self, connection: Mapping[str, Any], grants: Grants, clock: Clock) -> None:
        self._parameters = connection
        self._grants = grants
        self._clock = clock
        self._own = f"cardinal_beat_{uuid.uuid4().hex}"
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Starts to listen."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends to listen."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("gate.deaf", extra={"why": type(error).__name__})
            except Exception as error:  # noqa: BLE001 - a mistake of ours makes the gate slower, never less strict
                log.error("gate.deaf", extra={"why": type(error).__name__})  # noqa: TRY400 - see above
            self._grants.doubt()
            await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        async with asyncio.timeout(PATIENCE * 3):
            connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await connection.execute(f'LISTEN "{NEWS}"')
                await connection.execute(f'LISTEN "{self._own}"')
            self._grants.forget()  # what changed before this connection listened was not heard
            number = 0
            while True:
                number += 1
                sent = time.monotonic()
                async with asyncio.timeout(PATIENCE):
                    answer = await connection.execute(SEND, (self._own, str(number)))
                    row = await answer.fetchone()
                if row:
                    self._clock.set(row[1], sent)
                await self._hear(connection, str(number), sent)
        finally:
            # Not awaited: a server that does not answer would hold the next try up.
            connection.pgconn.finish()

    async def _hear(self, connection: psycopg.AsyncConnection[Any], beat: str, sent: float) -> None:
        """What arrives until the next beat is due."""
        async for heard in connection.notifies(timeout=BEAT):
            if heard.channel == NEWS:
                self._grants.hear(heard.payload)
            elif heard.payload == beat:
                self._grants.proved(sent)
