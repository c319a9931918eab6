"""The body of a query: streamed chunk by chunk, or, where it names the model, read whole before anything is decided.

A body that is read whole is bounded in size, depth and number, and goes on written anew: the model server reads exactly
what was understood here, whatever its own parser would have made of the caller's bytes.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from governance.gate import doors
from governance.gate.reasons import Refused
from governance.gate.request import Query

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

PATIENCE = 10.0  # seconds that the next part of a body may take
DEEPEST = 64
MOST_PARTS = 100_000  # objects and lists
JSON_TYPE = re.compile(rb"application/json[ \t]*(?:;[ \t]*charset=\"?utf-8\"?[ \t]*)?\Z", re.IGNORECASE)
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class TooLarge(Exception):
    """The body grew beyond the limit while it was being sent."""


class Gone(Exception):
    """The caller hung up."""


class SlowCaller(Exception):
    """The caller took too long over the next part of the body, or over all of it."""


class Body:
    """The caller's body, chunk by chunk, never more than the limit, never more than one chunk in memory."""

    def __init__(self, receive: Receive, limit: int, whole: float) -> None:
        self._receive = receive
        self._limit = limit
        self._deadline = time.monotonic() + whole
        self._read = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in."""
        size = 0
        more = True
        while more:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise Gone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise TooLarge
            more = message.get("more_body", False)
            if chunk:
                yield chunk
        self._read.set()

    def refuse_more_than_fits(self, announced: int | None) -> None:
        """Before a byte is read."""
        if announced is not None and announced > self._limit:
            raise TooLarge

    async def whole(self) -> bytes:
        """All of it."""
        return b"".join([chunk async for chunk in self.chunks()])

    def over(self) -> None:
        """Nothing of it is wanted any more."""
        self._read.set()

    async def gone(self) -> None:
        """Returns when the caller has hung up after sending everything."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next(self) -> Mapping[str, Any]:
        """The next part. A caller that stalls, or that sends byte by byte, must not keep a place from others."""
        left = self._deadline - time.monotonic()
        try:
            async with asyncio.timeout(min(PATIENCE, left)):
                return await self._receive()
        except TimeoutError as error:
            raise SlowCaller from error


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object without the name of its model."""

    rest: bytes

    def naming(self, model: str) -> bytes:
        """The object with this model."""
        name = b'{"model":' + json.dumps(model).encode()
        return name + (b"}" if self.rest == b"{}" else b"," + self.rest[1:])


@dataclass(slots=True)
class Held:
    """The memory that one body takes."""

    size: int


class Bodies:
    """Reads what names a model: each no larger than the limit, all that are held at once no larger than `memory`."""

    def __init__(self, *, limit: int, memory: int, whole: float) -> None:
        self._limit = limit
        self._free = memory
        self._whole = whole

    @contextmanager
    def room(self, announced: int | None) -> Iterator[Held | None]:
        """Memory for a body until its query is answered, for the largest when its length is not known; None: there is none."""
        held = Held(self._limit if announced is None else min(announced, self._limit))
        if held.size > self._free:
            yield None
            return
        self._free -= held.size
        try:
            yield held
        finally:
            self._free += held.size

    def settle(self, held: Held, document: Document | None) -> None:
        """From now on only what is left of the body is held."""
        size = len(document.rest) if document else 0
        self._free += held.size - size
        held.size = size

    async def read(
        self, query: Query, content: Mapping[bytes, bytes], body: Body
    ) -> tuple[Query, Document | None]:
        """The query about the model that its body names, or with the reason why it cannot be understood."""
        try:
            _refuse_other_kinds(content)
            body.refuse_more_than_fits(query.payload_bytes)
            raw = await body.whole()
            model, document = understood(raw)
            asked = doors.named(query.operation, model)
        except TooLarge:
            return replace(query, refusal="too_large"), None
        except SlowCaller:
            return replace(query, refusal="slow_caller"), None
        except Refused as refusal:
            return replace(query, refusal=str(refusal)), None
        found = replace(query, model=asked.model, alias=asked.alias, number=asked.number, named=asked.named)
        return replace(found, payload_bytes=len(raw)), document

    def body(self, receive: Receive) -> Body:
        """The body of a query, to be read whole."""
        return Body(receive, self._limit, self._whole)


def understood(raw: bytes) -> tuple[bytes, Document]:
    """The model that the object names, and the object without it. What has two meanings or none is refused."""
    _refuse_depth(raw)
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_unambiguous, parse_constant=_no_constant)
        model = found.pop("model") if isinstance(found, dict) else None
        if not isinstance(model, str):
            raise Refused("body_refused")
        rest = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return model.encode(), Document(rest)
    except (ValueError, KeyError, RecursionError) as error:  # a lone surrogate and bad UTF-8 are ValueErrors
        raise Refused("body_refused") from error


def _refuse_other_kinds(content: Mapping[bytes, bytes]) -> None:
    encoded = content.get(b"content-encoding", b"identity") != b"identity"
    if encoded or not JSON_TYPE.match(content.get(b"content-type", b"")):
        raise Refused("body_refused")


def _refuse_depth(raw: bytes) -> None:
    """Before parsing: brackets outside strings, pair by pair from the inside. Each round takes one level away or more."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return
    brackets = STRING.sub(b"", raw).translate(None, NOT_BRACKETS)
    if len(brackets) > 2 * MOST_PARTS:
        raise Refused("body_refused")
    for _ in range(DEEPEST):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise Refused("body_refused")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("body_refused")
    return found


def _no_constant(_name: str) -> Any:
    raise Refused("body_refused")
