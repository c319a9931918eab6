"""The editor of policies: drafts, conflicts, tests, replay, versions. All of it without a script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from governance.actions import policies as verbs
from governance.models import Policy, PolicyDraft
from governance.policies import SCHEMA
from registry.models import User, Version
from tests import factories
from tests.pages.stand import decision

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def version(db: None) -> Version:
    return factories.approved_version()


@pytest.fixture
def browser(owner: User, as_user: AsUser) -> Client:
    return as_user(owner)


def place(version: Version) -> str:
    return reverse("policy-edit", args=[version.model.slug, "production"])


def typed(browser: Client, address: str, **changes: Any) -> dict[str, Any]:
    """What the form of the page would send, with these changes."""
    page = browser.get(address)
    data: dict[str, Any] = {name: page.context["desk"].__dict__[name] for name in ("on_top_of", "based_on")}
    for formset in (page.context["rules"], page.context["tests"]):
        data |= {f"{formset.prefix}-{key}": value for key, value in (
            ("TOTAL_FORMS", formset.total_form_count()), ("INITIAL_FORMS", formset.initial_form_count()))}  # fmt: skip
        for form in formset:
            for bound in form:
                if (value := bound.value()) is not None:
                    data[bound.html_name] = value
    return data | changes


RULE = {"rules-0-subjects": "group:owner", "rules-0-actions": ["predict", "explain"]}


def test_a_rule_with_every_condition_is_typed_saved_and_published(browser: Client, version: Version) -> None:
    use = next(iter(verbs.intended_uses(version.model)))
    answer = browser.post(
        place(version),
        typed(
            browser, place(version), publish="", **RULE,
            **{
                "rules-0-networks": "10.0.0.0/8\n2001:db8::/32", "rules-0-purposes": [use],
                "rules-0-hours": "mon-fri 08:00-18:00 Europe/Berlin\nsat,sun 22:00-06:00 UTC",
                "rules-0-valid_until": "2027-01-01T00:00", "rules-0-rate_limit": "5", "rules-0-rate_per": "minute",
                "rules-0-quota_limit": "100", "rules-0-quota_per": "day", "rules-0-quota_zone": "UTC",
                "rules-0-max_payload_bytes": "4096",
            },
        ),
    )  # fmt: skip

    assert answer.status_code == 302, [form.errors for form in answer.context["rules"]] + answer.context[
        "problems"
    ]
    policy = Policy.objects.get()
    assert policy.in_force
    assert policy.in_force.content["rules"] == [
        {
            "effect": "allow", "subjects": ["group:owner"], "actions": ["predict", "explain"], "purposes": [use],
            "networks": ["10.0.0.0/8", "2001:db8::/32"],
            "hours": [
                {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"},
                {"days": ["sat", "sun"], "from": "22:00", "to": "06:00", "zone": "UTC"},
            ],
            "valid_until": "2027-01-01T00:00:00+00:00", "rate": {"limit": 5, "per": "minute"},
            "quota": {"limit": 100, "per": "day", "zone": "UTC"}, "max_payload_bytes": 4096,
        }
    ]  # fmt: skip
    again = browser.get(place(version))
    assert not again.context["as_json"], "the rows show all of it"
    page = browser.get(policy.get_absolute_url()).content.decode()
    assert "from the network 10.0.0.0/8 or 2001:db8::/32" in page


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("networks", "10.0.0.1/8"), ("hours", "whenever"), ("hours", "mon 08:00-18:00 Mars/Olympus"),
        ("subjects", "owner"), ("subjects", "user:nobody"),
    ],
)  # fmt: skip
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(
    name: str, value: str, browser: Client, version: Version
) -> None:
    answer = browser.post(
        place(version), typed(browser, place(version), publish="", **(RULE | {f"rules-0-{name}": value}))
    )

    form = answer.context["rules"].forms[0]
    assert list(form.errors) == [name]
    assert form[name].value() == value
    assert not Policy.objects.get().in_force
    assert browser.get(place(version)).status_code == 200, "the draft can be opened again"


def test_two_who_edit_at_once_lose_nothing(browser: Client, version: Version, as_user: AsUser) -> None:
    mine = typed(browser, place(version), save="", **RULE)
    other = as_user(factories.member("owner", "second"))
    other.post(
        place(version),
        typed(other, place(version), save="", **(RULE | {"rules-0-subjects": "group:reviewer"})),
    )

    answer = browser.post(place(version), mine)

    assert answer.status_code == 409
    assert [form["subjects"].value() for form in answer.context["rules"]][:2] == [
        "group:owner",
        "group:reviewer",
    ]
    assert "They added" in answer.content.decode()
    assert answer.context["desk"].on_top_of == PolicyDraft.objects.latest("pk").pk


def test_a_test_case_that_fails_is_named_beside_it(browser: Client, version: Version) -> None:
    case = {
        "tests-0-name": "Nobody gets in", "tests-0-who": "user:owner", "tests-0-groups": "owner",
        "tests-0-action": "predict", "tests-0-at": "2026-11-23T12:00", "tests-0-expect": "deny",
    }  # fmt: skip
    answer = browser.post(place(version), typed(browser, place(version), publish="", **RULE, **case))

    assert "expects deny, but it is allowed" in str(answer.context["tests"].forms[0].non_field_errors())
    assert not Policy.objects.get().in_force


def test_trying_shows_what_would_flip(browser: Client, version: Version) -> None:
    factories.policy(version.model, "group:owner")
    token, _ = factories.token(version.model)
    for _ in range(3):
        decision(version, token)
    data = typed(browser, place(version), **{"try": ""}, **{"rules-0-networks": "192.0.2.0/24"})

    page = browser.post(place(version), data, follow=True)

    replay = page.context["replay"]
    assert [(one.caller, one.action, one.becomes, one.count, one.codes) for one in replay.flips] == [
        ("owner", "predict", "denied", 3, {"policy_network"})
    ]
    assert re.search(r"3 would be denied", page.content.decode())
    assert "groups that people are in now" in page.content.decode()


def test_json_is_edited_whole(browser: Client, version: Version) -> None:
    address = place(version) + "?view=json"
    rule = {"effect": "allow", "subjects": ["group:owner"], "actions": ["read_card"]}
    body = json.dumps({"schema": SCHEMA, "rules": [rule]})

    assert (
        browser.post(address, {"json": body, "on_top_of": 0, "based_on": 0, "publish": ""}).status_code == 302
    )
    wrong = browser.post(address, {"json": "{", "on_top_of": 0, "based_on": 1, "publish": ""})

    assert "This is not JSON" in wrong.content.decode()


def test_what_rows_cannot_show_opens_as_json(browser: Client, version: Version, owner: User) -> None:
    verbs.save_draft(
        model=version.model,
        environment="production",
        content={"rules": [7]},
        on_top_of=0,
        based_on=0,
        by=owner,
    )

    assert browser.get(place(version)).context["as_json"]


def test_versions_are_compared_and_put_back(browser: Client, version: Version) -> None:
    factories.policy(version.model, "group:owner")
    factories.policy(version.model, "group:reviewer", on_top_of=1)
    where = [version.model.slug, "production"]

    said = browser.get(reverse("policy-compare", args=[*where, 1, 2])).content.decode()
    back = browser.post(reverse("policy-put-back", args=[*where, 1]), {"on_top_of": 2})

    assert "<del>Everybody with the role owner may predict.</del>" in said
    assert back.status_code == 302
    policy = Policy.objects.get()
    assert policy.in_force
    assert (policy.in_force.number, policy.in_force.content["rules"][0]["subjects"]) == (3, ["group:owner"])
    assert browser.get(reverse("policy-compare", args=[*where, 1, 9])).status_code == 404


def test_the_draft_is_discarded(browser: Client, version: Version) -> None:
    browser.post(place(version), typed(browser, place(version), save="", **RULE))

    browser.post(place(version), typed(browser, place(version), discard=""))

    assert not PolicyDraft.objects.exists()


def test_the_schema_takes_what_can_be_published(browser: Client) -> None:
    from jsonschema import Draft202012Validator

    from tests.governance.test_policy_conditions import RULE as WHOLE
    from tests.governance.test_policy_conditions import WRONG

    schema = browser.get("/schemas/policy.json").json()
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    assert check.is_valid({"schema": SCHEMA, "rules": [WHOLE], "tests": []})
    # What a schema cannot say: host bits, names of time zones, an end that equals its start. `faults` says it in words.
    for key, value in WRONG:
        if key not in ("networks", "valid_from", "valid_until") and "zone" not in str(value):
            assert not check.is_valid({"schema": SCHEMA, "rules": [WHOLE | {key: value}]}), (key, value)
