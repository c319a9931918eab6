"""The gate as callers see it: a running process, real rows, a model server behind it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from governance.actions import clearances, policies
from governance.actions import tokens as token_verbs
from governance.gate.journal import FIELDS, record_digest
from governance.gate.merkle import root
from governance.models import Batch, Decision
from registry.actions import catalogue
from registry.models import Endpoint
from tests import factories
from tests.governance.gate.conftest import Running, Served

pytestmark = pytest.mark.django_db(transaction=True)


def code(response: httpx.Response) -> str:
    """The reason in body and header, which are the same."""
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-cardinal-reason"] == problem["code"]
    assert response.status_code == problem["status"]
    return str(problem["code"])


def stored(response: httpx.Response) -> Decision:
    return Decision.objects.get(pk=response.headers["x-cardinal-decision"])


def test_an_allowed_query_is_told_its_decision_and_its_version(gate: Running, served: Served) -> None:
    response = gate.check(served.path, served.secret)

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-cardinal-model"] == served.slug
    assert response.headers["x-cardinal-version"] == "1"
    decision = stored(response)
    assert (decision.allowed, decision.reason, decision.door) == (True, "allowed", "check")
    assert (decision.model, decision.version, decision.environment) == (served.slug, 1, "production")
    assert (decision.caller, decision.token, decision.method) == ("owner", str(served.token.pk), "POST")
    assert decision.request_id == response.headers["x-request-id"]


def test_what_is_stored_can_be_computed_again(gate: Running, served: Served) -> None:
    decision = stored(gate.check(served.path, served.secret))

    fields = {name: getattr(decision, "batch_id" if name == "batch" else name) for name in FIELDS}
    assert decision.digest == record_digest(fields)
    batch = Batch.objects.get(pk=decision.batch_id)
    assert (batch.count, batch.allowed) == (1, 1)
    assert batch.root == root([bytes.fromhex(decision.digest)]).hex()
    assert abs(decision.decided_at - timezone.now()) < timedelta(seconds=10)


def test_each_way_to_be_denied_names_itself(gate: Running, served: Served) -> None:
    path = served.path
    other, secret = factories.token(factories.model())
    staging, staging_secret = factories.token(served.version.model, environment="staging")
    model = served.version.model

    assert code(gate.check(path)) == "token_missing"
    assert code(gate.check(path, "nonsense")) == "token_malformed"
    assert code(gate.check(path, secret.text)) == "scope_model"
    assert code(gate.check(path, staging_secret.text)) == "no_policy"
    assert code(gate.check(f"/models/{served.slug}@next/invocations", served.secret)) == "version_unknown"
    assert (
        code(gate.check(f"/models/{served.slug}/versions/9/invocations", served.secret)) == "version_unknown"
    )

    policies.publish(
        model=model, environment="production", content=factories.rules("user:owner", effect="deny"), on_top_of=1,
        by=factories.member("owner"),
    )  # fmt: skip
    assert code(gate.check(path, served.secret)) == "policy_denies"
    factories.policy(model, "group:compliance", on_top_of=2)
    assert code(gate.check(path, served.secret)) == "policy_does_not_allow"
    factories.policy(model, "user:owner", on_top_of=3)
    assert gate.check(path, served.secret).status_code == 200

    clearances.suspend(version=served.version, reason="Complaints.", by=factories.member("compliance"))
    refused = gate.check(path, served.secret)
    assert code(refused) == "not_cleared"
    assert refused.json()["reasons"] == ["suspended"]
    assert refused.headers["x-cardinal-reasons"] == "suspended"
    clearances.lift(version=served.version, reason="Settled.", by=factories.member("compliance"))
    assert gate.check(path, served.secret).status_code == 200

    catalogue.move_aliases(model=model, aliases={}, by=factories.member("admin"))
    assert code(gate.check(path, served.secret)) == "version_not_named"
    assert gate.check(f"/models/{served.slug}/versions/1/invocations", served.secret).status_code == 200


def test_a_revoked_token_is_refused_with_the_next_query(gate: Running, served: Served) -> None:
    assert gate.check(served.path, served.secret).status_code == 200

    token_verbs.revoke(token=served.token, by=factories.member("owner"))

    refused = gate.check(served.path, served.secret)
    assert code(refused) == "token_revoked"
    assert refused.status_code == 401
    assert stored(refused).token == str(served.token.pk)


def test_an_account_that_is_switched_off_is_refused_with_the_next_query(
    gate: Running, served: Served
) -> None:
    owner = factories.member("owner")
    owner.is_active = False
    owner.save()

    assert code(gate.check(served.path, served.secret)) == "caller_inactive"


def test_a_token_expires_by_the_clock_of_the_database(gate: Running, served: Served) -> None:
    token, secret = token_verbs.issue(
        name="short", owner=factories.member("owner"), models=[served.version.model], actions=["predict"],
        environment="production", expires_at=timezone.now() + timedelta(seconds=1.5), by=factories.member("owner"),
    )  # fmt: skip
    assert gate.check(served.path, secret.text).status_code == 200

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_sleep(GREATEST(0, extract(epoch FROM %s - clock_timestamp())))", [token.expires_at]
        )

    assert code(gate.check(served.path, secret.text)) == "token_expired"


def test_a_version_that_nobody_approved_is_refused_with_what_is_missing(
    gate: Running, served: Served
) -> None:
    factories.version(model=served.version.model, number=2)

    refused = gate.check(f"/models/{served.slug}/versions/2/invocations", served.secret)

    assert code(refused) == "not_cleared"
    assert set(refused.json()["reasons"]) == {"datasheet_missing", "card_missing"}
    assert stored(refused).version == 2


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


def test_statuses_and_challenges_are_those_of_rfc_6750(gate: Running, served: Served) -> None:
    _, elsewhere = factories.token(factories.model())

    missing = gate.predict(served.path)
    malformed = gate.predict(served.path, "nonsense")
    outside = gate.predict(served.path, elsewhere.text)

    assert (missing.status_code, missing.headers["www-authenticate"]) == (401, 'Bearer realm="cardinal"')
    assert malformed.headers["www-authenticate"] == 'Bearer realm="cardinal", error="invalid_token"'
    assert outside.status_code == 403
    assert (
        outside.headers["www-authenticate"]
        == 'Bearer realm="cardinal", error="insufficient_scope", scope="predict"'
    )


def test_the_decision_point_answers_only_what_proxies_understand(gate: Running, served: Served) -> None:
    asked = [
        gate.check("/models/../x", served.secret),
        gate.check(served.path, served.secret, **{"X-Original-Method": "GET"}),
        gate.check(f"/models/{served.slug}@none/invocations", served.secret),
        httpx.get(
            f"{gate.url}/check", headers={"X-Forwarded-Uri": served.path, "X-Original-URI": served.path}
        ),
    ]

    assert [(r.status_code, code(r)) for r in asked] == [
        (403, "path_refused"),
        (403, "method_refused"),
        (403, "version_unknown"),
        (403, "headers_refused"),
    ]


def test_traefik_and_envoy_ask_in_their_own_way(gate: Running, served: Served) -> None:
    bearer = {"Authorization": f"Bearer {served.secret}"}

    traefik = httpx.get(
        f"{gate.url}/check", headers=bearer | {"X-Forwarded-Uri": served.path, "X-Forwarded-Method": "POST"}
    )
    envoy = httpx.post(f"{gate.url}/check{served.path}", headers=bearer, content=b"")

    assert (traefik.status_code, envoy.status_code) == (200, 200)


def test_a_query_reaches_the_model_server_without_the_callers_secrets(
    gate: Running, served: Served, scoring: Any
) -> None:
    response = gate.predict(
        served.path, served.secret, b'{"inputs": [[1]]}',
        **{"Cookie": "session=1", "X-Forwarded-For": "1.2.3.4", "X-HTTP-Method-Override": "DELETE",
           "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-ID": "abcdefgh-1"},
    )  # fmt: skip

    assert (response.status_code, response.json()) == (200, {"predictions": [1]})
    path, headers, body = scoring.seen[0]
    assert (path, body) == ("/invocations", b'{"inputs": [[1]]}')
    assert served.secret not in json.dumps(headers)
    names = {name.lower() for name in headers}
    assert names == {
        "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "traceparent",
        "x-request-id", "connection",
    }  # fmt: skip
    assert headers["x-request-id"] == response.headers["x-request-id"] == "abcdefgh-1"
    assert "set-cookie" not in response.headers
    assert "x-internal" not in response.headers
    assert response.headers["x-cardinal-decision"] != "forged"
    assert stored(response).door == "proxy"


def test_a_denied_query_never_reaches_the_model_server(gate: Running, served: Served, scoring: Any) -> None:
    gate.predict(served.path)
    gate.predict(f"/models/{served.slug}/versions/7/invocations", served.secret)

    assert scoring.seen == []


def test_bodies_are_streamed_up_to_the_limit(gate: Running, served: Served, scoring: Any) -> None:
    def chunks(size: int) -> Any:
        return (b"x" * 1000 for _ in range(size))

    bearer = {"Authorization": f"Bearer {served.secret}"}

    fits = httpx.post(gate.url + served.path, content=chunks(150), headers=bearer)
    said = gate.predict(served.path, served.secret, b"x" * 200_001)
    grown = httpx.post(gate.url + served.path, content=chunks(250), headers=bearer)

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
        httpx.post(
            gate.url + served.path,
            content=b"slow",
            headers={"Authorization": f"Bearer {served.secret}"},
            timeout=0.4,
        )

    deadline = time.monotonic() + 1.5  # well before the gate's own patience with the model server ends
    while 'outcome="caller_gone"' not in httpx.get(f"{gate.url}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_queries_that_come_at_once_are_committed_together(gate: Running, served: Served) -> None:
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: gate.check(served.path, served.secret), range(200)))

    ids = {answer.headers["x-cardinal-decision"] for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(ids) == 200
    assert Decision.objects.filter(pk__in=ids).count() == 200
    assert Batch.objects.count() < 200
    assert sum(Batch.objects.values_list("count", flat=True)) == Decision.objects.count()


HOSTILE = [
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nX: y\r\n Authorization: Bearer {token}\r\nContent-Length: 0\r\n",
    b"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
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


def test_health_and_metrics(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)

    assert httpx.get(f"{gate.url}/healthz").text == "ok\n"
    assert httpx.get(f"{gate.url}/readyz").status_code == 200
    metrics = httpx.get(f"{gate.url}/metrics").text
    assert 'door="check",reason="allowed"' in metrics
    assert "cardinal_gate_decision_seconds_bucket" in metrics
    assert "cardinal_gate_batch_decisions_sum" in metrics
