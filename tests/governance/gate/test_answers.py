"""The gate as callers see it: a running process, real rows, a model server behind it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from governance.actions import clearances, policies
from governance.actions import tokens as token_verbs
from governance.gate.merkle import root
from governance.gate.record import FIELDS, record_digest
from governance.models import Batch, Decision
from governance.scopes import Scope
from registry.actions import catalogue, roles
from registry.models import User
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, stored

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_role_ends_at_the_gate_at_its_second(gate: Running, served: Served) -> None:
    """The policy lets owners in; the account is one for a moment, and nothing runs when that is over."""
    scorer = User.objects.create(username="scorer", kind=User.Kind.SERVICE)
    until = timezone.now() + timedelta(seconds=3)
    roles.give(user=scorer, role="owner", reason="A trial.", until=until, by=User.machine())
    factories.share(served.version.model, scorer)  # what is left to it when the role is over
    _, secret = factories.token(served.version.model, owner=scorer)
    assert gate.check(served.path, secret.text).status_code == 200

    time.sleep(max(0.0, (until - timezone.now()).total_seconds()) + 0.1)

    assert code(gate.check(served.path, secret.text)) == "policy_does_not_allow"


def test_each_way_to_be_denied_names_itself(gate: Running, served: Served) -> None:
    path = served.path
    _, secret = factories.token(factories.model())
    _, staging_secret = factories.token(served.version.model, environment="staging")
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
        name="short", owner=factories.member("owner"), models=[served.version.model], scope=Scope(actions=("predict",)),
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

    traefik = gate.client.get(
        "/check", headers=bearer | {"X-Forwarded-Uri": served.path, "X-Forwarded-Method": "POST"}
    )
    envoy = gate.client.post(f"/check{served.path}", headers=bearer, content=b"")

    assert (traefik.status_code, envoy.status_code) == (200, 200)


def test_queries_that_come_at_once_are_committed_together(gate: Running, served: Served) -> None:
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: gate.check(served.path, served.secret), range(200)))

    ids = {answer.headers["x-cardinal-decision"] for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(ids) == 200
    assert Decision.objects.filter(pk__in=ids).count() == 200
    assert Batch.objects.count() < 200
    assert sum(Batch.objects.values_list("count", flat=True)) == Decision.objects.count()


def test_a_token_revoked_in_the_middle_of_a_crowd_lets_nobody_in_afterwards(
    gate: Running, served: Served
) -> None:
    revoked = Event()

    def ask(_: int) -> tuple[bool, int]:
        late = revoked.is_set()
        return late, gate.check(served.path, served.secret).status_code

    with ThreadPoolExecutor(16) as crowd:
        asked = [crowd.submit(ask, n) for n in range(200)]
        token_verbs.revoke(token=served.token, by=factories.member("owner"))
        revoked.set()
        asked += [crowd.submit(ask, n) for n in range(50)]
        found = [one.result() for one in asked]

    assert (False, 200) in found, "it worked before"
    assert {status for late, status in found if late} == {401}
    assert {status for _, status in found} == {200, 401}


def test_health_and_metrics(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)

    assert gate.client.get("/healthz").text == "ok\n"
    assert gate.client.get("/readyz").status_code == 200
    metrics = gate.client.get("/metrics").text
    assert 'door="check",reason="allowed"' in metrics
    assert "cardinal_gate_decision_seconds_bucket" in metrics
    assert "cardinal_gate_batch_decisions_sum" in metrics
