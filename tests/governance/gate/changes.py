"""Every change that a decision depends on, by its verb and, where one may, past every verb: the table of what is seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from governance.actions import accounts, clearances, glass, policies, service_accounts, token_lives
from governance.actions import tokens as verbs
from governance.models import Clearance, PolicyVersion
from registry.actions import catalogue, roles, systems, teams
from registry.models import Environment, Model, RoleGrant, User
from tests import factories
from tests.governance.gate.stand import OTHER, Case, Stand, role, served, sql

CHANGES: dict[str, Callable[[Stand], Case]] = {}
PRODUCTION = Environment.PRODUCTION
NOT_ALLOWED = "policy_does_not_allow"


def change(make: Callable[[Stand], Case]) -> Callable[[Stand], Case]:
    """A row of the table."""
    CHANGES[make.__name__] = make
    return make


# The token


@change
def token_revoked(stand: Stand) -> Case:
    token, ask = stand.token()
    return Case(ask, "1", "token_revoked", lambda: verbs.revoke(token=token, by=stand.owner))


@change
def token_revoked_by_sql(stand: Stand) -> Case:
    token, ask = stand.token()
    end = sql(
        "UPDATE governance_token SET revoked_at = now(), revoked_by_id = owner_id, ended_as = 'revoked' WHERE id = %s",
        token.pk,
    )
    return Case(ask, "1", "token_revoked", end)


@change
def token_replaced_at_once(stand: Stand) -> Case:
    token, ask = stand.token()
    replace = lambda: verbs.rotate(token=token, overlap=timedelta(0), by=stand.owner)  # noqa: E731
    return Case(ask, "1", "token_expired", replace)


@change
def token_countersigned(stand: Stand) -> Case:
    token, ask = _waiting(stand)
    by = factories.member("owner", "colleague")
    return Case(ask, "token_waiting", OTHER, lambda: verbs.countersign(token=token, by=by))


@change
def token_countersigned_by_sql(stand: Stand) -> Case:
    token, ask = _waiting(stand)
    by = factories.member("owner", "colleague")
    sign = sql(
        "UPDATE governance_token SET countersigned_at = now(), countersigned_by_id = %s WHERE id = %s",
        by.pk, token.pk,
    )  # fmt: skip
    return Case(ask, "token_waiting", OTHER, sign)


@change
def token_life_tightened(stand: Stand) -> Case:
    _, ask = _old(stand)
    decide = lambda: token_lives.decide(  # noqa: E731
        risk_class="minimal", days=2, rationale="Policy 9.", by=factories.member("compliance")
    )
    return Case(ask, "1", "token_outlived", decide)


@change
def token_life_tightened_by_sql(stand: Stand) -> Case:
    """For models of no system, which nobody has decided about."""
    model, ask = _old(stand)
    systems.remove_model(system=model.systems.get(), model=model, by=stand.owner)
    decide = sql(
        "INSERT INTO governance_tokenlife (risk_class, days, rationale, by_id, decided_at)"
        " VALUES ('undecided', 2, 'x', %s, now())",
        stand.boss.pk,
    )
    return Case(ask, "not_cleared", "token_outlived", decide)


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


# Who asks


@change
def team_member_removed(stand: Stand) -> Case:
    team, ask, user = _team(stand, "team_member_removed")
    return Case(
        ask,
        "1",
        "scope_model",
        lambda: teams.remove(team=team, user=user, by=stand.boss),
        lambda: teams.add(team=team, user=user, by=stand.boss),
    )


@change
def team_member_removed_by_sql(stand: Stand) -> Case:
    _, ask, user = _team(stand, "team_member_removed_by_sql")
    leave = sql(
        "UPDATE registry_teammember SET ended_at = now(), ended_by_id = %s WHERE user_id = %s",
        stand.boss.pk,
        user.pk,
    )
    return Case(ask, "1", "scope_model", leave)


@change
def team_archived(stand: Stand) -> Case:
    team, ask, _ = _team(stand, "team_archived")
    return Case(ask, "1", "scope_model", lambda: teams.archive(team=team, reason="Over.", by=stand.boss))


@change
def role_taken(stand: Stand) -> Case:
    user, ask = _somebody(stand, "leaver")
    grant = RoleGrant.objects.standing().get(user=user)
    return Case(ask, "1", "scope_model", lambda: roles.take(grant=grant, by=stand.boss))


@change
def groups_cleared_by_sql(stand: Stand) -> Case:
    user, ask = _somebody(stand, "cleared")
    return Case(ask, "1", "scope_model", sql("DELETE FROM registry_user_groups WHERE user_id = %s", user.pk))


@change
def model_unshared_and_shared(stand: Stand) -> Case:
    _, ask = stand.token()
    of = {"model": stand.model, "audience": role("owner"), "by": stand.boss}
    return Case(
        ask,
        "1",
        "scope_model",
        lambda: catalogue.unshare_model(**of),
        lambda: catalogue.share_model(**of),
    )


@change
def model_unshared_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    return Case(
        ask,
        "1",
        "scope_model",
        sql("DELETE FROM registry_modelgroupobjectpermission WHERE content_object_id = %s", stand.model.pk),
        lambda: catalogue.share_model(model=stand.model, audience=role("owner"), by=stand.boss),
    )


@change
def account_switched_off(stand: Stand) -> Case:
    user, ask = _somebody(stand, "gone")
    off = lambda: accounts.switch_off(account=user, reason="Left.", by=stand.boss)  # noqa: E731
    return Case(ask, "1", "token_revoked", off)


@change
def account_switched_off_by_sql(stand: Stand) -> Case:
    user, ask = _somebody(stand, "off")
    set_to = "UPDATE registry_user SET is_active = %s WHERE id = %s"
    return Case(ask, "1", "caller_inactive", sql(set_to, False, user.pk), sql(set_to, True, user.pk))


@change
def account_renamed_by_sql(stand: Stand) -> Case:
    """A policy names people by their account."""
    version = served()
    user = factories.member("owner", "maiden")
    factories.policy(version.model, "user:maiden", on_top_of=1)
    _, secret = factories.token(version.model, owner=user, by=user)
    set_to = "UPDATE registry_user SET username = %s WHERE id = %s"
    return Case(
        stand.asks(secret.text, model=version.model),
        "1",
        NOT_ALLOWED,
        sql(set_to, "married", user.pk),
        sql(set_to, "maiden", user.pk),
    )


@change
def sponsor_switched_off_and_another_named(stand: Stand) -> Case:
    sponsor = factories.member("owner", "sponsor")
    bot = service_accounts.make(name="bot", sponsor=sponsor, purpose="Scores.", by=stand.boss)
    factories.share(stand.model, bot.account)
    stand.publish("group:owner", "user:bot")
    _, secret = factories.token(stand.model, owner=bot.account)
    return Case(
        stand.asks(secret.text),
        "1",
        "sponsor_inactive",
        sql("UPDATE registry_user SET is_active = false WHERE id = %s", sponsor.pk),
        lambda: service_accounts.pass_on(account=bot, sponsor=stand.owner, by=stand.boss),
    )


# Where to


@change
def alias_moved(stand: Stand) -> Case:
    _, ask = stand.token()
    move = lambda number: catalogue.move_aliases(  # noqa: E731
        model=stand.model, aliases={"champion": number}, by=stand.boss
    )
    return Case(ask, "1", "2", lambda: move(2), lambda: move(1))


@change
def alias_moved_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    one, two = (
        sql(
            "UPDATE registry_alias SET version_id = %s WHERE model_id = %s AND name = 'champion'",
            version.pk, stand.model.pk,
        )
        for version in stand.versions
    )  # fmt: skip
    return Case(ask, "1", "2", two, one)


@change
def alias_taken_away_by_sql(stand: Stand) -> Case:
    _, ask = stand.token()
    return Case(
        ask,
        "1",
        "version_not_named",
        sql("DELETE FROM registry_alias WHERE model_id = %s", stand.model.pk),
        lambda: catalogue.move_aliases(model=stand.model, aliases={"champion": 1}, by=stand.boss),
    )


@change
def endpoint_moved(stand: Stand) -> Case:
    _, secret = factories.token(stand.model)
    set_to = lambda url: catalogue.set_endpoint(  # noqa: E731
        version=stand.versions[0], environment=PRODUCTION, url=url, by=stand.boss
    )
    one, two = stand.upstreams
    return Case(
        stand.asks(secret.text, door="proxy"), "1 one", "1 two", lambda: set_to(two), lambda: set_to(one)
    )


@change
def endpoint_moved_by_sql(stand: Stand) -> Case:
    _, secret = factories.token(stand.model)
    one, two = (
        sql("UPDATE registry_endpoint SET url = %s WHERE version_id = %s", url, stand.versions[0].pk)
        for url in stand.upstreams
    )
    return Case(stand.asks(secret.text, door="proxy"), "1 one", "1 two", two, one)


@change
def endpoint_removed(stand: Stand) -> Case:
    _, secret = factories.token(stand.model)
    of: dict[str, Any] = {"version": stand.versions[0], "environment": PRODUCTION, "by": stand.boss}
    return Case(
        stand.asks(secret.text, door="proxy"),
        "1 one",
        "no_endpoint",
        lambda: catalogue.remove_endpoint(**of),
        lambda: catalogue.set_endpoint(**of, url=stand.upstreams[0]),
    )


@change
def tag_taken_away_by_sql(stand: Stand) -> Case:
    Model.objects.filter(pk=stand.model.pk).update(tags={"team": "credit"})
    _, secret = factories.token(tag=("team", "credit"))
    set_to = "UPDATE registry_model SET tags = %s::jsonb WHERE id = %s"
    return Case(
        stand.asks(secret.text),
        "1",
        "scope_model",
        sql(set_to, "{}", stand.model.pk),
        sql(set_to, '{"team": "credit"}', stand.model.pk),
    )


@change
def version_registered(stand: Stand) -> Case:
    """What was unknown is known: also a no may not be kept for long."""
    number = stand.model.versions.count() + 1
    _, secret = factories.token(stand.model)
    ask = stand.asks(secret.text, where=f"/versions/{number}")
    return Case(
        ask,
        "version_unknown",
        "not_cleared",
        lambda: factories.version(model=stand.model, number=number),
    )


def _risky(stand: Stand) -> Model:
    """A model of high risk."""
    return stand.once("risky", lambda: served(risk_class="high").model)


def _waiting(stand: Stand) -> tuple[Any, bytes]:
    """A token that waits for its second person, and what is asked with it."""
    token, secret = factories.token(_risky(stand))
    return token, stand.asks(secret.text, model=_risky(stand))


def _old(stand: Stand) -> tuple[Model, bytes]:
    """What is asked with a token that is three days old, of a model of minimal risk."""
    model = stand.once("minimal", lambda: served(risk_class="minimal").model)
    token, secret = factories.token(model, days=1)
    sql("ALTER TABLE governance_token DISABLE TRIGGER token_course")()
    sql("UPDATE governance_token SET issued_at = issued_at - interval '3 days' WHERE id = %s", token.pk)()
    sql("ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course")()
    return model, stand.asks(secret.text, model=model)


def _somebody(stand: Stand, name: str) -> tuple[User, bytes]:
    """Another owner, and what they ask."""
    user = factories.member("owner", name)
    _, secret = factories.token(stand.model, owner=user, by=user)
    return user, stand.asks(secret.text)


def _team(stand: Stand, name: str) -> tuple[Any, bytes, User]:
    """A team with one member, which alone sees a model, and what that member asks."""
    model = stand.once("shy", lambda: served().model)
    user = factories.member("owner", name)
    team = factories.team(user)
    factories.share(model, team.group)
    stand.once("hidden", lambda: [_hide(stand, model, one) for one in ("owner", "reviewer")])
    _, secret = factories.token(model, owner=user, by=user)
    return team, stand.asks(secret.text, model=model), user


def _hide(stand: Stand, model: Model, name: str) -> Model:
    return catalogue.unshare_model(model=model, audience=role(name), by=stand.boss)
