"""What is asked: one strict reading of method, path and headers. What is not understood is refused, never guessed.

The reading happens once and on the raw bytes: nothing is decoded, so nothing can mean one thing here and another thing
behind the gate. Only what these patterns match completely is a path.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Query:
    """One question to the gate. `refusal` is set when it can be answered without a look at the database.

    `network` is the caller's address, "" when nobody who is trusted said it; `payload_bytes` None when not announced.
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
    pairs: list[tuple[bytes, bytes]] = list(scope["headers"])
    door = CHECK if raw == b"/check" or raw.startswith(b"/check/") else PROXY
    found: dict[str, Any] = {
        "door": door,
        "request_id": request_id(pairs),
        "network": network(scope.get("client"), pairs, trusted, only_proxies=door == CHECK),
    }
    try:
        _read(found, scope, pairs, body_limit, trusted, front)
    except Refused as refusal:
        found["refusal"] = str(refusal)
    return Query(**found)


def _read(
    found: dict[str, Any],
    scope: Mapping[str, Any],
    pairs: list[tuple[bytes, bytes]],
    body_limit: int,
    trusted: Networks,
    front: str,
) -> None:
    """Fills the fields of a query into `found`, as far as it can be understood."""
    raw: bytes = scope["raw_path"]
    checking = found["door"] == CHECK
    headers = _single(pairs)
    if checking:
        _keep_secrets_out_of(scope.get("query_string") or b"")
    question = fronts.original(raw, scope, headers, front) if checking else fronts.own(raw, scope)
    found["front"], found["method"] = question.front, _method(question.method)
    _keep_secrets_out_of(question.path)
    fronts.refuse_tricks(headers)
    asked = doors.target(question.path)
    operation = found["operation"] = asked.operation
    found |= {"model": asked.model, "alias": asked.alias, "number": asked.number, "named": asked.named}
    found["action"] = operation.action
    if checking and operation.model_in_body:  # no body comes here
        raise Refused("body_refused")
    _refuse_other_methods(found["method"], operation, checking=checking)
    _refuse_other_protocols(headers)
    is_proxy = fronts.ORIGINAL_LENGTH in headers and is_trusted(scope.get("client"), trusted)
    length = _length(headers, body_limit, checking=checking, is_proxy=is_proxy)
    if not checking and operation.method == "GET" and length != 0:
        raise Refused("headers_refused")
    _refuse_other_framing(headers, length)
    found["payload_bytes"] = length
    found["purpose"] = _purpose(headers)
    if checking or found["method"] != "OPTIONS":
        found["token"] = _token(headers)


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
    if TOKEN.search(path) or (b"%" in path and TOKEN.search(unquote_to_bytes(path))):
        raise Refused("token_in_url")


def _method(method: bytes) -> str:
    if not METHOD.match(method):
        raise Refused("headers_refused")
    return method.decode()


def _refuse_other_methods(method: str, operation: doors.Operation, *, checking: bool) -> None:
    """OPTIONS asks the gate itself, so no proxy may pass it on."""
    if method in operation.methods or (method == "OPTIONS" and not checking):
        return
    raise Refused("method_refused")


def _refuse_other_protocols(headers: dict[bytes, bytes]) -> None:
    both = b"transfer-encoding" in headers and b"content-length" in headers
    if both or b"upgrade" in headers or headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Refused("headers_refused")


def _length(headers: dict[bytes, bytes], limit: int, *, checking: bool, is_proxy: bool) -> int | None:
    """How long the body is, as announced by who may; None when it was not."""
    length = headers.get(b"content-length", b"0")
    if not LENGTH.match(length):
        raise Refused("headers_refused")
    if not checking:
        if int(length) > limit:
            raise Refused("too_large")
        return None if b"transfer-encoding" in headers else int(length)
    original = headers.get(fronts.ORIGINAL_LENGTH, b"")
    if not original:
        return None
    if not LENGTH.match(original):
        raise Refused("headers_refused")
    return int(original) if is_proxy else None  # anybody can say that a body is small


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
