"""A crowd at the gate: connections that ask until told to end, each pausing a moment; every answer is kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
    port: int

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
    host: str = "127.0.0.1"
    heard: list[Heard] = field(default_factory=list)
    cut: int = 0  # questions whose connection was shut before the answer
    silent: int = 0  # questions that nobody answered in time
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Crowd:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
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

    def forget(self) -> None:
        """Begins anew to keep answers."""
        self.heard = []

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(port) for port in self.ports for _ in range(self.connections)))

    async def _one(self, port: int) -> None:
        while not self._over.is_set():
            try:
                reader, writer = await asyncio.open_connection(self.host, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            try:
                await self._talk(reader, writer, port)
            except TimeoutError:
                self.silent += 1
            except SHUT:
                self.cut += 1
            finally:
                writer.close()
            await asyncio.sleep(0.02)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        while not self._over.is_set():
            if (ask := self.ask) is not None:
                asked = time.monotonic()
                writer.write(ask)
                async with asyncio.timeout(SILENCE):
                    self.heard.append(await _answer(reader, asked, port))
            await asyncio.sleep(self.pause)


async def _answer(reader: asyncio.StreamReader, asked: float, port: int) -> Heard:
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
        port=port,
    )
