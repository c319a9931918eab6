"""A reader that remembers understands every request as one that has never seen another."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.gate import fronts, reader
from governance.gate.reader import Reader
from governance.gate.request import JUDGED, Query, read
from tests.governance.gate.test_fronts import NGINX, PROXY, TRAEFIK, TRUSTED
from tests.governance.gate.test_request import GOOD, TOKEN

BEARER = (b"authorization", f"Bearer {TOKEN}".encode())
NAMES = sorted(JUDGED | {b"x-request-id", b"authorization", b"accept", b"traceparent"})
VALUES = [b"", b"0", b"12", b"chunked", b"close", b"upgrade", b"POST", b"GET", b"scoring", b"192.0.2.7, 10.0.0.9", GOOD, b"1234567890abcdef", BEARER[1], b"Bearer crd_p", b"x"]  # fmt: skip
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3)
REMEMBERING = Reader(1000, TRUSTED)


def scope(headers: list[tuple[bytes, bytes]], path: bytes = b"/check", method: str = "GET", query: bytes = b"", peer: Any = PROXY) -> dict[str, Any]:  # fmt: skip
    return {"raw_path": path, "query_string": query, "method": method, "headers": headers, "client": peer}


def alike(one: Query, other: Query, given: list[tuple[bytes, bytes]]) -> bool:
    """All but an id that was made up."""
    if (b"x-request-id", one.request_id.encode()) in given:
        return one == other
    return replace(one, request_id="") == replace(other, request_id="")


@settings(max_examples=1500, deadline=None)
@given(
    headers=HEADERS,
    way=st.sampled_from([NGINX, TRAEFIK, []]),
    path=st.sampled_from([b"/check", b"/check" + GOOD, GOOD, GOOD + b"x"]),
    method=st.sampled_from(["GET", "POST", "OPTIONS"]),
    query=st.sampled_from([b"", b"a=b"]),
    peer=st.sampled_from([PROXY, ("198.51.100.3", 1), None]),
    signed=st.booleans(),
)
def test_what_is_remembered_is_what_would_be_read(
    headers: list[tuple[bytes, bytes]], way: list[tuple[bytes, bytes]], path: bytes, method: str, query: bytes, peer: Any,
    signed: bool,
) -> None:  # fmt: skip
    given = [(b"host", b"gate"), *way, *([BEARER] if signed else []), *headers]
    asked = scope(given, path, method, query, peer)
    fresh = read(asked, 1000, TRUSTED)

    assert alike(REMEMBERING.read(asked), fresh, given)
    assert alike(REMEMBERING.read(asked), fresh, given)  # now surely from memory, where it is kept at all


def test_every_header_that_changes_a_reading_is_judged() -> None:
    """Walks names by hand: one that `read` looks at and that is missing in JUDGED would be overlooked from memory."""
    for name in {*NAMES, *fronts.OVERRIDES, b"inference-header-content-length", b"x-forwarded-proto", b"te", b"trailer", b"origin", b"cookie"}:  # fmt: skip
        for value in VALUES:
            for way in (NGINX, TRAEFIK):
                plain = [(b"host", b"gate"), BEARER, *way]
                before = replace(read(scope(plain), 1000, TRUSTED), request_id="")
                after = replace(read(scope([*plain, (name, value)]), 1000, TRUSTED), request_id="")
                assert before == after or name in JUDGED | {b"authorization", b"x-request-id"}, name


def test_each_request_has_its_own_token_and_id() -> None:
    remembering = Reader(1000, TRUSTED)
    headers = [(b"host", b"gate"), *NGINX]

    first = remembering.read(scope([*headers, BEARER]))
    second = remembering.read(scope(headers))
    third = remembering.read(scope([*headers, BEARER, (b"x-request-id", b"1234567890abcdef")]))

    assert (first.token, second.refusal, third.token) == (TOKEN, "token_missing", TOKEN)
    assert len({first.request_id, second.request_id, third.request_id}) == 3
    assert third.request_id == "1234567890abcdef"


def test_an_empty_credential_beside_another_is_two_also_from_memory() -> None:
    remembering = Reader(1000, TRUSTED)
    headers = [(b"host", b"gate"), *NGINX]
    remembering.read(scope([*headers, BEARER]))

    asked = scope([*headers, (b"authorization", b""), BEARER])
    assert read(asked, 1000, TRUSTED).refusal == remembering.read(asked).refusal == "several_credentials"


def test_no_token_is_remembered() -> None:
    remembering = Reader(1000, TRUSTED)
    for method in ("GET", "POST"):
        remembering.read(scope([(b"host", b"gate"), *NGINX, BEARER], method=method))

    assert remembering._known
    assert TOKEN not in repr(remembering._known)
    assert not any(query.token for query in remembering._known.values())


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "ROOM", 10)
    remembering = Reader(1000, TRUSTED)
    for letter in string.ascii_lowercase:
        remembering.read(scope([(b"host", letter.encode()), *NGINX, BEARER]))
    remembering.read(scope([(b"host", b"long" * 1000), *NGINX, BEARER]))

    assert 0 < len(remembering._known) <= 10
    assert all(len(repr(key)) < 4000 for key in remembering._known)
