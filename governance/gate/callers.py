"""Who is connected to one worker: no more than it can hold, and nobody who says nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from heapq import nsmallest
from typing import Protocol

log = logging.getLogger(__name__)

# Seconds for the head of a request, and of silence between two on one connection.
PATIENCE = 10.0
EVERY = 1.0  # seconds between two looks at who is silent
SHARE = 64  # of all places, one in so many is made free at a time


class Caller(Protocol):
    """A connection as this module sees it."""

    since: float  # when a head began or an answer was over, by the loop's clock

    @property
    def idle(self) -> bool:
        """Whether no answer is owed on it."""

    def hang_up_silent(self) -> None:
        """Ends it."""


class Callers:
    """The connections of one worker. Who comes when all places are taken gets that of somebody who has been silent for longest."""

    def __init__(self, most: int) -> None:
        self.log = log
        self._most = most
        self._here: dict[Caller, None] = {}  # in the order in which they came
        self._watch: asyncio.TimerHandle | None = None
        self._parent = os.getppid()
        self._dated: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")

    def __len__(self) -> int:
        return len(self._here)

    def admit(self, caller: Caller) -> bool:
        """Whether there is a place; the caller has it then until `left`."""
        if len(self._here) >= self._most and not self._made_room():
            return False
        self._here[caller] = None
        return True

    def left(self, caller: Caller) -> None:
        """Gives the place back."""
        self._here.pop(caller, None)

    def open(self) -> None:
        """Starts to look after them."""
        self._look()

    def close(self) -> None:
        """Looks no more."""
        if self._watch:
            self._watch.cancel()

    def date(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The server's headers for every answer as lines, put together once a second."""
        if headers is not self._dated[0]:
            self._dated = headers, b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._dated[1]

    def _made_room(self) -> bool:
        """Several at once: to look through all of them for each newcomer would be a gift to whoever floods."""
        idle = [one for one in self._here if one.idle]
        silent = nsmallest(max(1, self._most // SHARE), idle, key=lambda one: one.since)
        for one in silent:
            self.left(one)
            one.hang_up_silent()
        return bool(silent)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        overdue = loop.time() - PATIENCE
        for one in [one for one in self._here if one.since < overdue and one.idle]:
            one.hang_up_silent()
        if os.getppid() != self._parent:  # nobody would start it again: its place is left to others
            signal.raise_signal(signal.SIGTERM)
        self._watch = loop.call_later(EVERY, self._look)
