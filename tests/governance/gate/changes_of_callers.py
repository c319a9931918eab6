"""What becomes of who asks, of the way to a model, and of where it answers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission

from governance.actions import accounts, service_accounts
from registry.actions import catalogue, roles, teams
from registry.models import Environment, Model, RoleGrant, User
from tests import factories
from tests.governance.gate.stand import Case, Stand, change, role, served, sql

PRODUCTION = Environment.PRODUCTION
NOT_ALLOWED = "policy_does_not_allow"

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
def role_loses_a_permission_by_sql(stand: Stand) -> Case:
    """A role may see all models, until its group may not any more."""
    model = stand.once("hidden", lambda: _unseen(stand))
    of = (
        Permission.objects.get(codename="view_model", content_type__app_label="registry").pk,
        role("owner").pk,
    )
    sql("INSERT INTO auth_group_permissions (permission_id, group_id) VALUES (%s, %s)", *of)()
    user = factories.member("owner", "lookout")
    _, secret = factories.token(model, owner=user, by=user)
    end = sql("DELETE FROM auth_group_permissions WHERE permission_id = %s AND group_id = %s", *of)
    return Case(stand.asks(secret.text, model=model), "1", "scope_model", end)


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


def _somebody(stand: Stand, name: str) -> tuple[User, bytes]:
    """Another owner, and what they ask."""
    user = factories.member("owner", name)
    _, secret = factories.token(stand.model, owner=user, by=user)
    return user, stand.asks(secret.text)


def _team(stand: Stand, name: str) -> tuple[Any, bytes, User]:
    """A team with one member, which alone sees a model, and what that member asks."""
    model = stand.once("hidden", lambda: _unseen(stand))
    user = factories.member("owner", name)
    team = factories.team(user)
    factories.share(model, team.group)
    _, secret = factories.token(model, owner=user, by=user)
    return team, stand.asks(secret.text, model=model), user


def _unseen(stand: Stand) -> Model:
    """A model that no role sees any more."""
    model = served().model
    for one in ("owner", "reviewer"):
        catalogue.unshare_model(model=model, audience=role(one), by=stand.boss)
    return model
