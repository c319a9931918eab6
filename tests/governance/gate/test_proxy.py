"""An allowed query reaches the model server, and nothing else does."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from registry.actions import catalogue
from registry.models import Endpoint
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, stored

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_alias_decides_which_version_answers(gate: Running, served: Served, scoring: Any) -> None:
    second = factories.version(model=served.version.model, number=2)
    catalogue.set_endpoint(
        version=second, environment="production", url=f"{scoring.url}/second", by=factories.member("admin")
    )
    catalogue.move_aliases(
        model=served.version.model, aliases={"champion": 1, "next": 2}, by=factories.member("admin")
    )

    assert code(gate.predict(f"/models/{served.slug}@next/invocations", served.secret)) == "not_cleared"
    factories.approved_version(second)
    allowed = gate.predict(f"/models/{served.slug}@next/invocations", served.secret)

    assert allowed.headers["x-cardinal-version"] == "2"
    assert scoring.seen[-1][0] == "/second/invocations"


def test_a_query_reaches_the_model_server_without_the_callers_secrets(
    gate: Running, served: Served, scoring: Any
) -> None:
    response = gate.predict(
        served.path, served.secret, b'{"inputs": [[1]]}',
        **{"Cookie": "session=1", "X-Forwarded-For": "1.2.3.4",
           "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-ID": "abcdefgh-1"},
    )  # fmt: skip

    assert (response.status_code, response.json()) == (200, {"predictions": [1]})
    path, headers, body = scoring.seen[0]
    assert (path, body) == ("/invocations", b'{"inputs": [[1]]}')
    assert served.secret not in json.dumps(headers)
    names = {name.lower() for name in headers}
    assert names == {
        "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "traceparent",
        "x-request-id",
    }  # fmt: skip
    assert headers["x-request-id"] == response.headers["x-request-id"] == "abcdefgh-1"
    assert "set-cookie" not in response.headers
    assert "x-internal" not in response.headers
    assert response.headers["x-cardinal-decision"] != "forged"
    assert stored(response).door == "proxy"


def test_a_cookie_of_the_model_server_comes_back_with_nobodys_query(
    gate: Running, served: Served, scoring: Any
) -> None:
    for _ in range(2):
        assert gate.predict(served.path, served.secret, b"{}").status_code == 200

    assert len(scoring.seen) == 2
    assert not [headers for _, headers, _ in scoring.seen if "cookie" in {name.lower() for name in headers}]


def test_a_denied_query_never_reaches_the_model_server(gate: Running, served: Served, scoring: Any) -> None:
    gate.predict(served.path)
    gate.predict(f"/models/{served.slug}/versions/7/invocations", served.secret)

    assert scoring.seen == []


def test_bodies_are_streamed_up_to_the_limit(gate: Running, served: Served, scoring: Any) -> None:
    def chunks(size: int) -> Any:
        return (b"x" * 1000 for _ in range(size))

    bearer = {"Authorization": f"Bearer {served.secret}"}

    fits = gate.client.post(served.path, content=chunks(150), headers=bearer)
    said = gate.predict(served.path, served.secret, b"x" * 200_001)
    grown = gate.client.post(served.path, content=chunks(250), headers=bearer)

    assert fits.status_code == 200
    assert len(scoring.seen[0][2]) == 150_000
    assert (said.status_code, code(said)) == (413, "too_large")
    assert not stored(said).allowed
    assert (grown.status_code, code(grown)) == (413, "too_large")
    assert len(scoring.seen) == 1


def test_a_model_server_that_is_away_or_slow_is_told_apart(gate: Running, served: Served) -> None:
    slow = gate.predict(served.path, served.secret, b"slow")
    Endpoint.objects.update(url="http://127.0.0.1:9")
    away = gate.predict(served.path, served.secret)
    Endpoint.objects.all().delete()
    nowhere = gate.predict(served.path, served.secret)

    assert (slow.status_code, code(slow)) == (504, "upstream_timed_out")
    assert (away.status_code, code(away)) == (502, "upstream_unreachable")
    assert stored(away).allowed  # the decision and what came of it are two things
    assert (nowhere.status_code, code(nowhere)) == (503, "no_endpoint")


def test_a_caller_who_hangs_up_ends_the_call_to_the_model_server(gate: Running, served: Served) -> None:
    with pytest.raises(httpx.ReadTimeout):
        gate.client.post(
            served.path,
            content=b"slow",
            headers={"Authorization": f"Bearer {served.secret}"},
            timeout=0.4,
        )

    deadline = time.monotonic() + 1.5  # well before the gate's own patience with the model server ends
    while 'outcome="caller_gone"' not in gate.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
