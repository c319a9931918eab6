"""The gate behind a real Traefik (ForwardAuth), by the very configuration that the documentation shows."""

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
from tests.governance.gate.proxies import CALLER, Front, Recorder, confusing, traefik


@pytest.fixture
def front(trusting_gate: Running, served: Served, scoring: Any, tmp_path: Path) -> Iterator[Front]:
    """Traefik before the gate and the model server."""
    with before(traefik, trusting_gate, served, scoring, tmp_path) as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_traefik_asks_the_gate_and_tells_what_it_says(front: Front, served: Served, scoring: Any) -> None:
    _, slow = factories.token(served.version.model, limits={"rate": {"limit": 1, "per": "hour"}})
    publish(served, networks=[f"{CALLER}/32"])
    path = f"/models/{served.slug}/versions/1/invocations"
    forged = FORGED | {
        "X-Original-URI": "/models/other/invocations",
        "X-Forwarded-Uri": "/models/other/invocations",
        "X-Forwarded-Method": "GET",
        "X-Cardinal-Reason": "forged",
        "Connection": "close, X-Forwarded-Uri, X-Forwarded-For, X-Forwarded-Method, Authorization",
        "X-Request-ID": "from-the-caller-1",
    }

    status, headers, _ = front.post(path, slow.text, b'{"inputs": [1]}', **forged)
    if status != 200:  # it may drop the token, which is named above: then nobody is let in
        assert (status, headers["X-Cardinal-Reason"]) == (401, "token_missing")
        status, headers, _ = front.post(
            path, slow.text, b'{"inputs": [1]}', **forged | {"Connection": "close"}
        )
    inside, heard, sent = scoring.seen.pop()
    heard = {name.lower(): value for name, value in heard.items()}
    decision = Decision.objects.get(allowed=True)
    assert (status, inside, sent) == (200, "/invocations", b'{"inputs": [1]}')
    assert (heard["x-cardinal-decision"], heard["x-cardinal-version"]) == (str(decision.pk), "1")
    assert not {"authorization", "cookie", "x-cardinal-reason", "x-http-method-override"} & set(heard)
    assert headers["X-Cardinal-Decision"] is None  # the model server forged one
    assert (decision.network, decision.payload_bytes, decision.method) == (CALLER, None, "POST")
    assert decision.request_id == heard["x-request-id"] == "from-the-caller-1"

    told = [
        ("", {}, 401, "token_missing"),
        (slow.text, {}, 429, "token_rate"),
        (served.secret, {"method": "GET"}, 405, "method_refused"),
    ]
    for token, more, expected, reason in told:
        status, headers, body = front.post(path, token, **more)
        problem = json.loads(body) if body else {"code": reason}
        assert (status, headers["X-Cardinal-Reason"], problem["code"]) == (expected, reason, reason)
        assert headers["Cache-Control"] == "no-store"
        assert (headers["Retry-After"] is not None) == (status == 429)
        assert (headers["WWW-Authenticate"] is not None) == (status == 401)
    elsewhere = front.post(path + "?a=b", served.secret)
    assert (elsewhere[0], elsewhere[1]["X-Cardinal-Reason"]) == (400, "path_refused")
    assert scoring.seen == []


@pytest.mark.django_db(transaction=True)
def test_what_traefik_routes_and_what_the_gate_judges_is_the_same(
    front: Front, served: Served, scoring: Any
) -> None:
    served_path = f"/models/{served.slug}/versions/1/invocations"
    allowed: list[str] = []
    for plain in confusing(served.slug):
        path = plain if "versions" in plain else plain.replace("/invocations", "/versions/1/invocations")
        line = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {served.secret}\r\nContent-Length: 2\r\n"
        answer = front.raw(line.encode("latin-1") + b"Connection: close\r\n\r\n{}")
        if answer.startswith(b"HTTP/1.1 200"):  # Traefik has normalised it for itself and for the gate alike
            allowed.append(path)
            assert [seen[0] for seen in scoring.seen] == ["/invocations"], path
            scoring.seen.clear()
        else:
            assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3")), (path, answer[:80])
            assert scoring.seen == [], path
    decisions = Decision.objects.filter(allowed=True)
    assert set(decisions.values_list("model", "version")) <= {(served.slug, 1)}
    assert decisions.count() == len(allowed)
    assert front.post(served_path, served.secret)[0] == 200


def test_without_an_answer_of_the_gate_nobody_passes(tmp_path: Path) -> None:
    for turned in without_an_answer(traefik, tmp_path, "/models/m/versions/1/invocations"):
        assert turned.status in (500, 503), turned.way
        assert turned.reached == [], turned.way


def test_the_gate_hears_these_headers_and_no_body(tmp_path: Path) -> None:
    with (
        Recorder(**SAID) as gate,
        Recorder() as model,
        in_front(traefik, tmp_path, gate.port, "m", model.port) as front,
    ):
        more = {"X-Request-ID": "from-the-caller-1", "X-Other": "x"}
        front.post("/models/m/versions/1/invocations?a=%62", "t", b"body", **more)

    assert gate.lines() == [
        "GET /check HTTP/1.1",
        "accept-encoding: gzip",
        "authorization: Bearer t",
        f"host: 127.0.0.1:{gate.port}",
        "user-agent: Go-http-client/1.1",
        f"x-forwarded-for: {CALLER}",
        f"x-forwarded-host: 127.0.0.1:{front.port}",
        "x-forwarded-method: POST",
        f"x-forwarded-port: {front.port}",
        "x-forwarded-proto: http",
        "x-forwarded-uri: /models/m/versions/1/invocations?a=%62",
        "x-request-id: from-the-caller-1",
    ]
    assert gate.heard[-1].endswith(b"\r\n\r\n")


def test_the_page_shows_the_configuration_that_runs_here() -> None:
    assert shown_on_its_page("traefik", "yaml", "traefik.yaml", "cardinal.yaml")
