"""From an allowed query to the model server and back, streamed both ways.

What goes on is a short list, not everything but a few: neither the caller's token nor a cookie nor a header that
overrides something can pass. Tried twice is only what cannot have arrived, and what only reads: a prediction may have effects.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from governance.gate import credentials, trace
from governance.gate.bodies import Body, Document, Gone, Receive, SlowCaller, TooLarge
from governance.gate.credentials import Credential
from governance.gate.decide import Answer
from governance.gate.servers import Call, Servers

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CONNECT = 2.0  # seconds to reach a model server
PAUSE = 0.1  # before the second and last try
STALLED = 60.0  # seconds in which a caller takes nothing of its answer

OF_THE_CALLER = (Gone, SlowCaller, TooLarge)

PASSED_ON = frozenset(
    {
        b"content-type",
        b"content-encoding",
        b"accept",
        b"accept-encoding",
        b"inference-header-content-length",
    }
)
# Of hop-by-hop, of this server's own making, or none of the caller's business.
KEPT_BACK = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"server",
        b"date",
        b"cache-control",
        b"location",
        b"set-cookie",
        b"alt-svc",
        b"x-request-id",
        b"www-authenticate",
        b"ratelimit",
        b"ratelimit-policy",
    }
)
# ... also of the account behind the gate's own credential there.
KEPT_BACK_STARTS = (b"x-cardinal-", b"x-ratelimit-", b"openai-")


class Unreachable(Exception):
    """The model server did not answer at all."""


class TimedOut(Exception):
    """The model server took too long to answer."""


class CredentialRefused(Exception):
    """The model server wants another credential than the gate's, or any at all."""


@dataclass(frozen=True)
class Patience:
    """Seconds: until a model server begins to answer, and between two parts of its answer; for the caller's whole body."""

    first: float
    between: float
    body: float


class Proxy:
    """The way to all model servers."""

    def __init__(
        self, *, patience: Patience, body_limit: int, calls: int, secrets: Mapping[str, Credential]
    ) -> None:
        self._patience = patience
        self._body_limit = body_limit
        self._servers = Servers(calls=calls)
        self._secrets = secrets

    async def close(self) -> None:
        """Ends all connections."""
        await self._servers.close()

    async def forward(self, exchange: Exchange) -> int:
        """Sends the query on and its answer back; returns the model server's status.

        When the caller hangs up, the call to the model server is cancelled.
        """
        url = exchange.url
        secret = credentials.header(self._secrets, exchange.upstream.credential, url)
        with self._servers.at(credentials.origin(url)).call() as call:
            running = asyncio.create_task(self._exchange(exchange, call, secret))
            gone = asyncio.create_task(exchange.body.gone())
            try:
                await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not running.done():
                    raise Gone
                return running.result()
            finally:
                for task in (running, gone):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task

    def body(self, receive: Receive) -> Body:
        """The body of a query, to be streamed."""
        return Body(receive, self._body_limit, self._patience.body)

    async def _exchange(self, exchange: Exchange, call: Call, secret: Headers) -> int:
        async with await _opened(exchange, call, secret, self._patience.first) as response:
            if response.status in (401, 407):
                raise CredentialRefused
            await exchange.begin(response.status, backward(response.raw_headers))
            if exchange.wants_body:
                while chunk := await _part(response, self._patience.between):
                    await exchange.part(chunk)
            await exchange.end()
        return response.status


