"""A crowd at the gate: connections that ask until told to end, each pausing a moment; every answer is kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

SILENCE = 15.0  # an answer that takes longer is none, and a mistake
SHUT = (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


@dataclass(frozen=True)
class Heard:
    """One answer: when it was asked for and when it came (monotonic), and what it says."""

    asked: float
    came: float
    status: int
    reason: str  # as told; "" when allowed without one
    version: str
    decision: str  # "" when nothing was decided
    body: bytes
    line: int  # which of the connections; one stays with one worker

    @property
    def sign(self) -> str:
        """What it says, in a word: the reason, or the version that may answer and what its server said."""
        if self.reason and self.status != 200:
            return self.reason
        return f"{self.version} {self.body.decode()}".strip()


def question(path: str, secret: str = "", door: str = "check", **headers: str) -> bytes:
    """The bytes of a question: at /check as nginx asks it, or the query itself with a small body."""
    given = {"Host": "gate"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    if door == "check":
        line = "GET /check"
        given |= {"X-Original-URI": path, "X-Original-Method": "POST"}
    else:
        line, given = f"POST {path}", given | {"Content-Type": "application/json", "Content-Length": "2"}
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in (given | headers).items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + ("{}" if door != "check" else "")).encode()


@dataclass
class Crowd:
    """So many connections to each of these ports, in a thread of their own. `ask` says what; None lets them wait."""

    ports: Sequence[int]
    ask: bytes | None = None
    connections: int = 4
    pause: float = 0.01
    enter: Callable[[], None] | None = None  # where its thread goes first: another network
    heard: list[Heard] = field(default_factory=list)
    cut: int = 0  # questions whose connection was shut before the answer
    silent: int = 0  # questions that nobody answered in time
    _dialled: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        assert self._thread
        self._thread.join(SILENCE + 5)
        assert not self._thread.is_alive()

    def until(self, seen: Callable[[], bool], patience: float, what: str = "it did not happen") -> None:
        """Waits until `seen`; fails after `patience`."""
        deadline = time.monotonic() + patience
        while not seen():
            assert time.monotonic() < deadline, f"{what}; heard last: {[one.sign for one in self.heard[-5:]]}"
            time.sleep(0.005)

    def since(self, moment: float) -> list[Heard]:
        """The answers to what was asked after `moment`."""
        return [one for one in list(self.heard) if one.asked > moment]

    def redial(self) -> None:
        """Every other connection ends and is made anew, so that perhaps another worker takes it."""
        self._dialled += 1

    def forget(self) -> None:
        """Begins anew to keep answers."""
        self.heard = []

    def _run(self) -> None:
        if self.enter:
            self.enter()
        asyncio.run(self._all())

    async def _all(self) -> None:
        ports = [port for port in self.ports for _ in range(self.connections)]
        await asyncio.gather(*(self._one(port, line) for line, port in enumerate(ports)))

    async def _one(self, port: int, line: int) -> None:
        while not self._over.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            try:
                await self._talk(reader, writer, line)
            except TimeoutError:
                self.silent += 1
            except SHUT:
                self.cut += 1
            finally:
                writer.close()
            await asyncio.sleep(0.02)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: int) -> None:
        dialled = self._dialled
        while not self._over.is_set() and (line % 2 or dialled == self._dialled):
            if (ask := self.ask) is not None:
                asked = time.monotonic()
                writer.write(ask)
                async with asyncio.timeout(SILENCE):
                    self.heard.append(await _answer(reader, asked, line))
            await asyncio.sleep(self.pause)


async def _answer(reader: asyncio.StreamReader, asked: float, line: int) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    return Heard(
        asked=asked,
        came=time.monotonic(),
        status=int(head[0].split()[1]),
        reason=fields.get("x-cardinal-reason", ""),
        version=fields.get("x-cardinal-version", ""),
        decision=fields.get("x-cardinal-decision", ""),
        body=b"" if "x-cardinal-reason" in fields else body,
        line=line,
    )
