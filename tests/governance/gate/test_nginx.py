"""The gate behind a real nginx, by the very configuration that the documentation shows."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from governance.actions import tokens
from governance.gate import reasons
from governance.models import Decision
from tests import factories
from tests.governance.gate.conftest import Running, Served
from tests.governance.gate.fronted import (
    FORGED,
    SAID,
    before,
    in_front,
    publish,
    shown_on_its_page,
    without_an_answer,
)
from tests.governance.gate.proxies import CALLER, SAMPLES, Front, Recorder, confusing, nginx

ELSEWHERE = {
    "too_large",
    "slow_caller",
    "protocol_refused",
}  # the body and the model server are nginx's matter


def before_one(folder: Path, gate: int, model: str, version: str, server: int) -> Front:
    """nginx with one version behind it."""
    return nginx(folder, gate, {f"{model}/{version}": f"127.0.0.1:{server}"})


@pytest.fixture
def front(trusting_gate: Running, served: Served, scoring: Any, tmp_path: Path) -> Iterator[Front]:
    """nginx before the gate and the model server."""
    with before(before_one, trusting_gate, served, scoring, tmp_path) as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_an_allowed_query_reaches_its_model_server_with_nothing_of_the_callers_own_making(
    front: Front, served: Served, scoring: Any
) -> None:
    publish(served, networks=[f"{CALLER}/32"], max_payload_bytes=100)
    forged = FORGED | {
        "X-Original-URI": "/models/other/invocations",
        "X-Original-Method": "GET",
        "X-Forwarded-Uri": "/models/other/invocations",
        "X-Real-IP": "192.0.2.1",
        "X-Cardinal-Decision": "forged",
        "X-Cardinal-Model": "other",
        "X-Request-ID": "from-the-caller-1",
    }

    status, headers, body = front.post(served.path, served.secret, b'{"inputs": [1]}', **forged)

    assert (status, json.loads(body)) == (200, {"predictions": [1]})
    path, heard, sent = scoring.seen[0]
    heard = {name.lower(): value for name, value in heard.items()}
    decision = Decision.objects.get(pk=headers["X-Cardinal-Decision"])
    assert (path, sent) == ("/invocations", b'{"inputs": [1]}')
    assert heard["x-cardinal-decision"] == str(decision.pk)
    assert (heard["x-cardinal-model"], heard["x-cardinal-version"]) == (served.slug, "1")
    assert heard["x-request-id"] == headers["X-Request-ID"] == decision.request_id == "from-the-caller-1"
    assert heard.keys() == {
        "host", "content-type", "content-length", "accept-encoding", "x-request-id",
        "x-cardinal-decision", "x-cardinal-model", "x-cardinal-version",
    } - {"accept-encoding"}  # fmt: skip
    assert (decision.network, decision.payload_bytes, decision.method) == (CALLER, 15, "POST")
    assert headers["Cache-Control"] == "no-store"
    assert headers.get_all("X-Cardinal-Decision") == [str(decision.pk)]


@pytest.mark.django_db(transaction=True)
def test_each_refusal_is_told_with_its_status_and_its_reason(
    front: Front, served: Served, scoring: Any
) -> None:
    _, slow = factories.token(served.version.model, limits={"rate": {"limit": 1, "per": "hour"}})
    publish(served, max_payload_bytes=100)
    revoked, gone = factories.token(served.version.model)
    tokens.revoke(token=revoked, by=factories.member("owner"))
    front.post(served.path, slow.text)
    scoring.seen.clear()

    def told(path: str, token: str, **more: Any) -> tuple[int, str]:
        status, headers, body = front.post(path, token, **more)
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (status, headers["X-Cardinal-Reason"])
        assert problem["type"] == f"urn:cardinal:gate:{problem['code']}"
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Cache-Control"] == "no-store"
        assert Decision.objects.get(pk=problem["decision"]).allowed is False
        assert (headers["WWW-Authenticate"] is not None) == (
            reasons.REASONS[problem["code"]].oauth is not None
        )
        assert (headers["Retry-After"] is not None) == (status == 429)
        return status, problem["code"]

    assert told(served.path, "") == (401, "token_missing")
    assert told(served.path, gone.text) == (401, "token_revoked")
    assert told(served.path, slow.text) == (429, "token_rate")
    assert told("/models/other/invocations", served.secret) == (403, "scope_model")
    assert told(served.path, served.secret, body=b"x" * 101) == (403, "policy_payload")
    assert told(served.path, served.secret, method="GET") == (405, "method_refused")
    assert told(served.path + "?a=b", served.secret) == (400, "path_refused")
    assert told(served.path + f"?t={served.secret}", "") == (400, "token_in_url")
    assert told(f"/models/{served.slug}/versions/9/invocations", served.secret) == (404, "version_unknown")
    assert scoring.seen == []


@pytest.mark.django_db(transaction=True)
def test_what_nginx_routes_and_what_the_gate_judges_is_the_same(
    front: Front, served: Served, scoring: Any
) -> None:
    for path in confusing(served.slug):
        line = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\nContent-Length: 2\r\n"
        answer = front.raw(line.encode("latin-1") + b"Connection: close\r\n\r\n{}")
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3")), (path, answer[:80])
        assert scoring.seen == [], path

    assert not Decision.objects.filter(allowed=True).exists()
    absolute = (
        f"POST http://other{served.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\n"
    )
    answer = front.raw(absolute.encode() + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.1 200")  # the same resource, as RFC 9112 has it
    assert [seen[1]["X-Cardinal-Model"] for seen in scoring.seen] == [served.slug]

    twice = f"POST {served.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer {served.secret}\r\n"
    answer = front.raw(twice.encode() + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400"))
    both = f"POST {served.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\nContent-Length: 2\r\n"
    answer = front.raw(both.encode() + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert len(scoring.seen) == 1


@pytest.mark.django_db(transaction=True)
def test_streams_pass_and_a_server_that_nobody_listed_is_not_guessed(
    front: Front, trusting_gate: Running, served: Served, scoring: Any, tmp_path: Path
) -> None:
    head = f"POST {served.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\n"
    chunks = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"

    answer = front.raw(head.encode() + chunks)
    elsewhere = nginx(tmp_path, trusting_gate.port, {"other/1": "127.0.0.1:9"})
    try:
        status, _, body = elsewhere.post(served.path, served.secret)
    finally:
        elsewhere.end()

    assert answer.startswith(b"HTTP/1.1 200")
    assert scoring.seen[0][2] == b"hello world"
    assert (status, json.loads(body)["code"]) == (503, "no_endpoint")
    assert len(scoring.seen) == 1


def test_a_part_of_a_body_or_of_an_answer_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    half, rest = Event(), Event()

    class Streaming(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.rfile.readline() + self.rfile.readline() == b"4\r\nhalf\r\n"
            half.set()
            assert (
                self.rfile.readline() + self.rfile.readline() + self.rfile.readline() == b"4\r\nrest\r\n0\r\n"
            )
            self.rfile.readline()
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nfirst;\r\n")
            assert rest.wait(10)
            self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            pass

    model = HTTPServer(("127.0.0.1", 0), Streaming)
    Thread(target=model.serve_forever, daemon=True).start()
    with Recorder(X_Cardinal_Model="m", X_Cardinal_Version="1") as gate:
        front = before_one(tmp_path, gate.port, "m", "1", model.server_port)
        try:
            with socket.create_connection(("127.0.0.1", front.port), timeout=10) as wire:
                wire.sendall(
                    b"POST /models/m/invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
                )
                assert half.wait(10)
                wire.sendall(b"4\r\nrest\r\n0\r\n\r\n")
                answer = b""
                while b"first;" not in answer:
                    answer += wire.recv(4096)
                rest.set()
                while b"last" not in answer:
                    answer += wire.recv(4096)
        finally:
            front.end()
            model.shutdown()
            model.server_close()
    assert b"half" not in b"".join(gate.heard)


def test_without_an_answer_of_the_gate_nobody_passes(tmp_path: Path) -> None:
    for turned in without_an_answer(before_one, tmp_path, "/models/m/invocations"):
        told = turned.status, json.loads(turned.body)["code"], turned.headers["Retry-After"]
        assert told == (503, "cannot_decide", "1"), turned.way
        assert turned.reached == [], turned.way


def test_the_gate_hears_these_headers_and_no_body_over_connections_that_stay(tmp_path: Path) -> None:
    with (
        Recorder(**SAID) as gate,
        Recorder(X_Cardinal_Model="forged", Set_Cookie="a=b") as model,
        in_front(before_one, tmp_path, gate.port, "m", model.port) as front,
    ):
        other = {"X-Other": "x", "X_Original_URI": "/", "Accept": "a/b"}
        for _ in range(5):
            _, headers, _ = front.post("/models/m/invocations?a=%62", "t", b"body", **other)

    request = headers["X-Request-ID"]
    assert gate.lines() == [
        "GET /check HTTP/1.1",
        "authorization: Bearer t",
        "host: cardinal-gate",
        f"x-forwarded-for: {CALLER}",
        "x-original-content-length: 4",
        "x-original-method: POST",
        "x-original-uri: /models/m/invocations?a=%62",
        f"x-request-id: {request}",
    ]
    assert re.fullmatch("[0-9a-f]{32}", request)
    assert gate.heard[0].endswith(b"\r\n\r\n")
    assert (len(gate.heard), gate.connections) == (5, 1)
    assert "authorization" not in "".join(model.lines())
    assert headers["Set-Cookie"] is None


def test_the_sample_knows_the_status_of_every_reason() -> None:
    text = (SAMPLES / "nginx" / "cardinal.conf").read_text()
    table = re.search(r"map \$cardinal_reason \$cardinal_status \{(.*?)\}", text, re.DOTALL)
    assert table
    rows = re.findall(r"(\S+) (\d+);", table[1])

    def mapped(code: str) -> int:
        exact = [status for pattern, status in rows if pattern == code]
        found = exact or [
            status for pattern, status in rows if pattern[0] == "~" and re.search(pattern[1:], code)
        ]
        return int(found[0] if found else dict(rows)["default"])

    # 401 and 403 are all that nginx hears of a refusal.
    for code, reason in reasons.REASONS.items():
        if reason.check_status in (401, 403) and code not in ELSEWHERE:
            assert mapped(code) == reason.status, code


def test_the_page_shows_the_configuration_that_runs_here() -> None:
    assert shown_on_its_page("nginx", "nginx", "cardinal.conf")
