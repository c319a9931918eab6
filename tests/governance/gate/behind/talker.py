"""A model server that talks: OpenAI-style streams, and answers of any size. Run by uvicorn, asked through the gate.

What a query wants stands in its body: `parts` and `pause` of a stream, `size` of an answer. GET /seen tells what came in.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

SEEN: list[dict[str, Any]] = []
PART = b"x" * 65_536


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The application."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/seen":
        await _say(send, json.dumps(SEEN).encode())
        return
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    said: dict[str, Any] = {"path": scope["path"], "method": scope["method"], "headers": headers}
    SEEN.append(said)
    said["received"], body = await _read(receive)
    asked = json.loads(body) if body.startswith(b"{") else {}
    said["body"] = asked
    if "parts" in asked:
        await _stream(said, asked, receive, send)
    elif "size" in asked:
        await _pour(asked["size"], send)
    elif "status" in asked:
        await _say(send, b"{}", asked["status"])
    else:
        await asyncio.sleep(asked.get("pause", 0))
        await _say(send, json.dumps({"received": said["received"], "model": asked.get("model")}).encode())


async def _read(receive: Any) -> tuple[int, bytes]:
    """How much came, and its beginning."""
    size, kept, more = 0, b"", True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        kept = kept if len(kept) > 1_000_000 else kept + chunk
        more = message.get("more_body", False)
    return size, kept


async def _stream(said: dict[str, Any], asked: dict[str, Any], receive: Any, send: Any) -> None:
    said["sent"] = 0
    gone = asyncio.create_task(receive())
    await send(_start(b"text/event-stream"))
    for number in range(asked["parts"]):
        if gone.done():
            said["gone"] = True
            return
        event = b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % number
        await send({"type": "http.response.body", "body": event, "more_body": True})
        said["sent"] += 1
        await asyncio.sleep(asked["pause"])
    gone.cancel()
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def _pour(size: int, send: Any) -> None:
    await send(_start(b"application/octet-stream"))
    for _ in range(size // len(PART)):
        await send({"type": "http.response.body", "body": PART, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Any, body: bytes, status: int = 200) -> None:
    await send(_start(b"application/json", status))
    await send({"type": "http.response.body", "body": body})


def _start(kind: bytes, status: int = 200) -> dict[str, Any]:
    headers = [
        (b"content-type", kind),
        (b"x-ratelimit-remaining", b"7"),
        (b"openai-organization", b"ours"),
        (b"www-authenticate", b"Bearer"),
    ]
    return {"type": "http.response.start", "status": status, "headers": headers}
