"""What the gate gives away: nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.models import Decision
from tests import factories
from tests.governance.gate.conftest import Running, Served

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


HOSTILE = [
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nX: y\r\n Authorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: xchunked\r\n",
    b"POST {path}%20 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST /x/..{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST /{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path}\x00 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path}\\ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path}?a=b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-HTTP-Method-Override: POST\r\n",
    b"CONNECT {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n",
    b"POST {path}?access_token={token} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nCookie: token={token}\r\nX-Api-Key: {token}\r\nContent-Length: 0\r\n",
    b"GET /check HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-Original-URI: {path}\r\nX-Original-URI: {path}\r\n",
    b"GET /check HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX_Original_URI: {path}\r\n",
    b"GET /check/../check HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-Original-URI: {path}\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
]


def test_nothing_hostile_is_allowed_and_no_token_is_written_down(
    gate: Running, served: Served, scoring: Any
) -> None:
    for template in HOSTILE:
        request = template.replace(b"{path}", served.path.encode()).replace(
            b"{token}", served.secret.encode()
        )
        answer = gate.raw(request + b"Connection: close\r\n\r\n")
        assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 101")), template
        assert served.secret.encode() not in answer, template

    assert scoring.seen == []
    assert not Decision.objects.filter(allowed=True).exists()
    written = gate.log.read_text() + repr(list(Decision.objects.values()))
    assert served.secret not in written
    assert served.secret[10:40] not in written


def test_logs_are_one_object_a_line_with_the_request_id(gate: Running, served: Served) -> None:
    response = gate.check(served.path, served.secret, **{"X-Request-ID": "log-line-0001"})

    lines = [json.loads(line) for line in gate.log.read_text().splitlines() if "log-line-0001" in line]
    assert response.headers["x-request-id"] == "log-line-0001"
    assert lines[0]["decision"] == response.headers["x-cardinal-decision"]
    assert lines[0]["request_id"] == "log-line-0001"
