"""What one may not see does not exist."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db.models import Model as Row
from django.utils import timezone

from audit.models import Entry, Report
from governance.actions import (
    absences,
    filters,
    glass,
    policies,
    reminders,
    review_rules,
    service_accounts,
    severities,
    threads,
    token_lives,
)
from governance.models import rule_for
from governance.models.reminders import cadence_in_force
from registry.actions import catalogue, pipelines, teams
from registry.errors import Missing, Refused
from registry.models import Dataset, Document, Model, Revision, System, User, Version
from registry.permissions import can, can_see, require
from tests import factories

pytestmark = pytest.mark.django_db

GUARDED = [
    model
    for floor in ("registry", "governance", "audit")
    for model in apps.get_app_config(floor).get_models()
    if hasattr(model._default_manager, "visible_to")
]
# One's own and nobody else's, whatever the role.
PRIVATE = {"governance.SavedFilter", "governance.Notice"}
# Rules of the house that everybody with an account may read.
OPEN = {
    "governance.SeverityDecision",
    "governance.ReviewRuleDecision",
    "governance.ReminderDecision",
    "governance.TokenLife",
}


@pytest.fixture
def version(db: None) -> Version:
    """A version with everything that hangs on one."""
    version = factories.approved_version()
    factories.policy(version.model)
    policies.save_draft(
        model=version.model, environment="production", content=factories.rules("user:owner"), on_top_of=0,
        based_on=1, by=factories.member("owner"),
    )  # fmt: skip
    factories.token(version.model)
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())
    factories.imported()
    pipelines.record(
        version=version,
        stages=[{"name": "train", "cmd": "python train.py"}],
        source="0" * 64,
        by=factories.member("owner"),
    )
    severities.decide(
        rule="placeholder",
        risk_class="high",
        severity="hint",
        rationale="Tried out.",
        by=factories.member("compliance"),
    )
    compliance = factories.member("compliance")
    review_rules.decide(
        rule=replace(rule_for(version), max_age_days=300, again_after_days=200),
        rationale="Tried.",
        by=compliance,
    )
    token_lives.decide(risk_class="limited", days=60, rationale="Tried.", by=compliance)
    reminders.decide(
        cadence=replace(cadence_in_force(), remind_after_days=1), rationale="Tried.", by=compliance
    )
    start = timezone.now() + timedelta(days=30)
    deputy = factories.member("compliance", "deputy")
    absences.announce(stand_in=deputy, since=start, until=start + timedelta(days=7), by=compliance)
    admin = factories.member("admin")
    service_accounts.make(name="scoring-bot", sponsor=admin, purpose="Scores.", by=admin)
    glass.ask(
        version=version,
        environment="production",
        minutes=10,
        reason="At a standstill.",
        by=factories.member("owner"),
    )
    factories.team()
    threads.begin(
        revision=version.card.head,
        path="model_details.overview",
        text="Which data?",
        by=factories.member("reviewer"),
    )
    Report.objects.create(version=version, ordered_by=factories.member("owner"))
    filters.save(page="models", name="Mine", query="state=cleared", by=factories.member("owner"))
    factories.save(version, mark="with a figure", figure=factories.figure())
    return version


def seen(model: type[Row], user: User) -> set[object]:
    return set(model._default_manager.visible_to(user).values_list("pk", flat=True))  # type: ignore[attr-defined]


def test_every_model_with_a_page_has_a_filter() -> None:
    with_page = {
        model
        for floor in ("registry", "governance", "audit")
        for model in apps.get_app_config(floor).get_models()
        if hasattr(model, "get_absolute_url")
    }

    assert with_page <= set(GUARDED)


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model._meta.label)
def test_an_outsider_sees_nothing_of_anything(version: Version, outsider: User, model: type[Row]) -> None:
    if model._meta.label != "governance.Decision":  # decisions are the gate's; see tests/governance/gate
        assert model._default_manager.exists(), "there is something to see"

    everything = set(model._default_manager.values_list("pk", flat=True))
    assert seen(model, outsider) == (everything if model._meta.label in OPEN else set())


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model._meta.label)
def test_whoever_is_switched_off_sees_nothing_at_all(version: Version, model: type[Row]) -> None:
    """Whatever they were, and whatever is shared with them; rules that are open to everybody else too."""
    left = factories.member("auditor", "left")
    factories.share(version.model, left)
    left.is_active = False
    left.save(update_fields=["is_active"])

    assert seen(model, left) == set()


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model._meta.label)
def test_an_auditor_sees_everything(version: Version, auditor: User, model: type[Row]) -> None:
    everything = set(model._default_manager.values_list("pk", flat=True))

    assert seen(model, auditor) == (set() if model._meta.label in PRIVATE else everything)


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model._meta.label)
def test_nobody_sees_a_row_twice(version: Version, owner: User, model: type[Row]) -> None:
    """Shared with the person and with two groups: still one row."""
    factories.share(version.model, owner)
    owner = factories.member("reviewer", owner.username)

    rows = list(model._default_manager.visible_to(owner).values_list("pk", flat=True))  # type: ignore[attr-defined]

    assert len(rows) == len(set(rows))


def test_a_share_opens_one_model_and_all_that_belongs_to_it(version: Version, outsider: User) -> None:
    factories.approved_version()  # another model, with documents of its own

    factories.share(version.model, outsider)

    assert seen(Model, outsider) == {version.model.pk}
    assert seen(Version, outsider) == {version.pk}
    assert seen(Dataset, outsider) == {factories.training_data(version).pk}
    assert seen(Document, outsider) == {version.card.pk, factories.training_data(version).datasheet.pk}
    assert seen(System, outsider) == {version.model.systems.get().pk}
    assert Revision.objects.visible_to(outsider).count() == 3  # two of the card, one of the datasheet


def test_a_share_with_a_group_reaches_its_members_only(outsider: User) -> None:
    model = factories.model(shared=False)
    team = factories.team()
    factories.share(model, team.group)
    assert seen(Model, outsider) == set()

    teams.add(team=team, user=outsider, by=factories.member("admin"))

    assert seen(Model, outsider) == {model.pk}


def test_a_new_model_is_hidden_until_it_is_shared(owner: User, reviewer: User, compliance: User) -> None:
    model = factories.model(shared=False)

    assert seen(Model, owner) == seen(Model, reviewer) == set()
    assert seen(Model, compliance) == {model.pk}


def test_a_dataset_is_seen_through_any_model_that_used_it(outsider: User) -> None:
    hidden = factories.version(model=factories.model(shared=False), dataset="applicants")
    shared = factories.version(dataset="applicants")
    factories.share(shared.model, outsider)

    assert seen(Dataset, outsider) == {factories.training_data(hidden).pk}
    assert not can_see(outsider, hidden)


def test_an_account_that_is_switched_off_sees_nothing(version: Version, auditor: User) -> None:
    auditor.is_active = False
    auditor.save()

    assert seen(Model, User.objects.get(pk=auditor.pk)) == set()


def test_an_account_that_is_switched_off_loses_what_was_shared_with_it(
    version: Version, outsider: User
) -> None:
    factories.share(version.model, outsider)
    outsider.is_active = False
    outsider.save()

    assert seen(Model, User.objects.get(pk=outsider.pk)) == set()


def test_the_trail_shows_others_only_their_own_deeds(version: Version, owner: User) -> None:
    assert set(Entry.objects.visible_to(owner).values_list("actor", flat=True)) == {"owner"}


def test_invisible_is_told_before_forbidden(version: Version, outsider: User, reviewer: User) -> None:
    with pytest.raises(Missing):
        require(outsider, "registry.write_document", on=version)
    with pytest.raises(Refused):
        require(reviewer, "registry.write_document", on=version)


def test_a_refusal_says_what_to_do(outsider: User) -> None:
    verdict = can(outsider, "registry.write_document")

    assert not verdict
    assert [reason.code for reason in verdict.reasons] == ["role_missing"]
    assert all(reason.remedy for reason in verdict.reasons)


def test_visibility_of_something_without_a_rule_is_an_error_and_not_a_yes(owner: User) -> None:
    with pytest.raises(TypeError):
        can_see(owner, import_module("registry.models").Run())
