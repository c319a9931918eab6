"""One connection of the journal, driven by libpq's own calls: a batch costs two round trips and no more Python than that.

The driver's usual way (a transaction block around an INSERT and a COPY) takes five round trips, each with its own parsing
and waiting. One simple query of two statements is one transaction of itself (PostgreSQL manual, 54.2.2.1).

Nothing here waits. What the server has said is taken when the event loop sees it or when somebody asks (`advance`): under
load the loop reads request after request before it comes round to the database, which would stand idle as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

CHUNK = 262_144
Done = Callable[[Exception | None], None]


class Wire:
    """A connection that does one thing at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._done: Done | None = None
        self._data = b""
        self._failed = b""
        self.broken = False
        self._loop.add_reader(self._socket, self.advance)

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any], first: str) -> Wire:
        """A new connection, after `first` was executed on it."""
        connection = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
        await connection.execute(first)
        return cls(connection)

    def close(self) -> None:
        """Ends the connection at once, whatever it is doing."""
        self._break(psycopg.OperationalError("the connection was closed"))

    def copy(self, statements: bytes, data: bytes, done: Done) -> None:
        """Executes `statements`, of which the last is a COPY FROM STDIN that gets `data`, as one transaction. `done` hears
        once that it is committed, or why it is not; after a failure the connection is of no more use.
        """
        self._done, self._data, self._failed = done, data, b""
        if self.broken:
            self._finish(psycopg.OperationalError("the connection is gone"))
            return
        try:
            self._pg.send_query(statements)
            self._flush()
        except psycopg.Error as error:
            self._break(error)

    def advance(self) -> None:
        """Takes what the server has said by now."""
        try:
            self._pg.consume_input()
            while self._done and not self._pg.is_busy():
                self._take(self._pg.get_result())
        except psycopg.Error as error:
            self._break(error)

    def _take(self, result: psycopg.pq.abc.PGresult | None) -> None:
        if result is None:  # of the state only: the text of a database error holds the row
            said = self._failed.decode()
            self._finish(psycopg.DatabaseError(f"the database refused: {said}") if said else None)
        elif result.status == ExecStatus.COPY_IN:
            for start in range(0, len(self._data), CHUNK):
                if self._pg.put_copy_data(self._data[start : start + CHUNK]) != 1:
                    raise psycopg.OperationalError("there is no memory for the batch")
            self._pg.put_copy_end()
            self._flush()
        elif result.status != ExecStatus.COMMAND_OK:
            self._failed = result.error_field(DiagnosticField.SQLSTATE) or b"?"

    def _flush(self) -> None:
        if self._pg.flush():  # the kernel's buffer is full: until the server has read some of it
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        if not self.broken:
            self.broken = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._pg.finish()
        self._finish(error)

    def _finish(self, failure: Exception | None) -> None:
        done, self._done = self._done, None
        if done:
            done(failure)
