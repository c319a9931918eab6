"""The model servers as one worker knows them: for each origin its connections, the calls under way, and a circuit breaker.

Each has places of its own, so that one that is slow holds up nobody who asks another. One that fails again and again is
left alone for a while; then a single query tries whether it is back.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from governance.gate.credentials import Origin

FAILURES = 5  # in a row, until it is left alone
FIRST_REST, LONGEST_REST = 2.0, 60.0  # seconds, doubled each time that it was not back
MOST_SERVERS = 512
LONGEST_FIELD = 32_768  # bytes of one header of an answer
KEEP_ALIVE = 4.0  # less than the five seconds after which common servers close an idle connection


class Busy(Exception):
    """So many calls are under way there that no more are let through."""


class Open(Exception):
    """It failed again and again, and is left alone for `seconds` more."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Breaker:
    """Closed: everybody may call. Open: nobody. Half open: one may, and what becomes of that decides."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rest = FIRST_REST
        self._until = 0.0  # 0: closed
        self._trying = False

    def enter(self) -> bool:
        """Whether this call is the one that tries; raises `Open` unless it may be made now."""
        if not self._until:
            return False
        left = self._until - self._clock()
        if left > 0 or self._trying:
            raise Open(max(1, math.ceil(left)))
        self._trying = True
        return True

    def leave(self, *, tried: bool, failed: bool | None) -> None:
        """A call came to its end; None when that says nothing about the server."""
        if tried:
            self._trying = False
        if failed is None:
            return
        if not failed:
            self._failures, self._until, self._rest = 0, 0.0, FIRST_REST
            return
        self._failures += 1
        if tried:
            self._rest = min(LONGEST_REST, 2 * self._rest)
        if tried or (not self._until and self._failures >= FAILURES):
            self._until = self._clock() + self._rest


@dataclass
class Call:
    """One call under way. `failed` is set by whoever makes it, and stays None when that says nothing about the server."""

    server: Server
    failed: bool | None = None


class Server:
    """One origin."""

    def __init__(self, calls: int, tls: ssl.SSLContext, clock: Callable[[], float]) -> None:
        self.calls = 0
        self.most = calls
        self.breaker = Breaker(clock)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Its connections. They keep no cookies, follow nothing, unpack nothing, and take no proxy from the environment."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.most, ssl=self._tls, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
                max_line_size=LONGEST_FIELD,
                max_field_size=LONGEST_FIELD,
            )
        return self._session

    async def close(self) -> None:
        """Ends its connections."""
        if self._session is not None:
            await self._session.close()

    @contextmanager
    def call(self) -> Iterator[Call]:
        """One place there, for the length of a call."""
        if self.calls >= self.most:
            raise Busy
        tried = self.breaker.enter()
        self.calls += 1
        one = Call(self)
        try:
            yield one
        finally:
            self.calls -= 1
            self.breaker.leave(tried=tried, failed=one.failed)


class Servers:
    """A bounded number of them; who has not been asked for longest, and has no call under way, is forgotten first."""

    def __init__(
        self, *, calls: int, clock: Callable[[], float] = time.monotonic, most: int = MOST_SERVERS
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._most = most
        self._tls = ssl.create_default_context()
        self._known: OrderedDict[Origin, Server] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def at(self, origin: Origin) -> Server:
        """The server of this origin."""
        found = self._known.get(origin)
        if found is None:
            self._make_room()
            found = self._known[origin] = Server(self._calls, self._tls, self._clock)
        self._known.move_to_end(origin)
        return found

    async def close(self) -> None:
        """Ends all connections."""
        for one in self._known.values():
            await one.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _make_room(self) -> None:
        if len(self._known) < self._most:
            return
        for origin, one in self._known.items():
            if not one.calls:
                del self._known[origin]
                task = asyncio.get_running_loop().create_task(one.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
                return
        raise Busy
