"""One connection of the journal, driven by libpq's own calls: a batch costs two round trips and no more Python than that.

The driver's usual way (a transaction block around an INSERT and a COPY) takes five round trips, each with its own parsing
and waiting. One simple query of two statements is one transaction of itself (PostgreSQL manual, 54.2.2.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

CHUNK = 262_144


class Wire:
    """A connection that does one thing at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._arrived)
        self.broken = False

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any], first: str) -> Wire:
        """A new connection, after `first` was executed on it."""
        connection = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
        await connection.execute(first)
        return cls(connection)

    def close(self) -> None:
        """Ends the connection at once, whatever it is doing."""
        if not self.broken:
            self.broken = True
            self._loop.remove_reader(self._socket)
            self._pg.finish()
        self._wake(psycopg.OperationalError("the connection was closed"))

    async def copy(self, statements: bytes, data: bytes) -> None:
        """Executes `statements`, of which the last is a COPY FROM STDIN that gets `data`, as one transaction. Returns when
        it is committed.
        """
        try:
            await self._copy(statements, data)
        except BaseException:
            self.close()  # what this connection would say next belongs to another question
            raise

    async def _copy(self, statements: bytes, data: bytes) -> None:
        self._pg.send_query(statements)
        self._pg.flush()
        failed = b""
        while (result := await self._result()) is not None:
            if result.status == ExecStatus.COPY_IN:
                await self._send(data)
            elif result.status != ExecStatus.COMMAND_OK:
                failed = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"?"
        if failed:  # the state only: the text of a database error holds the row
            raise psycopg.DatabaseError(f"the database refused: {failed.decode()}")

    async def _send(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            self._pg.put_copy_data(data[start : start + CHUNK])
            await self._flushed()
        self._pg.put_copy_end()
        await self._flushed()

    async def _flushed(self) -> None:
        while self._pg.flush():  # the kernel's buffer is full: until the server has read some of it
            await self._readable()

    async def _result(self) -> psycopg.pq.abc.PGresult | None:
        while self._pg.is_busy():
            await self._readable()
        return self._pg.get_result()

    async def _readable(self) -> None:
        if self.broken:
            raise psycopg.OperationalError("the connection is gone")
        self._waiting = self._loop.create_future()
        await self._waiting

    def _arrived(self) -> None:
        try:
            self._pg.consume_input()
        except psycopg.Error as error:
            self._loop.remove_reader(self._socket)
            self.broken = True
            self._pg.finish()
            self._wake(error)
            return
        self._wake(None)

    def _wake(self, error: Exception | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        if error:
            waiting.set_exception(error)
        else:
            waiting.set_result(None)
