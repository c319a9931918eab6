"""What the caller hears: the gate's own headers, and refusals as problems (RFC 9457, RFC 6750)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from governance.gate import fronts, ratelimit
from governance.gate.decide import ALLOWED, Answer
from governance.gate.proxy import Headers, Send
from governance.gate.reasons import Reason
from governance.gate.request import CHECK, Query

NO_STORE = (b"cache-control", b"no-store")
REALM = "cardinal"
UNREAD = (408, 413)  # the rest of the body was not read: nothing can follow it on this connection
LATER = (429, 503)  # try again after so many seconds: what is known, or what is usual for the reason
SOON = {"no_endpoint": 60, "credential_unusable": 60}


async def allow(send: Send, answer: Answer) -> None:
    """The answer of the decision point: no body, and who may ask what in headers."""
    headers = [*own(answer), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def own(answer: Answer) -> Headers:
    """The headers of the gate itself on an answer that allows."""
    return [
        NO_STORE,
        (b"x-request-id", answer.query.request_id.encode()),
        (b"x-cardinal-decision", str(answer.id).encode()),
        (b"x-cardinal-model", answer.query.model.encode()),
        (b"x-cardinal-version", str(answer.version).encode()),
        *([(b"x-cardinal-reason", answer.reason.encode())] if answer.reason != ALLOWED else []),
        *(ratelimit.fields(answer.left) if answer.left else ()),
    ]


async def options(send: Send, request_id: str, allow: bytes) -> None:
    """Which methods an address takes. It is the same for every model, whether there is one or not."""
    headers = [NO_STORE, (b"allow", allow), (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def refuse(
    send: Send, query: Query, reason: Reason, answer: Answer | None = None, *, wait: int = 0
) -> None:
    """A refusal, as `refusal` makes it."""
    status, headers, body = refusal(query, reason, answer, wait=wait)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if query.method == "HEAD" else body})


def refusal(
    query: Query, reason: Reason, answer: Answer | None = None, *, wait: int = 0
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of a problem (RFC 9457) with one code. It holds nothing that the caller sent. `wait`: seconds, when known."""
    few = query.door == CHECK and query.front not in (fronts.ENVOY, fronts.TRAEFIK)
    status = reason.check_status if few else reason.status
    problem: dict[str, Any] = {
        "type": f"urn:cardinal:gate:{reason.code}",
        "title": reason.title,
        "status": status,
        "detail": reason.sentence,
        "code": reason.code,
        "decision": str(answer.id) if answer else None,
    }
    headers: Headers = [
        NO_STORE,
        (b"content-type", b"application/problem+json"),
        (b"x-request-id", query.request_id.encode()),
        (b"x-cardinal-reason", reason.code.encode()),
    ]
    if answer:
        headers.append((b"x-cardinal-decision", problem["decision"].encode()))
    if answer and answer.unmet:
        problem["reasons"] = list(answer.unmet)
        headers.append((b"x-cardinal-reasons", ",".join(answer.unmet).encode()))
    if reason.oauth is not None:
        headers.append((b"www-authenticate", _challenge(reason, query)))
    if reason.status in UNREAD:
        headers.append((b"connection", b"close"))
    if reason.status in LATER:
        seconds = (answer.wait if answer else 0) or wait or SOON.get(reason.code, 1)
        headers.append((b"retry-after", str(seconds).encode()))
    if reason.status == 405:
        headers.append((b"allow", query.operation.allow))
    if answer and answer.left:
        headers += ratelimit.fields(answer.left)
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    return status, headers, body


def as_bytes(status: int, headers: Headers, body: bytes) -> tuple[int, bytes, bytes]:
    """The same with its headers as lines."""
    return status, b"".join([b"%b: %b\r\n" % pair for pair in headers]), body


def allowed(answer: Answer) -> bytes:
    """The header lines of an answer of the decision point that allows."""
    if answer.left:
        return as_bytes(200, [*own(answer), (b"content-length", b"0")], b"")[1]
    query = answer.query
    lines = _constant(query.model, answer.version, answer.reason)
    return f"{lines}x-request-id: {query.request_id}\r\nx-cardinal-decision: {answer.id}\r\n".encode()


@lru_cache(maxsize=4096)
def _constant(model: str, version: int | None, reason: str) -> str:
    told = f"x-cardinal-reason: {reason}\r\n" if reason != ALLOWED else ""
    return (
        f"cache-control: no-store\r\ncontent-length: 0\r\nx-cardinal-model: {model}\r\n"
        f"x-cardinal-version: {version}\r\n{told}"
    )


def _challenge(reason: Reason, query: Query) -> bytes:
    parts = [f'Bearer realm="{REALM}"']
    if reason.oauth:
        parts.append(f'error="{reason.oauth}"')
    if reason.oauth == "insufficient_scope":
        parts.append(f'scope="{query.action}"')
    return ", ".join(parts).encode()
