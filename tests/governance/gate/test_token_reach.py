"""A token shrinks with the next query: whatever its owner, its sponsor or its own limits no longer allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from governance.actions import accounts, policies, service_accounts, token_lives
from governance.actions import tokens as verbs
from governance.models import Token
from registry.actions import catalogue, teams
from registry.models import Model, User
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, stored

pytestmark = pytest.mark.django_db(transaction=True)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def unshared(served: Served) -> None:
    catalogue.unshare_model(
        model=served.version.model, audience=Group.objects.get(name="owner"), by=factories.member("admin")
    )


def unshared_by_sql(served: Served) -> None:
    sql(
        "DELETE FROM registry_modelgroupobjectpermission WHERE content_object_id = %s",
        served.version.model_id,
    )


def out_of_the_group(served: Served) -> None:
    factories.member("owner").groups.clear()


def out_of_the_group_by_sql(served: Served) -> None:
    sql("DELETE FROM registry_user_groups WHERE user_id = %s", served.token.owner_id)


def switched_off_by_sql(served: Served) -> None:
    sql("UPDATE registry_user SET is_active = false WHERE id = %s", served.token.owner_id)


@pytest.mark.parametrize(
    ("lost", "journalled", "told"),
    [
        (unshared, "scope_lost", "scope_model"),
        (unshared_by_sql, "scope_lost", "scope_model"),
        (out_of_the_group, "scope_lost", "scope_model"),
        (out_of_the_group_by_sql, "scope_lost", "scope_model"),
        (switched_off_by_sql, "caller_inactive", "caller_inactive"),
    ],
)
def test_lost_rights_count_with_the_next_query(
    gate: Running, served: Served, lost: Callable[[Served], None], journalled: str, told: str
) -> None:
    assert gate.check(served.path, served.secret).status_code == 200

    lost(served)

    refused = gate.check(served.path, served.secret)
    assert code(refused) == told
    assert stored(refused).reason == journalled


def test_who_leaves_a_team_or_whose_team_ends_loses_it_with_the_next_query(
    gate: Running, served: Served
) -> None:
    model, boss, owner = served.version.model, factories.member("admin"), factories.member("owner")
    team = factories.team(owner)
    factories.share(model, team.group)
    factories.policy(model, f"group:{team.handle}", on_top_of=1)
    for role in ("owner", "reviewer"):
        catalogue.unshare_model(model=model, audience=Group.objects.get(name=role), by=boss)
    assert gate.check(served.path, served.secret).status_code == 200

    teams.remove(team=team, user=owner, by=owner)
    assert stored(gate.check(served.path, served.secret)).reason == "scope_lost"
    teams.add(team=team, user=owner, by=boss)
    assert gate.check(served.path, served.secret).status_code == 200
    teams.archive(team=team, reason="Over.", by=boss)
    assert stored(gate.check(served.path, served.secret)).reason == "scope_lost"


def test_who_is_switched_off_on_the_page_is_out_with_the_next_query(gate: Running, served: Served) -> None:
    assert gate.check(served.path, served.secret).status_code == 200

    accounts.switch_off(
        account=factories.member("owner"), reason="Left.", successor=None, by=factories.member("admin")
    )

    assert gate.check(served.path, served.secret).status_code in (401, 403)


def test_a_service_account_reaches_what_its_sponsor_sees(gate: Running, served: Served) -> None:
    model = served.version.model
    sponsor = factories.member("owner", "sponsor")
    bot = service_accounts.make(name="bot", sponsor=sponsor, purpose="Scores.", by=factories.member("admin"))
    factories.share(model, bot.account)
    factories.policy(model, "user:bot", on_top_of=1)
    _, secret = factories.token(model, owner=bot.account)
    assert gate.check(served.path, secret.text).status_code == 200

    sponsor.groups.clear()
    assert stored(gate.check(served.path, secret.text)).reason == "scope_lost"
    User.objects.filter(pk=sponsor.pk).update(is_active=False)
    assert code(gate.check(served.path, secret.text)) == "sponsor_inactive"
    service_accounts.pass_on(account=bot, sponsor=factories.member("owner"), by=factories.member("admin"))
    assert gate.check(served.path, secret.text).status_code == 200


def test_a_high_risk_model_is_reached_when_a_second_person_has_signed(gate: Running, served: Served) -> None:
    factories.decide(served.version.model.systems.get(), "high")
    token, secret = factories.token(served.version.model)

    assert code(gate.check(served.path, secret.text)) == "token_waiting"
    assert code(gate.check(served.path, served.secret)) == "token_waiting"  # of before, by one person alone

    for one in (token, served.token):
        verbs.countersign(token=one, by=factories.member("owner", "colleague"))
    assert code(gate.check(served.path, secret.text)) != "token_waiting"
    assert code(gate.check(served.path, served.secret)) != "token_waiting"


def test_a_shorter_life_ends_what_is_older(gate: Running, served: Served) -> None:
    sql("ALTER TABLE governance_token DISABLE TRIGGER token_course")
    sql("UPDATE governance_token SET issued_at = issued_at - interval '3 days'")
    sql("ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course")
    assert gate.check(served.path, served.secret).status_code == 200

    token_lives.decide(risk_class="limited", days=2, rationale="Policy 9.", by=factories.member("compliance"))

    assert code(gate.check(served.path, served.secret)) == "token_outlived"


def test_a_tag_is_matched_when_the_query_comes(gate: Running, served: Served) -> None:
    _, secret = factories.token(tag=("team", "credit"))
    assert code(gate.check(served.path, secret.text)) == "scope_model"

    Model.objects.filter(pk=served.version.model_id).update(tags={"team": "credit"})
    assert gate.check(served.path, secret.text).status_code == 200
    unshared(served)
    assert stored(gate.check(served.path, secret.text)).reason == "scope_lost"


def test_versions_and_aliases_are_those_of_the_scope(gate: Running, served: Served) -> None:
    model = served.version.model
    _, second = factories.token(model, versions=(2,))
    _, champion = factories.token(model, alias="champion")
    numbered = f"/models/{served.slug}/versions/1/invocations"

    assert code(gate.check(numbered, second.text)) == "scope_version"
    assert gate.check(numbered, champion.text).status_code == 200
    catalogue.move_aliases(model=model, aliases={"next": 1}, by=factories.member("admin"))
    assert code(gate.check(numbered, champion.text)) == "scope_version"


def test_networks_and_purposes_are_those_of_the_scope(gate: Running, served: Served) -> None:
    model = served.version.model
    _, here = factories.token(model, networks=("127.0.0.0/8",))
    _, there = factories.token(model, networks=("192.0.2.0/24",))
    _, triage = factories.token(model, purpose="triage")

    assert gate.predict(served.path, here.text).status_code == 200
    assert code(gate.predict(served.path, there.text)) == "scope_network"
    assert (
        code(gate.check(served.path, here.text)) == "scope_network"
    )  # nobody who is trusted said from where
    assert gate.check(served.path, triage.text).status_code == 200
    assert code(gate.check(served.path, triage.text, **{"Cardinal-Purpose": "marketing"})) == "scope_purpose"


def test_the_purpose_of_a_token_counts_for_the_policy(gate: Running, served: Served) -> None:
    model = served.version.model
    content = factories.rules("group:owner")
    content["schema"] = "cardinal/policy/2"
    purpose = "something-true-about-intended-uses"  # of the approved card
    content["rules"][0]["purposes"] = [purpose]
    policies.publish(
        model=model, environment="production", content=content, on_top_of=1, by=factories.member("owner")
    )
    _, triage = factories.token(model, purpose=purpose)

    assert code(gate.check(served.path, served.secret)) == "policy_purpose"
    assert gate.check(served.path, triage.text).status_code == 200


def test_the_rate_and_the_quota_of_a_token_are_counted(gate: Running, served: Served) -> None:
    model = served.version.model
    _, slow = factories.token(model, limits={"rate": {"limit": 2, "per": "hour"}})
    _, few = factories.token(model, limits={"quota": {"limit": 1, "per": "day", "zone": "UTC"}})

    answers = [gate.check(served.path, slow.text) for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert stored(answers[2]).reason == "token_rate"
    assert gate.check(served.path, few.text).status_code == 200
    assert stored(gate.check(served.path, few.text)).reason == "token_quota"
    assert gate.check(served.path, served.secret).status_code == 200


def test_both_tokens_work_during_the_overlap_and_then_one(gate: Running, served: Served) -> None:
    _, secret = verbs.rotate(token=served.token, overlap=timedelta(seconds=1.5), by=factories.member("owner"))
    assert gate.check(served.path, served.secret).status_code == 200
    assert gate.check(served.path, secret.text).status_code == 200

    ends = Token.objects.get(pk=served.token.pk).overlap_ends_at
    sql("SELECT pg_sleep(GREATEST(0, extract(epoch FROM %s - clock_timestamp())))", ends)

    assert code(gate.check(served.path, served.secret)) == "token_expired"
    assert gate.check(served.path, secret.text).status_code == 200
