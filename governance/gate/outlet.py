"""The connection as uvicorn's request cycle sees it: something to write to and to close."""

from __future__ import annotations

from typing import Protocol


class Closes(Protocol):
    """A connection."""

    @property
    def closing(self) -> bool:
        """Whether nothing more can be said."""

    def write(self, data: bytes) -> None:
        """Some of an answer."""

    def hang_up(self) -> None:
        """The answer was the last."""


class Outlet:
    """Closes the connection as the connection closes itself: so that what was written arrives."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Closes) -> None:
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
