"""What becomes of a policy and of a clearance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from governance.actions import clearances, glass, policies
from governance.models import Clearance, PolicyVersion
from registry.actions import systems
from registry.models import Environment
from tests import factories
from tests.governance.gate.stand import OTHER, Case, Stand, change, served, sql

PRODUCTION = Environment.PRODUCTION
NOT_ALLOWED = "policy_does_not_allow"

# The policy


@change
def policy_published(stand: Stand) -> Case:
    _, ask = stand.token()
    return Case(
        ask,
        "1",
        "policy_denies",
        lambda: stand.publish("user:owner", effect="deny"),
        lambda: stand.publish("group:owner"),
    )


@change
def policy_put_back(stand: Stand) -> Case:
    _, ask = stand.token()
    allows = PolicyVersion.objects.filter(policy__model=stand.model).latest("number")
    denies = stand.publish("group:compliance")
    back = lambda: policies.put_back(version=allows, on_top_of=denies.number, by=stand.owner)  # noqa: E731
    return Case(ask, NOT_ALLOWED, "1", back)


@change
def policy_put_in_force_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    denies, allows = stand.publish("user:owner", effect="deny"), stand.publish("group:owner")
    return Case(ask, "1", "policy_denies", _in_force(denies, denies.pk), _in_force(denies, allows.pk))


@change
def policy_withdrawn_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    allows = stand.publish("group:owner")
    return Case(ask, "1", "no_policy", _in_force(allows, None), _in_force(allows, allows.pk))


def _in_force(one: PolicyVersion, pk: int | None) -> Callable[[], None]:
    return sql("UPDATE governance_policy SET in_force_id = %s WHERE id = %s", pk, one.policy_id)


# The clearance


@change
def clearance_suspended_and_lifted(stand: Stand) -> Case:
    _, ask = stand.token()
    of, by = stand.versions[0], factories.member("compliance")
    return Case(
        ask,
        "1",
        "not_cleared",
        lambda: clearances.suspend(version=of, reason="Complaints.", by=by),
        lambda: clearances.lift(version=of, reason="Settled.", by=by),
    )


@change
def clearance_ended_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    set_to = "UPDATE governance_clearance SET allowed = %s WHERE version_id = %s"
    of = stand.versions[0].pk
    return Case(ask, "1", "not_cleared", sql(set_to, False, of), sql(set_to, True, of))


@change
def clearance_ends_sooner_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    held = Clearance.objects.get(version=stand.versions[0], environment=PRODUCTION)
    set_to = "UPDATE governance_clearance SET valid_until = %s WHERE id = %s"
    past = held.assessed_at - timedelta(minutes=1)
    return Case(ask, "1", "not_cleared", sql(set_to, past, held.pk), sql(set_to, held.valid_until, held.pk))


@change
def risk_class_prohibited(stand: Stand) -> Case:
    version = served()
    _, secret = factories.token(version.model)
    decide = lambda: factories.decide(version.model.systems.get(), "prohibited")  # noqa: E731
    return Case(stand.asks(secret.text, model=version.model), "1", "token_waiting", decide)


@change
def risk_class_high_by_sql(stand: Stand) -> Case:
    version = served()
    _, secret = factories.token(version.model)
    decide = sql(
        "INSERT INTO governance_riskdecision (system_id, risk_class, rationale, by_id, decided_at)"
        " VALUES (%s, 'high', 'x', %s, now())",
        version.model.systems.get().pk, stand.boss.pk,
    )  # fmt: skip
    return Case(stand.asks(secret.text, model=version.model), "1", "token_waiting", decide)


@change
def system_retired(stand: Stand) -> Case:
    version = served()
    _, secret = factories.token(version.model)
    retire = lambda: systems.retire(  # noqa: E731
        system=version.model.systems.get(), reason="Over.", by=stand.owner
    )
    return Case(stand.asks(secret.text, model=version.model), "1", "not_cleared", retire)


@change
def system_retired_by_sql(stand: Stand) -> Case:
    """What remains is a model of no system, which needs no second person."""
    version = served()
    _, secret = factories.token(version.model)
    system = version.model.systems.get()
    factories.decide(system, "high")
    retire = sql(
        "UPDATE registry_system SET retired_at = now(), retired_because = 'x', edition = edition + 1 WHERE id = %s",
        system.pk,
    )
    return Case(stand.asks(secret.text, model=version.model), "token_waiting", OTHER, retire)


@change
def glass_broken_and_mended(stand: Stand) -> Case:
    of = factories.version(model=stand.model, number=stand.model.versions.count() + 1)
    _, secret = factories.token(stand.model)
    ask = stand.asks(secret.text, where=f"/versions/{of.number}")
    asked = glass.ask(
        version=of,
        environment=PRODUCTION,
        minutes=10,
        reason="Outage.",
        by=factories.member("owner", "asker"),
    )
    return Case(
        ask,
        "not_cleared",
        str(of.number),
        lambda: glass.grant(glass=asked, by=factories.member("compliance")),
        lambda: glass.end(glass=asked, by=factories.member("compliance")),
    )
