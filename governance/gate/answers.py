"""What the caller hears: the gate's own headers, and refusals as problems (RFC 9457, RFC 6750)."""

from __future__ import annotations

import json
from typing import Any

from governance.gate import fronts
from governance.gate.decide import ALLOWED, Answer
from governance.gate.proxy import Headers, Send
from governance.gate.reasons import Reason
from governance.gate.request import CHECK, Query

NO_STORE = (b"cache-control", b"no-store")
REALM = "cardinal"


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
    ]


async def refuse(
    send: Send, query: Query, reason: Reason, answer: Answer | None, extra: Headers | None = None
) -> None:
    """A problem (RFC 9457) with one code. It holds nothing that the caller sent."""
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
        *(extra or []),
    ]
    if answer:
        headers.append((b"x-cardinal-decision", problem["decision"].encode()))
    if answer and answer.unmet:
        problem["reasons"] = list(answer.unmet)
        headers.append((b"x-cardinal-reasons", ",".join(answer.unmet).encode()))
    if reason.oauth is not None:
        headers.append((b"www-authenticate", _challenge(reason, query)))
    if reason.status in (
        408,
        413,
    ):  # the rest of the body was not read: nothing can follow it on this connection
        headers.append((b"connection", b"close"))
    if answer and answer.wait:
        headers.append((b"retry-after", str(answer.wait).encode()))
    if reason.status == 405:
        headers.append((b"allow", b"POST"))
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if query.method == "HEAD" else body})


def _challenge(reason: Reason, query: Query) -> bytes:
    parts = [f'Bearer realm="{REALM}"']
    if reason.oauth:
        parts.append(f'error="{reason.oauth}"')
    if reason.oauth == "insufficient_scope":
        parts.append(f'scope="{query.action}"')
    return ", ".join(parts).encode()
