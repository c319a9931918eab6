"""What is asked: one strict reading of method, path and headers. What is not understood is refused, never guessed.

The reading happens once and on the raw bytes: nothing is decoded, so nothing can mean one thing here and another thing
behind the gate. Only what these patterns match completely is a path.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from governance import tokens
from governance.gate import doors, fronts
from governance.gate.origin import Networks, is_trusted, network
from governance.gate.reasons import Refused
from governance.policies import PURPOSE

CHECK, PROXY = "check", "proxy"

METHOD = re.compile(rb"[A-Z]{1,10}\Z")
BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([\x21-\x7e]+)\Z")
SCHEME = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr](?:[ \t,]|\Z)")
LENGTH = re.compile(rb"[0-9]{1,15}\Z")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")
TOKEN = re.compile(rb"crd_[a-z][0-9A-Za-z]{16}|access_token=")

NAMED_PURPOSE = b"cardinal-purpose"
ONCE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"host",
        b"connection",
        NAMED_PURPOSE,
        *fronts.HEADERS,
    }
)


@dataclass(frozen=True)
class Query:
    """One question to the gate. `refusal` is set when it can be answered without a look at the database.

    `network` is the caller's address, "" when nobody who is trusted said it; `payload_bytes` None when not announced.
    """

    door: str
    request_id: str
    front: str = ""  # at /check: by whose contract (see fronts.py)
    method: str = ""
    model: str = ""
    alias: str = doors.CHAMPION
    number: int | None = None
    named: bool = False  # whether the caller named a version or an alias
    action: str = "predict"
    network: str = ""
    purpose: str = ""
    payload_bytes: int | None = None
    token: str = field(default="", repr=False)
    refusal: str = ""


def read(scope: Mapping[str, Any], body_limit: int, trusted: Networks = (), front: str = fronts.ANY) -> Query:
    """The query in an ASGI request. Total: whatever comes gives a query, at worst one with a refusal.

    `trusted` are the networks of proxies that may say on whose behalf they ask, `front` whose contract counts at /check.
    """
    raw: bytes = scope["raw_path"]
    pairs: list[tuple[bytes, bytes]] = list(scope["headers"])
    door = CHECK if raw == b"/check" or raw.startswith(b"/check/") else PROXY
    address = network(scope.get("client"), pairs, trusted, only_proxies=door == CHECK)
    query = Query(door=door, request_id=request_id(pairs), network=address)
    try:
        headers = _single(pairs)
        if door == CHECK:
            _keep_secrets_out_of(scope.get("query_string") or b"")
        asked = fronts.original(raw, scope, headers, front) if door == CHECK else fronts.own(raw, scope)
        query = replace(query, front=asked.front, method=_method(asked.method))
        _keep_secrets_out_of(asked.path)
        fronts.refuse_tricks(headers)
        query = replace(query, **doors.target(asked.path, query.method))
        _refuse_other_protocols(headers)
        is_proxy = fronts.ORIGINAL_LENGTH in headers and is_trusted(scope.get("client"), trusted)
        query = _with_length(query, headers, body_limit, is_proxy=is_proxy)
        return replace(query, purpose=_purpose(headers), token=_token(headers))
    except Refused as refusal:
        return replace(query, refusal=str(refusal))


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The plain X-Request-ID from in front, or a new one. Never anything that holds a token."""
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and REQUEST_ID.match(given[0]) and b"crd_" not in given[0]:
        return given[0].decode()
    return uuid.uuid4().hex


def _single(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    twice = set()
    for name, value in pairs:
        if name in found and name in ONCE:
            twice.add(name)
        found[name] = value
    if b"authorization" in twice:
        raise Refused("several_credentials")
    if twice:
        raise Refused("headers_refused")
    return found


def _keep_secrets_out_of(path: bytes) -> None:
    if TOKEN.search(path) or TOKEN.search(unquote_to_bytes(path)):
        raise Refused("token_in_url")


def _method(method: bytes) -> str:
    if not METHOD.match(method):
        raise Refused("headers_refused")
    return method.decode()


def _refuse_other_protocols(headers: dict[bytes, bytes]) -> None:
    both = b"transfer-encoding" in headers and b"content-length" in headers
    if both or b"upgrade" in headers or headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Refused("headers_refused")


def _with_length(query: Query, headers: dict[bytes, bytes], limit: int, *, is_proxy: bool) -> Query:
    length = headers.get(b"content-length", b"0")
    if not LENGTH.match(length):
        raise Refused("headers_refused")
    if query.door == PROXY:
        if int(length) > limit:
            raise Refused("too_large")
        announced = b"transfer-encoding" not in headers
        return replace(query, payload_bytes=int(length) if announced else None)
    original = headers.get(fronts.ORIGINAL_LENGTH, b"")
    if not original:
        return query
    if not LENGTH.match(original):
        raise Refused("headers_refused")
    if not is_proxy:  # anybody can say that a body is small
        return query
    return replace(query, payload_bytes=int(original))


def _purpose(headers: dict[bytes, bytes]) -> str:
    """The purpose that is named, or none. One that no policy could name is refused: it goes into the journal."""
    text = headers.get(NAMED_PURPOSE, b"").decode("latin-1")
    if text and not PURPOSE.match(text):
        raise Refused("purpose_malformed")
    return text


def _token(headers: dict[bytes, bytes]) -> str:
    """The bearer token, well-formed; a typing error is told apart from a stranger without asking the database."""
    value = headers.get(b"authorization", b"")
    if not SCHEME.match(value):
        raise Refused("token_missing")
    found = BEARER.match(value)
    if not found:
        raise Refused("token_malformed")
    text = found[1].decode()
    if not tokens.is_well_formed(text):
        raise Refused("several_credentials" if b"," in found[1] else "token_malformed")
    return text