class Exchange:
    """One query on its way: what goes on, and whom the answer goes back to."""

    def __init__(
        self,
        answer: Answer,
        given: Headers,
        own: Headers,
        body: Body,
        send: Send,
        document: Document | None = None,
    ) -> None:
        assert answer.endpoint  # noqa: S101 - without one nothing is allowed at this door
        self.upstream = answer.endpoint
        self.body = body
        self.started = False
        self.trace: Headers | None = None
        self._query = answer.query
        self._given, self._own, self.send = given, own, send
        self._content = (
            document.naming(self.upstream.name(answer.query.model)) if document is not None else None
        )
        self.url = self.upstream.address(answer.query.operation, answer.query.model, answer.version)

    @property
    def method(self) -> str:
        """How the model server is asked. HEAD is asked as GET, which every server knows."""
        return self._query.operation.method

    @property
    def wants_body(self) -> bool:
        """Whether the caller wants more than the head of the answer."""
        return self._query.method != "HEAD"

    def headers(self, secret: Headers) -> Headers:
        """The headers that the model server gets."""
        return [
            (b"host", urlsplit(self.url).netloc.encode()),
            *onward(self._given, self._query.request_id, self.trace),
            *secret,
            *self._framing(),
        ]

    def content(self) -> bytes | AsyncIterator[bytes] | None:
        """The body that the model server gets."""
        if self.method == "GET":
            self.body.over()
            return None
        return self._content if self._content is not None else self.body.chunks()

    def _framing(self) -> Headers:
        """How long the body is; without it, it is sent in chunks."""
        size = len(self._content) if self._content is not None else self._query.payload_bytes
        return [] if self.method == "GET" or size is None else [(b"content-length", str(size).encode())]

    async def begin(self, status: int, headers: Headers) -> None:
        """The head of the answer."""
        await self._say({"type": "http.response.start", "status": status, "headers": headers + self._own})

    async def part(self, chunk: bytes) -> None:
        """A part of the answer."""
        await self._say({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """The end of the answer."""
        await self._say({"type": "http.response.body", "body": b""})

    async def _say(self, message: dict[str, Any]) -> None:
        """A caller that takes nothing must not keep a place at the model server."""
        self.started = True
        async with asyncio.timeout(STALLED):
            await self.send(message)


async def _opened(exchange: Exchange, call: Call, secret: Headers, patience: float) -> aiohttp.ClientResponse:
    """The answer of the model server up to its body."""
    waits = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_connect=CONNECT, sock_read=patience)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in exchange.headers(secret)]
    for again in (True, False):
        try:
            response = await call.server.session.request(
                exchange.method, URL(exchange.url, encoded=True), headers=headers,
                data=exchange.content(), allow_redirects=False, timeout=waits,
            )  # fmt: skip
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:  # nothing was sent
            if not again or isinstance(error, aiohttp.ConnectionTimeoutError):
                call.failed = True
                raise Unreachable from error
        except aiohttp.ServerTimeoutError as error:
            call.failed = True
            raise TimedOut from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Unreachable from error
        except aiohttp.ClientError as error:
            # There was no body to send, and the server did nothing wrong.
            if isinstance(error.__cause__, OF_THE_CALLER):
                raise error.__cause__ from None
            if not again or exchange.method != "GET":
                call.failed = True
                raise Unreachable from error
        else:
            call.failed = False
            return response
        await asyncio.sleep(PAUSE)
    raise AssertionError("the second try answers or raises")


async def _part(response: aiohttp.ClientResponse, patience: float) -> bytes:
    """The next part of an answer, as much as has come; nothing at its end."""
    if response.connection and response.connection.protocol:
        response.connection.protocol.read_timeout = patience
    return await response.content.readany()


def onward(given: Headers, request_id: str, traced: Headers | None = None) -> Headers:
    """The headers that the model server gets. `traced`: the trace it is in, where somebody follows it here."""
    passed = {name: value for name, value in given if name in PASSED_ON}
    usual = {b"accept": b"*/*", b"accept-encoding": b"identity", b"user-agent": b"cardinal-gate"}
    return [
        *(usual | passed).items(),
        (b"x-request-id", request_id.encode()),
        *(trace.onward(given) if traced is None else traced),
    ]


def backward(given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers that the caller gets back."""
    found = [(name.lower(), value) for name, value in given]
    named = {
        word.strip().lower() for name, value in found if name == b"connection" for word in value.split(b",")
    }  # the Connection header may name more fields that are for this hop only
    return [
        (name, value)
        for name, value in found
        if name not in KEPT_BACK and name not in named and not name.startswith(KEPT_BACK_STARTS)
    ]
