"""What is asked: one strict reading of method, path and headers. What is not understood is refused, never guessed.

The reading happens once and on the raw bytes: nothing is decoded, so nothing can mean one thing here and another thing
behind the gate. Only what these patterns match completely is a path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from governance import tokens
from governance.gate import doors, fronts
from governance.gate.origin import FORWARDED_FOR, Networks, is_trusted, network
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
HEADER_LENGTH = b"inference-header-content-length"  # of JSON before the binary tensors, in V2
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
        HEADER_LENGTH,
        *fronts.HEADERS,
    }
)


@dataclass(slots=True)
class Query:
    """One question to the gate. `refusal` is set when it can be answered without a look at the database.

    `network` is the caller's address, "" when nobody who is trusted said it; `payload_bytes` None when not announced.
    Written while it is read and not afterwards.
    """

    door: str
    request_id: str
    front: str = ""  # at /check: by whose contract (see fronts.py)
    method: str = ""
    operation: doors.Operation = doors.NONE
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
    door = CHECK if raw == b"/check" or raw.startswith(b"/check/") else PROXY
    headers, twice = _once(scope["headers"])
    query = Query(door, _request_id(headers, twice))
    query.network = network(scope.get("client"), headers.items(), trusted, only_proxies=door == CHECK)
    try:
        if twice:
            _refuse_twice(twice)
        if door == CHECK:
            _read_check(query, scope, headers, trusted, front)
        else:
            _read_proxy(query, scope, headers, body_limit)
        query.purpose = _purpose(headers)
        if door == CHECK or query.method != "OPTIONS":
            query.token = _token(headers)
    except Refused as refusal:
        query.refusal = str(refusal)
    return query


def _read_check(
    query: Query, scope: Mapping[str, Any], headers: dict[bytes, bytes], trusted: Networks, front: str
) -> None:
    """A proxy asks; no body comes with it."""
    if own_query := scope.get("query_string"):
        _keep_secrets_out_of(own_query)
    asked = fronts.original(scope["raw_path"], scope, headers, front)
    query.front = asked.front
    operation = _read_target(query, asked, headers)
    if operation.model_in_body:
        raise Refused("body_refused")
    if query.method not in operation.methods:  # OPTIONS asks the gate itself, so no proxy may pass it on
        raise Refused("method_refused")
    _refuse_other_protocols(headers)
    _number(headers.get(b"content-length", b"0"))
    if original := headers.get(fronts.ORIGINAL_LENGTH):
        length = _number(original)
        if is_trusted(scope.get("client"), trusted):  # anybody can say that a body is small
            query.payload_bytes = length
    _refuse_other_framing(headers, query.payload_bytes)


def _read_proxy(query: Query, scope: Mapping[str, Any], headers: dict[bytes, bytes], body_limit: int) -> None:
    """The request is the question."""
    operation = _read_target(query, fronts.own(scope["raw_path"], scope), headers)
    if query.method not in operation.methods and query.method != "OPTIONS":
        raise Refused("method_refused")
    _refuse_other_protocols(headers)
    length = _number(headers.get(b"content-length", b"0"))
    if length > body_limit:
        raise Refused("too_large")
    query.payload_bytes = None if b"transfer-encoding" in headers else length
    if operation.method == "GET" and query.payload_bytes != 0:
        raise Refused("headers_refused")
    _refuse_other_framing(headers, query.payload_bytes)


def _read_target(query: Query, asked: fronts.Question, headers: dict[bytes, bytes]) -> doors.Operation:
    if not METHOD.match(asked.method):
        raise Refused("headers_refused")
    query.method = asked.method.decode()
    target = _target(asked.path)
    fronts.refuse_tricks(headers)
    query.operation, query.model, query.alias = target.operation, target.model, target.alias
    query.number, query.named, query.action = target.number, target.named, target.operation.action
    return target.operation


@lru_cache(maxsize=8192)
def _target(path: bytes) -> doors.Target:
    """What `path` asks for, when it holds no secret. A path that is refused is not kept."""
    _keep_secrets_out_of(path)
    return doors.target(path)


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The plain X-Request-ID from in front, or a new one. Never anything that holds a token."""
    return _request_id(*_once(headers))


def _request_id(headers: dict[bytes, bytes], twice: set[bytes]) -> str:
    given = headers.get(b"x-request-id")
    if given and REQUEST_ID.match(given) and b"crd_" not in given and b"x-request-id" not in twice:
        return given.decode()
    return os.urandom(16).hex()


def _once(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], set[bytes]]:
    """Each header once, and the names of those that came more often. A chain of addresses is one, however it was split."""
    found: dict[bytes, bytes] = {}
    twice = set()
    for name, value in pairs:
        if name in found:
            twice.add(name)
            if name == FORWARDED_FOR:
                value = found[name] + b"," + value  # noqa: PLW2901 - as RFC 9110 says that lists are joined
        found[name] = value
    return found, twice


def _refuse_twice(twice: set[bytes]) -> None:
    if b"authorization" in twice:
        raise Refused("several_credentials")
    if not ONCE.isdisjoint(twice):
        raise Refused("headers_refused")


def _keep_secrets_out_of(path: bytes) -> None:
    if TOKEN.search(path) or (b"%" in path and TOKEN.search(unquote_to_bytes(path))):
        raise Refused("token_in_url")


def _refuse_other_protocols(headers: dict[bytes, bytes]) -> None:
    both = b"transfer-encoding" in headers and b"content-length" in headers
    if both or b"upgrade" in headers or headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Refused("headers_refused")


def _number(text: bytes) -> int:
    if not LENGTH.match(text):
        raise Refused("headers_refused")
    return int(text)


def _refuse_other_framing(headers: dict[bytes, bytes], length: int | None) -> None:
    """The JSON before binary tensors is no longer than the body that holds it."""
    part = headers.get(HEADER_LENGTH)
    if part is not None and (not LENGTH.match(part) or (length is not None and int(part) > length)):
        raise Refused("headers_refused")


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
