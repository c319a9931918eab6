"""What an answer says: its JSON, or the problem that it is (RFC 9457). A proxy in front may answer without either."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, loads
from typing import Any

import httpx
from httpx_retries import Retry

from governance.client import errors
from governance.client.errors import Unexpected


def problem(response: httpx.Response, raw: bytes) -> errors.Declined:
    """The problem that was answered, as far as it can be read; a proxy in front may answer without one."""
    status, body = response.status_code, _body(response, raw)
    said = body.get("reasons") if isinstance(body.get("reasons"), list) else []
    fields = body.get("errors") if isinstance(body.get("errors"), dict) else {}
    return errors.of_status(status)(
        status=status,
        title=str(body.get("title") or response.reason_phrase)[:500],
        detail=str(body.get("detail") or "")[:5000],
        request_id=str(body.get("request_id") or response.headers.get("X-Request-ID", ""))[:100],
        reasons=tuple(
            errors.Reason(*(str(one.get(name, "")) for name in ("code", "sentence", "remedy")))
            for one in said or []
            if isinstance(one, dict)
        ),
        fields=dict(_fields("", fields)),
        retry_after=wait(response),
        place=str(response.headers.get("Location", ""))[:500],
    )


def _body(response: httpx.Response, raw: bytes) -> dict[str, Any]:
    """The problem itself; nothing where none can be read."""
    try:
        found = parsed(raw, response) if raw else None
    except Unexpected:
        found = None
    return found if isinstance(found, dict) else {}


def _fields(start: str, found: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Fields within fields, by their path."""
    for name, told in found.items():
        path = f"{start}.{name}" if start else str(name)
        if isinstance(told, dict):
            yield from _fields(path, told)
        else:
            yield path, tuple(str(one) for one in (told if isinstance(told, list) else [told]))


def wait(response: httpx.Response) -> float | None:
    """What Retry-After says, in seconds."""
    text = response.headers.get("Retry-After", "")
    try:
        return Retry().parse_retry_after(text) if text else None
    except ValueError:
        return None


def parsed(raw: bytes, response: httpx.Response) -> Any:
    try:
        return loads(raw)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        where = response.request.url.copy_with(query=None)
        raise Unexpected(f"{where} answered no JSON. Is this address a portal?") from error
