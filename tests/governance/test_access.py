"""Who can query a model, what somebody reaches, and why something was denied: exact, and told only to who may ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.access import reach
from governance.actions import policies as verbs
from governance.policies import ACTIONS, SCHEMA, Query, access, evaluate
from registry.actions import teams
from registry.models import Model, Team, User, Version, groups_of
from tests import factories
from tests.pages.stand import decision

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
API = "/api/v1"


@pytest.fixture
def version(db: None) -> Version:
    return factories.approved_version()


def account(name: str, *groups: str, service: bool = False, active: bool = True) -> User:
    kind = User.Kind.SERVICE if service else User.Kind.PERSON
    one = User.objects.create(username=name, kind=kind, is_active=active)
    for handle in groups:
        team = Team.objects.filter(slug=handle).first() or factories.team(name=handle)
        teams.add(team=team, user=one, by=factories.member("admin"))
    return one


def publish(model: Model, *rules: dict[str, Any], on_top_of: int = 0) -> None:
    verbs.publish(
        model=model, environment="production", content={"schema": SCHEMA, "rules": list(rules)}, on_top_of=on_top_of,
        by=factories.member("owner"),
    )  # fmt: skip


def rule(*subjects: str, effect: str = "allow", **parts: Any) -> dict[str, Any]:
    return {"effect": effect, "subjects": list(subjects), "actions": ["predict"]} | parts


def test_who_can_query_is_what_the_rules_say_of_each_account(version: Version) -> None:
    everybody = [
        account("anna", "team"), account("bert", "team", "guests"), account("carl"), account("dora", active=False),
        account("job", service=True), account("emil", "other"),
    ]  # fmt: skip
    for one in everybody:
        factories.share(version.model, one)
    account("zoe", "team")  # the policy lets her, but the model does not exist for her
    publish(
        version.model,
        rule("group:team", networks=["10.0.0.0/8"]), rule("user:carl", "user:dora"), rule("service:job"),
        rule("group:guests", effect="deny"), rule("group:other", valid_until="2020-01-01T00:00:00+00:00"),
    )  # fmt: skip

    found = {one.name: one.extent for one in reach.who(version.model, "production", "predict")}

    assert found == {"anna": "sometimes", "carl": "always", "job": "always"}
    now = timezone.now()
    for one in everybody:
        query = Query(
            one.username, frozenset(groups_of(one.pk).values_list("name", flat=True)), "predict", now,
            service=one.kind == "service", network="10.0.0.1",
        )  # fmt: skip
        policy = version.model.policies.get().in_force
        assert policy
        assert bool(evaluate(policy.content, query)) == (one.username in found) or not one.is_active


def test_it_says_whether_a_token_is_there(version: Version) -> None:
    owner = factories.member("owner")
    publish(version.model, rule("group:owner"))
    assert [(one.name, one.token) for one in reach.who(version.model, "production", "predict")] == [
        ("owner", False)
    ]

    factories.token(version.model, owner=owner)

    assert [(one.name, one.token) for one in reach.who(version.model, "production", "predict")] == [
        ("owner", True)
    ]


def test_what_somebody_reaches_is_the_other_side_of_who_can(version: Version) -> None:
    anna, bert = account("anna", "team"), account("bert")
    factories.share(version.model, anna)
    publish(version.model, rule("group:team", actions=["predict", "read_card"]), rule("group:team", effect="deny", actions=["read_card"], hours=[{"days": ["sun"], "from": "00:00", "to": "24:00", "zone": "UTC"}]))  # fmt: skip
    other = factories.share(factories.model(), bert)
    publish(other, rule("user:bert"))

    (row,) = reach.what(anna, Model.objects.all())

    assert row.slug == version.model.slug
    assert row.actions == {"predict": "always", "read_card": "sometimes"}
    assert row.unless
    who = reach.survey(version.model)["production"]
    assert {action for action, number in who.numbers.items() if number} == set(row.actions)
    assert {action for action in ACTIONS if "anna" in {one.name for one in who.who(action)}} == set(
        row.actions
    )


def test_a_denial_that_cannot_be_read_lets_nobody_in() -> None:
    content = {"schema": SCHEMA, "rules": [rule("user:anna"), {"effect": "deny", "colour": "red"}]}

    assert not access(content, frozenset({"user:anna"}), "predict", timezone.now())


class TestWhoMayAsk:
    def test_oneself_always(self, version: Version, outsider: User, as_user: AsUser) -> None:
        assert as_user(outsider).get(reverse("person-access", args=["outsider"])).status_code == 200
        assert as_user(outsider).get(f"{API}/access/people/outsider/").json() == {"count": 0, "results": []}

    def test_others_only_with_the_permission(self, reviewer: User, auditor: User, as_user: AsUser) -> None:
        for address in (reverse("person-access", args=["auditor"]), f"{API}/access/people/auditor/"):
            assert as_user(reviewer).get(address).status_code == 404
        for address in (reverse("person-access", args=["reviewer"]), f"{API}/access/people/reviewer/"):
            assert as_user(auditor).get(address).status_code == 200

    def test_a_model_that_one_does_not_see_does_not_exist(
        self, version: Version, outsider: User, reviewer: User, as_user: AsUser
    ) -> None:
        for address in (
            reverse("model-access", args=[version.model.slug]),
            f"{API}/models/{version.model.slug}/access/",
        ):
            assert as_user(outsider).get(address).status_code == 404
            assert as_user(reviewer).get(address).status_code == 403
        why = {
            "caller": "outsider",
            "model": version.model.slug,
            "action": "predict",
            "environment": "production",
        }
        answers = [
            as_user(outsider).get(f"{API}/access/why/", why | {"model": name})
            for name in (version.model.slug, "none")
        ]
        assert [one.status_code for one in answers] == [400, 400]
        assert answers[0].json()["errors"] == answers[1].json()["errors"]

    def test_a_token_of_somebody_else_does_not_exist(
        self, version: Version, outsider: User, as_user: AsUser
    ) -> None:
        token, _ = factories.token(version.model)

        assert as_user(outsider).get(reverse("token-access", args=[token.pk])).status_code == 404
        assert as_user(outsider).get(f"{API}/access/tokens/{token.pk}/").status_code == 404


class TestWhy:
    def ask(self, browser: Client, version: Version, **more: Any) -> dict[str, Any]:
        given = {"caller": "owner", "model": version.model.slug, "version": "1"} | more
        answer = browser.get(f"{API}/access/why/", given)
        assert answer.status_code == 200, answer.json()
        found: dict[str, Any] = answer.json()
        return found

    def test_each_condition_is_named_met_or_not(self, version: Version, owner: User, as_user: AsUser) -> None:
        publish(version.model, rule("group:owner", networks=["10.0.0.0/8"], rate={"limit": 1, "per": "hour"}))
        browser = as_user(owner)

        outside = self.ask(browser, version, network="192.0.2.1")
        inside = self.ask(browser, version, network="10.0.0.1")

        assert (outside["allowed"], outside["reason"]) == (False, "policy_network")
        assert [(one["code"], one["holds"]) for one in outside["rules"][0]["conditions"]] == [
            ("policy_network", False), ("policy_rate", True),
        ]  # fmt: skip
        assert (inside["allowed"], inside["limited"], inside["version"]) == (True, True, 1)
        assert inside["clearance"]

    def test_an_address_may_leave_out_what_is_usual(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        page = as_user(owner).get(reverse("why"), {"caller": "owner", "model": version.model.slug})

        assert (page.status_code, page.context["form"].errors) == (200, {})
        assert page.context["explained"].answer.reason == "no_policy"

    def test_a_token_brings_its_scope(self, version: Version, owner: User, as_user: AsUser) -> None:
        publish(version.model, rule("group:owner", actions=["predict", "explain"]))
        token, _ = factories.token(version.model)
        browser = as_user(owner)

        assert self.ask(browser, version, token=str(token.pk))["allowed"]
        assert self.ask(browser, version, token=str(token.pk), action="explain")["reason"] == "scope_action"
        late = (timezone.now() + timedelta(days=80)).isoformat()
        assert self.ask(browser, version, token=str(token.pk), at=late)["reason"] == "token_expired"

    def test_a_denied_decision_leads_there(self, version: Version, owner: User, as_user: AsUser) -> None:
        factories.policy(version.model, "group:reviewer")
        token, _ = factories.token(version.model)
        denied = decision(version, token, allowed=False)
        browser = as_user(owner)

        page = browser.get(denied.get_absolute_url())
        explained = browser.get(page.context["why_link"])

        assert explained.context["explained"].answer.reason == "policy_does_not_allow"
        assert "Names the caller" in explained.content.decode()


def test_a_replay_by_rest_changes_nothing(version: Version, owner: User, as_user: AsUser) -> None:
    factories.policy(version.model, "group:owner")
    token, _ = factories.token(version.model)
    decision(version, token)
    place = f"{API}/policies/{version.model.slug}/production/replay/"

    answer = as_user(owner).post(place, {"rules": [rule("group:reviewer")]}, content_type="application/json")

    assert answer.status_code == 200, answer.json()
    assert {name: answer.json()[name] for name in ("total", "to_denied", "to_allowed", "unclear")} == {
        "total": 1, "to_denied": 1, "to_allowed": 0, "unclear": 0,
    }  # fmt: skip
    assert version.model.policies.get().versions.count() == 1


def test_a_decision_of_before_the_network_was_kept_cannot_be_told(version: Version) -> None:
    from governance.access.replay import replay
    from governance.models import Decision

    factories.policy(version.model, "group:owner")
    token, _ = factories.token(version.model)
    kept = decision(version, token)
    values = {field.attname: getattr(kept, field.attname) for field in Decision._meta.concrete_fields}
    Decision.objects.create(**(values | {"id": "00000000-0000-0000-0000-000000000009", "form": 1}))

    found = replay(
        version.model,
        "production",
        {"schema": SCHEMA, "rules": [rule("group:owner", networks=["10.0.0.0/8"])]},
    )

    assert (found.to_denied, found.unclear) == (1, 1)
