"""What is asked: one strict reading of method, path and headers. What is not understood is refused, never guessed.

The reading happens once and on the raw bytes: nothing is decoded, so nothing can mean one thing here and another thing
behind the gate. Only what these patterns match completely is a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from governance import tokens
from governance.gate import doors, fronts
from governance.gate.ids import random
from governance.gate.origin import FORWARDED_FOR, NOBODY, Origins
from governance.gate.reasons import Refused
from governance.policies import PURPOSE

CHECK, PROXY = "check", "proxy"

METHOD = re.compile(rb"[A-Z]{1,10}\Z")
BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([\x21-\x7e]+)\Z")
USUAL = re.compile(
    rb"[Bb]earer (crd_[a-z][0-9A-Za-z]{49})\Z"
)  # what the longer way below would let pass as well
SCHEME = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr](?:[ \t,]|\Z)")
LENGTH = re.compile(rb"[0-9]{1,15}\Z")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")
TOKEN = re.compile(rb"crd_[a-z][0-9A-Za-z]{16}|access_token=")

NAMED_PURPOSE = b"cardinal-purpose"
HEADER_LENGTH = b"inference-header-content-length"  # of JSON before the binary tensors, in V2
Twice = frozenset[bytes] | set[bytes]
NONE_TWICE: frozenset[bytes] = frozenset()
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

# All headers that a reading depends on, but for the token and the request's own id.
JUDGED = (ONCE | fronts.TRICKS | {FORWARDED_FOR, b"upgrade"}) - {b"authorization"}


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

    def again(self, request_id: str) -> Query:
        """The same question, asked by a request with this id and a token that is still to be read."""
        return Query(
            self.door, request_id, self.front, self.method, self.operation, self.model, self.alias, self.number,
            self.named, self.action, self.network, self.purpose, self.payload_bytes,
        )  # fmt: skip


def read(
    scope: Mapping[str, Any], body_limit: int, origins: Origins = NOBODY, front: str = fronts.ANY
) -> Query:
    """The query in an ASGI request. Total: whatever comes gives a query, at worst one with a refusal.

    `origins` knows the proxies that may say on whose behalf they ask, `front` whose contract counts at /check.
    """
    raw: bytes = scope["raw_path"]
    door = CHECK if raw == b"/check" or raw.startswith(b"/check/") else PROXY
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(pairs)
    twice: Twice = NONE_TWICE
    if len(headers) != len(pairs):
        headers, twice = _once(pairs)
    query = Query(door, _request_id(headers, twice))
    if client := scope.get("client"):
        query.network = origins.network(client[0], headers.get(FORWARDED_FOR, b""), door == CHECK)
    try:
        if twice:
            _refuse_twice(twice)
        if door == CHECK:
            _read_check(query, scope, headers, origins, front)
        else:
            _read_proxy(query, scope, headers, body_limit)
        if NAMED_PURPOSE in headers:
            query.purpose = _purpose(headers[NAMED_PURPOSE])
        if door == CHECK or query.method != "OPTIONS":
            query.token = token(headers.get(b"authorization", b""))
    except Refused as refusal:
        query.refusal = str(refusal)
    return query


def _read_check(
    query: Query, scope: Mapping[str, Any], headers: dict[bytes, bytes], origins: Origins, front: str
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
    if b"content-length" in headers:
        _number(headers[b"content-length"])
    if original := headers.get(fronts.ORIGINAL_LENGTH):
        length, client = _number(original), scope.get("client")
        if client and origins.is_trusted(client[0]):  # anybody can say that a body is small
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
    query.method = _method(asked.method)
    target = _target(asked.path)
    fronts.refuse_tricks(headers)
    query.operation, query.model, query.alias = target.operation, target.model, target.alias
    query.number, query.named, query.action = target.number, target.named, target.operation.action
    return target.operation


@lru_cache(maxsize=64)
def _method(method: bytes) -> str:
    if not METHOD.match(method):
        raise Refused("headers_refused")
    return method.decode()


@lru_cache(maxsize=8192)
def _target(path: bytes) -> doors.Target:
    """What `path` asks for, when it holds no secret. A path that is refused is not kept."""
    _keep_secrets_out_of(path)
    return doors.target(path)


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The plain X-Request-ID from in front, or a new one. Never anything that holds a token."""
    return _request_id(*_once(headers))


def _request_id(headers: dict[bytes, bytes], twice: Twice) -> str:
    return identity(b"" if b"x-request-id" in twice else headers.get(b"x-request-id", b""))


def identity(given: bytes) -> str:
    """The id of a request that came with this one, or with none."""
    if given and REQUEST_ID.match(given) and b"crd_" not in given:
        return given.decode()
    return random.hexadecimal()


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


def _refuse_twice(twice: Twice) -> None:
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


def _purpose(value: bytes) -> str:
    """The purpose that is named, or none. One that no policy could name is refused: it goes into the journal."""
    text = value.decode("latin-1")
    if text and not PURPOSE.match(text):
        raise Refused("purpose_malformed")
    return text


def token(value: bytes) -> str:
    """The bearer token in Authorization, well-formed; a typing error is told apart from a stranger without asking the database."""
    if usual := USUAL.match(value):
        text = usual[1].decode()
        if tokens.fits(text):
            return text
    if not SCHEME.match(value):
        raise Refused("token_missing")
    found = BEARER.match(value)
    if not found:
        raise Refused("token_malformed")
    text = found[1].decode()
    if not tokens.is_well_formed(text):
        raise Refused("several_credentials" if b"," in found[1] else "token_malformed")
    return text
