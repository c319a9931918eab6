"""What the gate answers without a decision: about itself, in the words of the Open Inference Protocol, and `OPTIONS *`.

It says nothing of models: not which there are, nor whether one is ready.
"""

from __future__ import annotations

import json
from typing import Any

from governance.gate.answers import NO_STORE, options
from governance.gate.database import Database
from governance.gate.proxy import Send
from governance.gate.request import request_id

ABOUT = {"name": "cardinal-gate", "version": "", "extensions": ["binary_tensor_data"]}
LIVE, READY, SELF = b"/v2/health/live", b"/v2/health/ready", b"/v2"
READ = b"GET, HEAD, OPTIONS"
ALLOW = {LIVE: READ, READY: READ, SELF: READ, b"*": b"GET, HEAD, POST, OPTIONS"}
PATHS = frozenset(ALLOW)


async def answer(path: bytes, scope: dict[str, Any], send: Send, database: Database) -> None:
    """The answer to a request for one of `PATHS`."""
    method, identity = scope["method"], request_id(scope["headers"])
    if method == "OPTIONS":
        await options(send, identity, ALLOW[path])
        return
    said: dict[str, Any] = ABOUT
    status = 200
    if method not in ("GET", "HEAD") or path == b"*":
        status, said = 405, {}
    elif path == LIVE:
        said = {"live": True}
    elif path == READY:
        ready = await database.answers()
        status, said = 200 if ready else 503, {"ready": ready}
    body = json.dumps(said).encode()
    headers = [
        NO_STORE,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", identity.encode()),
        *([(b"allow", ALLOW[path])] if status == 405 else []),
        *([(b"retry-after", b"1")] if status == 503 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
