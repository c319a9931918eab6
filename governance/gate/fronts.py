"""Who speaks for the original request at /check: nginx, Envoy or Traefik, each by its own contract, never two at once.

| front   | original path        | original method      | length of the body          | hears               |
|---------|----------------------|----------------------|-----------------------------|---------------------|
| nginx   | `X-Original-URI`     | `X-Original-Method`  | `X-Original-Content-Length` | 200, 401, 403, 503  |
| Envoy   | what follows /check  | the request's own    | `X-Original-Content-Length` | each reason's status|
| Traefik | `X-Forwarded-Uri`    | `X-Forwarded-Method` | never                       | each reason's status|

Path and method are believed from whoever asks: they make the question, it is about the asker's own token, and nobody else
hears the answer. What would turn an answer in the asker's favour, their address and the length of their body, is believed
from trusted proxies only (see origin.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from governance.gate.reasons import Refused

ANY, NGINX, ENVOY, TRAEFIK = "any", "nginx", "envoy", "traefik"
FRONTS = (ANY, NGINX, ENVOY, TRAEFIK)

ORIGINAL_URI, ORIGINAL_METHOD = b"x-original-uri", b"x-original-method"
FORWARDED_URI, FORWARDED_METHOD = b"x-forwarded-uri", b"x-forwarded-method"
ORIGINAL_LENGTH = b"x-original-content-length"
HEADERS = (ORIGINAL_URI, ORIGINAL_METHOD, FORWARDED_URI, FORWARDED_METHOD, ORIGINAL_LENGTH)

# What some model servers take for the real method or path, whatever the request line says.
OVERRIDES = (
    b"x-http-method-override",
    b"x-http-method",
    b"x-method-override",
    b"x-original-url",
    b"x-rewrite-url",
)
# Of Connection are understood the words below. One that names a header asks somebody on the way to drop it.
CONNECTIONS = frozenset({b"", b"close", b"keep-alive", b"te", b"upgrade"})
PLAIN_CONNECTIONS = frozenset({b"close", b"keep-alive", b"Keep-Alive"})


def disguises(names: Iterable[bytes]) -> frozenset[bytes]:
    """Each name with any of its hyphens as underscores: CGI and WSGI cannot tell them from the name itself."""
    found = set()
    for name in names:
        words = name.split(b"-")
        for marks in product((b"-", b"_"), repeat=len(words) - 1):
            found.add(words[0] + b"".join(mark + word for mark, word in zip(marks, words[1:], strict=True)))
        found.discard(name)
    return frozenset(found)


TRICKS = disguises(
    (
        *HEADERS,
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"x-forwarded-for",
        b"cardinal-purpose",
    )
) | {one for name in OVERRIDES for one in (name, *disguises([name]))}


class Question(NamedTuple):
    """What was originally asked: the path with its query string, and by which contract it came."""

    path: bytes
    method: bytes
    front: str = ""


def own(raw: bytes, scope: Mapping[str, Any]) -> Question:
    """A request that is the question itself."""
    query: bytes = scope.get("query_string") or b""
    return Question(raw + b"?" + query if query else raw, scope["method"].encode("latin-1"))


def original(
    raw: bytes, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], front: str = ANY
) -> Question:
    """The question behind a request to /check. Exactly one contract may speak, and only that of `front`."""
    speaks = _contract(raw, headers)
    if front not in (ANY, speaks):
        raise Refused("headers_refused")
    if speaks == ENVOY:
        asked = own(raw, scope)
        return Question(asked.path.removeprefix(b"/check"), asked.method, ENVOY)
    if scope.get("query_string"):
        raise Refused("path_refused")
    uri, method = (ORIGINAL_URI, ORIGINAL_METHOD) if speaks == NGINX else (FORWARDED_URI, FORWARDED_METHOD)
    if uri not in headers:
        raise Refused("path_refused")
    if method not in headers:  # somebody on the way may have been talked into dropping it
        raise Refused("headers_refused")
    return Question(headers[uri], headers[method], speaks)


def _contract(raw: bytes, headers: Mapping[bytes, bytes]) -> str:
    nginx = ORIGINAL_URI in headers or ORIGINAL_METHOD in headers
    traefik = FORWARDED_URI in headers or FORWARDED_METHOD in headers
    envoy = raw != b"/check"
    if nginx + traefik + envoy > 1:
        raise Refused("headers_refused")
    if traefik and ORIGINAL_LENGTH in headers:  # Traefik hands on what callers send, and cannot say it itself
        raise Refused("headers_refused")
    if envoy:
        return ENVOY
    if traefik:
        return TRAEFIK
    if nginx:
        return NGINX
    raise Refused("path_refused")


def refuse_tricks(headers: Mapping[bytes, bytes]) -> None:
    """Headers that another server would read as one that decides, or that make one disappear on the way."""
    if not TRICKS.isdisjoint(headers):
        raise Refused("headers_refused")
    connection = headers.get(b"connection")
    if connection is None or connection in PLAIN_CONNECTIONS:
        return
    if any(word.strip() not in CONNECTIONS for word in connection.lower().split(b",")):
        raise Refused("headers_refused")
