"""The gate behind a real Envoy (ext_authz over HTTP), by the very configuration that the documentation shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
from tests.governance.gate.proxies import CALLER, Front, Recorder, confusing, envoy


@pytest.fixture
def front(trusting_gate: Running, served: Served, scoring: Any, tmp_path: Path) -> Iterator[Front]:
    """Envoy before the gate and the model server."""
    with before(envoy, trusting_gate, served, scoring, tmp_path) as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_envoy_asks_the_gate_and_tells_what_it_says(front: Front, served: Served, scoring: Any) -> None:
    _, slow = factories.token(served.version.model, limits={"rate": {"limit": 1, "per": "hour"}})
    publish(served, networks=[f"{CALLER}/32"], max_payload_bytes=100)
    forged = FORGED | {"X-Cardinal-Reason": "forged", "X-Cardinal-Anything": "forged"}

    status, headers, _ = front.post(served.path, slow.text, b'{"inputs": [1]}', **forged)
    path, heard, sent = scoring.seen.pop()
    heard = {name.lower(): value for name, value in heard.items()}
    decision = Decision.objects.get(pk=headers["X-Cardinal-Decision"])
    assert (status, path, sent) == (200, "/invocations", b'{"inputs": [1]}')
    assert (heard["x-cardinal-decision"], heard["x-cardinal-version"]) == (str(decision.pk), "1")
    assert headers.get_all("X-Cardinal-Decision") == [str(decision.pk)]
    assert not {
        "authorization",
        "cookie",
        "x-cardinal-reason",
        "x-cardinal-anything",
        "x-http-method-override",
    } & set(heard)
    assert (decision.network, decision.payload_bytes, decision.method) == (CALLER, 15, "POST")

    told = [
        (served.path, "", {}, 401, "token_missing"),
        (served.path, slow.text, {}, 429, "token_rate"),
        ("/models/other/invocations", served.secret, {}, 403, "scope_model"),
        (served.path, served.secret, {"body": b"x" * 101}, 403, "policy_payload"),
        (served.path, served.secret, {"method": "GET"}, 405, "method_refused"),
        (served.path + "?a=b", served.secret, {}, 400, "path_refused"),
        (f"/models/{served.slug}/versions/9/invocations", served.secret, {}, 404, "version_unknown"),
    ]
    for path, token, more, expected, reason in told:
        status, headers, body = front.post(path, token, **more)
        assert (status, headers["X-Cardinal-Reason"], json.loads(body)["code"]) == (expected, reason, reason)
        assert headers["Cache-Control"] == "no-store"
        assert (headers["Retry-After"] is not None) == (status == 429)
        assert (headers["WWW-Authenticate"] is not None) == (reason in ("token_missing", "scope_model"))
    assert scoring.seen == []


@pytest.mark.django_db(transaction=True)
def test_what_envoy_routes_and_what_the_gate_judges_is_the_same(
    front: Front, served: Served, scoring: Any
) -> None:
    for path in confusing(served.slug):
        line = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\nContent-Length: 2\r\n"
        answer = front.raw(line.encode("latin-1") + b"Connection: close\r\n\r\n{}")
        assert answer.startswith(b"HTTP/1.1 4"), (path, answer[:80])
        assert scoring.seen == [], path

    assert not Decision.objects.filter(allowed=True).exists()
    for trick in (
        "Connection: close, x-forwarded-for",
        "X_Forwarded_For: 192.0.2.1",
        "Authorization: Bearer b",
    ):
        line = (
            f"POST {served.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\n{trick}\r\n"
        )
        answer = front.raw(line.encode() + b"Content-Length: 0\r\n\r\n", patience=1)
        assert answer.startswith(b"HTTP/1.1 4"), (trick, answer[:80])
    assert scoring.seen == []


def test_without_an_answer_of_the_gate_nobody_passes(tmp_path: Path) -> None:
    for turned in without_an_answer(envoy, tmp_path, "/models/m/invocations"):
        assert turned.status == 503, turned.way
        assert turned.reached == [], turned.way


def test_the_gate_hears_these_headers_and_no_body_over_connections_that_stay(tmp_path: Path) -> None:
    with (
        Recorder(**SAID) as gate,
        Recorder(X_Cardinal_Model="forged", Set_Cookie="a=b") as model,
        in_front(envoy, tmp_path, gate.port, "m", model.port) as front,
    ):
        other = {"X-Other": "x", "Accept": "a/b"}
        for _ in range(3):
            _, headers, _ = front.post("/models/m/invocations?a=%62", "t", b"body", **other)

    request = next(line for line in gate.lines() if line.startswith("x-request-id"))
    assert gate.lines() == [
        "POST /check/models/m/invocations?a=%62 HTTP/1.1",
        "authorization: Bearer t",
        "content-length: 0",
        f"host: 127.0.0.1:{front.port}",
        "x-envoy-expected-rq-timeout-ms: 3000",
        "x-envoy-internal: true",
        f"x-forwarded-for: {CALLER}",
        "x-original-content-length: 4",
        request,
    ]
    assert (len(gate.heard), gate.connections) == (3, 1)
    assert gate.heard[0].endswith(b"\r\n\r\n")
    assert request in model.lines()
    assert (headers["X-Cardinal-Model"], headers["Set-Cookie"]) == (None, None)


def test_the_page_shows_the_configuration_that_runs_here() -> None:
    assert shown_on_its_page("envoy", "yaml", "cardinal.yaml")
