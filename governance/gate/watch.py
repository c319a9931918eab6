"""What those hear who watch over the gate: whether it lives, whether it is ready, and its counts."""

from __future__ import annotations

from typing import Any

from governance.gate.answers import NO_STORE
from governance.gate.judge import Judge
from governance.gate.metrics import Metrics
from governance.gate.proxy import Send
from governance.gate.request import request_id

PATHS = frozenset({b"/healthz", b"/readyz", b"/metrics"})


async def answer(path: bytes, scope: dict[str, Any], send: Send, metrics: Metrics, judge: Judge) -> None:
    """The answer to a request for one of `PATHS`."""
    status, kind, body = 200, b"text/plain; charset=utf-8", b"ok\n"
    if path == b"/metrics":
        kind, body = b"text/plain; version=0.0.4; charset=utf-8", metrics.text().encode()
    elif path == b"/readyz" and not await judge.database.answers():
        status, body = 503, b"The database does not answer.\n"
    headers = [NO_STORE, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers.append((b"x-request-id", request_id(scope["headers"]).encode()))
    if path == b"/readyz":  # up to how many seconds ago every change is known; "inf" when nothing is kept
        headers.append((b"x-cardinal-news-age", f"{judge.grants.age:.3f}".encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
