"""From an allowed query to the model server and back, streamed both ways.

What goes on is a short list, not everything but a few: neither the caller's token nor a cookie nor a header that
overrides something can pass. Nothing is tried twice: a prediction may have effects.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from governance.gate.decide import Answer

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PATIENCE = 10.0  # seconds that the next part of a body may take

PASSED_ON = frozenset(
    {
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"accept",
        b"accept-encoding",
        b"traceparent",
        b"tracestate",
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
    }
)


class TooLarge(Exception):
    """The body grew beyond the limit while it was being sent."""


class Gone(Exception):
    """The caller hung up."""


class SlowCaller(Exception):
    """The caller took too long over the next part of the body."""


class Unreachable(Exception):
    """The model server did not answer at all."""


class TimedOut(Exception):
    """The model server took too long to answer."""


class Proxy:
    """One pooled client for all model servers."""

    def __init__(self, *, timeout: float, body_limit: int) -> None:
        self._body_limit = body_limit
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=2.0, pool=2.0),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=4.0),
            follow_redirects=False,  # an address is set by a person, not by whoever answers there
            trust_env=False,
            # One pool serves every caller: a cookie that a model server sets must never come back with somebody else's query.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.aclose()

    async def forward(
        self, answer: Answer, given: Headers, own: Headers, receive: Receive, send: Send
    ) -> int:
        """Sends the query on and its answer back; returns the model server's status. `own`: headers of the gate.

        When the caller hangs up, the call to the model server is cancelled.
        """
        body = Body(receive, self._body_limit)
        exchange = asyncio.create_task(self._exchange(answer, given, own, body, send))
        gone = asyncio.create_task(body.gone())
        try:
            await asyncio.wait({exchange, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not exchange.done():
                raise Gone
            return exchange.result()
        finally:
            for task in (exchange, gone):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _exchange(self, answer: Answer, given: Headers, own: Headers, body: Body, send: Send) -> int:
        request = self._client.build_request(
            "POST",
            answer.endpoint + "/invocations",
            headers=onward(given, answer.query.request_id),
            content=body.chunks(),
        )
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable from error
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable from error
        try:
            headers = backward(response.headers.raw) + own
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()
        return response.status_code


class Body:
    """The caller's body, chunk by chunk, never more than the limit, never more than one chunk in memory."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._read = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in."""
        size = 0
        more = True
        while more:
            try:
                async with asyncio.timeout(
                    PATIENCE
                ):  # a caller that stalls must not keep a place from others
                    message = await self._receive()
            except TimeoutError as error:
                raise SlowCaller from error
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

    async def gone(self) -> None:
        """Returns when the caller has hung up after sending everything."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def onward(given: Headers, request_id: str) -> dict[str, str]:
    """The headers that the model server gets."""
    passed = {name.decode(): value.decode("latin-1") for name, value in given if name in PASSED_ON}
    return (
        {"accept": "*/*", "accept-encoding": "identity", "user-agent": "cardinal-gate"}
        | passed
        | {"x-request-id": request_id}
    )


def backward(given: list[tuple[bytes, bytes]]) -> Headers:
    """The headers that the caller gets back."""
    found = [(name.lower(), value) for name, value in given]
    named = {
        word.strip().lower() for name, value in found if name == b"connection" for word in value.split(b",")
    }  # the Connection header may name more fields that are for this hop only
    return [
        (name, value)
        for name, value in found
        if name not in KEPT_BACK and name not in named and not name.startswith(b"x-cardinal-")
    ]
