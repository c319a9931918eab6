"""What the gate gives away: nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.models import Decision
from tests import factories
from tests.governance.gate.conftest import Running, Served
from tests.governance.gate.hostile import HARMLESS, HOSTILE

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_unknown_model_looks_exactly_like_a_forbidden_one(gate: Running, served: Served) -> None:
    forbidden = factories.model(name="a-secret-project")
    wire = (
        f"POST /models/{{}}/invocations HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {served.secret}\r\n"
        "X-Request-ID: same-for-both\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )

    answers = [gate.raw(wire.format(slug).encode()) for slug in (forbidden.slug, "no-such-project")]

    def plain(answer: bytes) -> list[bytes]:
        identity = next(
            line for line in answer.split(b"\r\n") if line.startswith(b"x-cardinal-decision")
        ).split()[1]
        lines = answer.replace(identity, b"ID").split(b"\r\n")
        return [line for line in lines if not line.startswith(b"date:")]

    assert plain(answers[0]) == plain(answers[1])
    assert b" 403 " in answers[0]
    reasons = Decision.objects.filter(request_id="same-for-both").values_list("model", "reason")
    assert set(reasons) == {(forbidden.slug, "scope_model"), ("no-such-project", "model_unknown")}


def said(answer: bytes) -> str:
    """The answer as the table writes it."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    if not answer:
        return "-"
    reasons = [line.partition(": ")[2] for line in head[1:] if line.lower().startswith("x-cardinal-reason:")]
    return " ".join([head[0].split(" ")[1], *reasons])


def test_nothing_hostile_is_allowed_and_no_token_is_written_down(
    gate: Running, served: Served, scoring: Any
) -> None:
    wrong = []
    for row in HOSTILE:
        answer = gate.raw(row.filled(served.path, served.secret))
        if said(answer) != row.answer:
            wrong.append((row.kind, row.request[:200], row.answer, said(answer)))
        assert served.secret.encode() not in answer, row

    assert not wrong, "\n".join(map(repr, wrong))
    assert scoring.seen == []
    assert not Decision.objects.filter(allowed=True).exists()
    written = gate.log.read_text() + repr(list(Decision.objects.values()))
    assert served.secret not in written
    assert served.secret[10:40] not in written
    assert gate.check(served.path, served.secret).status_code == 200


def test_what_is_only_unusual_is_read_as_the_standard_has_it_and_once(
    gate: Running, served: Served, scoring: Any
) -> None:
    for row in HARMLESS:
        answer = gate.raw(row.filled(served.path, served.secret))
        assert (said(answer), answer.count(b"HTTP/1.")) == (row.answer, 1), row

    assert {path for path, _, _ in scoring.seen} == {"/invocations"}
    assert Decision.objects.filter(allowed=True, model=served.slug).count() == len(HARMLESS)


def test_logs_are_one_object_a_line_with_the_request_id(gate: Running, served: Served) -> None:
    response = gate.check(served.path, **{"X-Request-ID": "log-line-0001"})  # refusals are written by default

    lines = [json.loads(line) for line in gate.log.read_text().splitlines() if "log-line-0001" in line]
    assert response.headers["x-request-id"] == "log-line-0001"
    assert lines[0]["decision"] == response.headers["x-cardinal-decision"]
    assert lines[0]["request_id"] == "log-line-0001"
