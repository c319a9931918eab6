"""The digests are what a verifier elsewhere would compute."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.gate import merkle
from governance.gate.decide import Answer
from governance.gate.record import FIELDS, FIRST, _cell, fields_of, record_digest, written
from governance.gate.request import Query
from governance.models import Decision

SOME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


def record(**changes: object) -> dict[str, object]:
    plain = {
        "id": uuid.UUID(int=1), "batch": uuid.UUID(int=2), "decided_at": datetime(2026, 11, 23, 7, 5, 9, 120, UTC),
        "allowed": True, "reason": "allowed", "environment": "production", "model": "credit-scorer", "version": 2,
        "action": "predict", "caller": "owner", "token": "", "method": "POST", "door": "check", "request_id": "abc",
        "network": "192.0.2.7", "purpose": "triage", "payload_bytes": 12, "form": 2,
    }  # fmt: skip
    return plain | changes


def test_the_digest_covers_every_column_but_itself() -> None:
    assert {*FIELDS, "digest"} == {field.name for field in Decision._meta.concrete_fields}
    for name in FIELDS:
        changed = record(**{name: datetime(2030, 1, 1, tzinfo=UTC) if name == "decided_at" else "other"})
        assert record_digest(changed) != record_digest(record())


def test_a_row_of_before_the_network_was_kept_has_the_digest_it_always_had() -> None:
    old = record(network="", purpose="", payload_bytes=None, form=1)
    plain = {name: record()[name] for name in FIRST} | {
        "id": str(uuid.UUID(int=1)), "batch": str(uuid.UUID(int=2)), "decided_at": "2026-11-23T07:05:09.000120Z",
    }  # fmt: skip

    assert record_digest(old) == sha256(rfc8785.dumps(plain)).hexdigest()
    assert "form" not in FIRST


def test_the_digest_is_that_of_the_canonical_json() -> None:
    form = record(
        id=str(uuid.UUID(int=1)), batch=str(uuid.UUID(int=2)), decided_at="2026-11-23T07:05:09.000120Z"
    )

    assert record_digest(record()) == sha256(rfc8785.dumps(form)).hexdigest()


@given(SOME, SOME, st.none() | st.integers(1, 2**31))
def test_whatever_stands_in_a_column_has_one_form(caller: str, model: str, version: int | None) -> None:
    fields = record(caller=caller, model=model, version=version)
    form = fields | {
        "id": str(uuid.UUID(int=1)),
        "batch": str(uuid.UUID(int=2)),
        "decided_at": "2026-11-23T07:05:09.000120Z",
    }

    assert record_digest(fields) == sha256(rfc8785.dumps(form)).hexdigest()


def test_the_digest_does_not_depend_on_the_zone_a_time_is_written_in() -> None:
    there = timezone(timedelta(hours=5))

    assert record_digest(record(decided_at=datetime(2026, 11, 23, 12, 5, 9, 120, there))) == record_digest(
        record()
    )


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaf(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_the_book(leaves[:k]) + by_the_book(leaves[k:])).digest()


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=70))
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == by_the_book(leaves)


def test_copy_keeps_what_it_separates_with() -> None:
    assert _cell("a\tb\nc\\d\r") == "a\\tb\\nc\\\\d\\r"
    assert _cell(None) == "\\N"
    assert _cell("\\N") == "\\\\N"


@given(
    caller=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    size=st.none() | st.integers(0, 10**12),
    version=st.none() | st.integers(1, 10**6),
    at=st.integers(0, 4 * 10**15),
    purpose=st.sampled_from(["", "scoring", 'a "b"', "100 %", "tab\tand\nline", "%(id)s", "ä"]),
    request_id=st.sampled_from(["abcdefgh", "a\\\\b", "%s"]),
)
def test_what_is_written_is_what_was_decided(
    caller: str, size: int | None, version: int | None, at: int, purpose: str, request_id: str
) -> None:
    """The short way of writing a row, from pieces made once, and the long way give the same bytes."""
    query = Query(
        "check",
        request_id,
        "nginx",
        "POST",
        model="m",
        network="10.0.0.1",
        purpose=purpose,
        payload_bytes=size,
    )
    batch, key = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))
    answer = Answer(True, "allowed", at, query, "production", version, caller, "5a2e", id=key)
    fields = fields_of(answer, batch)

    for _ in range(2):  # the second time with the frame of the first
        line, digest = written(answer, batch)
        assert digest.hex() == record_digest(fields)
        assert line == "\t".join(_cell(fields[name]) for name in FIELDS) + f"\t{digest.hex()}\n"
