"""Compliance decides how severe a finding is; the verb that asks for a review refuses by the same function."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.models import Entry
from audit.phrases import sentence
from governance.actions import severities
from governance.models import Review, SeverityDecision, strictness_of
from registry.actions import documents
from registry.actions import systems as system_verbs
from registry.errors import Invalid, Refused
from registry.models import Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db


def written(version: Version, owner: User) -> Revision:
    """A card without a figure about fairness: enough for a limited risk, not for a high one."""
    factories.save(factories.training_data(version))
    content = factories.complete("card")
    content["ethics"]["fairness"] = ""
    return documents.save(about=version, content=content, on_top_of=0, by=owner)


def test_what_blocks_is_refused_by_name_and_nothing_is_submitted(owner: User) -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    written(version, owner)

    with pytest.raises(Invalid, match="Fairness: Nothing was measured by group") as refused:
        factories.resubmit(version)

    assert set(refused.value.fields) == {"ethics.fairness"}
    assert not Review.objects.exists()


def test_the_same_card_passes_where_the_risk_is_limited(owner: User) -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="limited")
    written(version, owner)

    assert factories.resubmit(version).state == Review.State.IN_REVIEW


def test_compliance_can_decide_otherwise_and_the_trail_keeps_why(owner: User, compliance: User) -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    written(version, owner)

    severities.decide(
        rule="fairness_without_figures",
        risk_class="high",
        severity="warning",
        rationale="Until the groups are known.",
        by=compliance,
    )

    assert factories.resubmit(version).state == Review.State.IN_REVIEW
    entry = Entry.objects.get(kind="lint.severity_set")
    assert entry.actor == "compliance"
    assert (
        "warning for the risk class high, not blocking as before: “Until the groups are known.”"
        in sentence(entry.facts)
    )


def test_and_can_tighten_a_rule(owner: User, compliance: User) -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="limited")
    written(version, owner)
    severities.decide(
        rule="fairness_without_figures",
        risk_class="limited",
        severity="blocking",
        rationale="Policy 7.",
        by=compliance,
    )

    with pytest.raises(Invalid, match="Fairness"):
        factories.resubmit(version)


def test_the_latest_decision_holds_and_an_equal_one_is_none(compliance: User) -> None:
    given = {"rule": "placeholder", "risk_class": "minimal", "rationale": "Because.", "by": compliance}

    assert severities.decide(severity="blocking", **given) is None  # that is the default
    severities.decide(severity="hint", **given)
    severities.decide(severity="off", **given)
    assert severities.decide(severity="off", **given) is None

    assert SeverityDecision.objects.count() == 2
    version = factories.version()
    factories.system(model=version.model, risk_class="minimal")
    assert strictness_of(version).severity("placeholder") == "off"


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor", "admin"])
def test_nobody_else_decides(role: str) -> None:
    with pytest.raises(Refused):
        severities.decide(
            rule="placeholder", risk_class="high", severity="off", rationale="No.", by=factories.member(role)
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [("rule", "style"), ("risk_class", "huge"), ("severity", "fatal"), ("rationale", " ")],
)
def test_a_decision_names_a_rule_a_class_a_severity_and_a_reason(
    field: str, value: str, compliance: User
) -> None:
    given = {"rule": "placeholder", "risk_class": "high", "severity": "off", "rationale": "Because."} | {
        field: value
    }

    with pytest.raises(Invalid) as refused:
        severities.decide(**given, by=compliance)

    assert set(refused.value.fields) == {field}


def test_of_several_systems_the_strictest_counts_also_for_the_data(owner: User) -> None:
    version = factories.version()
    dataset = factories.training_data(version)
    assert strictness_of(version).classes == strictness_of(dataset).classes == ("undecided",)

    factories.system(model=version.model, risk_class="minimal")
    other = factories.version(dataset=dataset.name)
    high = factories.system(model=other.model, risk_class="high")

    assert strictness_of(version).classes == ("minimal",)
    assert set(strictness_of(dataset).classes) == {"minimal", "high"}
    assert strictness_of(dataset).severity("gate_unanswered") == "blocking"
    system_verbs.add_model(system=high, model=version.model, by=owner)
    assert strictness_of(version).severity("fairness_without_figures") == "blocking"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE governance_severitydecision SET severity = 'off'", "DELETE FROM governance_severitydecision"],
)
def test_a_decision_is_never_changed(statement: str, compliance: User) -> None:
    severities.decide(
        rule="placeholder", risk_class="high", severity="hint", rationale="Because.", by=compliance
    )

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("column", "value"), [("severity", "fatal"), ("risk_class", "huge"), ("rationale", "")]
)
def test_the_database_knows_the_words_too(column: str, value: str, compliance: User) -> None:
    given = {"rule": "placeholder", "risk_class": "high", "severity": "off", "rationale": "x"} | {
        column: value
    }

    with pytest.raises(DatabaseError, match="severity"), transaction.atomic():
        SeverityDecision.objects.create(**given, by=compliance)


def test_by_rest_rules_are_read_by_all_and_decided_by_compliance(
    owner: User, compliance: User, as_user: Callable[[User], Client]
) -> None:
    address = "/api/v1/document-rules/metric_without_slice/high/"
    given = {"severity": "blocking", "rationale": "Policy 7."}

    assert as_user(owner).put(address, given, content_type="application/json").status_code == 403
    answer = as_user(compliance).put(address, given, content_type="application/json")

    found = answer.json()
    assert (answer.status_code, found["severity"], found["default"]) == (200, "blocking", "warning")
    assert found in as_user(owner).get("/api/v1/document-rules/").json()["rules"]
    for wrong in ("no_such_rule/high", "placeholder/huge"):
        there = f"/api/v1/document-rules/{wrong}/"
        assert as_user(compliance).put(there, given, content_type="application/json").status_code == 404


def test_on_the_page_several_are_decided_at_once_with_one_reason(
    owner: User, compliance: User, as_user: Callable[[User], Client]
) -> None:
    browser = as_user(compliance)
    given = {"placeholder.high": "warning", "unaccepted.limited": "hint", "rationale": "For a month."}

    assert browser.post("/document-rules/", given | {"rationale": ""}).status_code == 400
    assert not SeverityDecision.objects.exists()
    page = browser.post("/document-rules/", given, follow=True).content.decode()

    assert "Decided: 2 changed." in page
    assert "default: blocks" in page
    assert set(SeverityDecision.objects.values_list("rule", "risk_class", "severity")) == {
        ("placeholder", "high", "warning"),
        ("unaccepted", "limited", "hint"),
    }
    assert "<select" not in as_user(owner).get("/document-rules/").content.decode()
