"""Who speaks for the original request at /check: nginx, Envoy or Traefik, each by its own contract, never two at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.gate.reasons import Refused

ORIGINAL_URI, ORIGINAL_METHOD = b"x-original-uri", b"x-original-method"  # nginx
FORWARDED_URI, FORWARDED_METHOD = b"x-forwarded-uri", b"x-forwarded-method"  # Traefik
ORIGINAL_LENGTH = b"x-original-content-length"  # any proxy that asks /check, which gets no body
HEADERS = (ORIGINAL_URI, ORIGINAL_METHOD, FORWARDED_URI, FORWARDED_METHOD, ORIGINAL_LENGTH)


def own(raw: bytes, scope: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Path (with its query string) and method of a request that is the question itself."""
    query: bytes = scope.get("query_string") or b""
    return raw + b"?" + query if query else raw, scope["method"].encode("latin-1")


def original(
    raw: bytes, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]
) -> tuple[bytes, bytes | None]:
    """Path (with its query string) and method of the question behind a request to /check.

    Exactly one source may speak of them. The method is None when a proxy leaves it out.
    """
    whole, method = own(raw, scope)
    said = [name for name in (ORIGINAL_URI, FORWARDED_URI) if name in headers]
    if len(said) + (raw != b"/check") > 1:
        raise Refused("headers_refused")
    if raw != b"/check":
        return whole.removeprefix(b"/check"), method
    if scope.get("query_string") or not said:
        raise Refused("path_refused")
    if said == [ORIGINAL_URI]:
        return headers[ORIGINAL_URI], headers.get(ORIGINAL_METHOD)
    return headers[FORWARDED_URI], headers.get(FORWARDED_METHOD)
