"""The connection as uvicorn's request cycle sees it: something to write to and to close."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.gate.connection import Connection


class Outlet:
    """Closes the connection as the connection closes itself: so that what was written arrives."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        """Some of an answer."""
        self._connection.write(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be said."""
        return self._connection.closing

    def close(self) -> None:
        """The answer was the last."""
        self._connection.hang_up()
