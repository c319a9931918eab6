"""What one may not see does not exist: of every kind of row, looked at by everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.apps import apps
from django.db.models import Model as Row
from django.utils import timezone

from audit.models import Report
from governance.actions import (
    absences,
    filters,
    glass,
    policies,
    reminders,
    review_rules,
    service_accounts,
    severities,
    stops,
    threads,
    token_lives,
)
from governance.models import Batch, Decision, rule_for
from governance.models.reminders import cadence_in_force
from registry.actions import catalogue, pipelines
from registry.models import User, Version
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


@pytest.fixture(scope="module")
def everything(lasting: None) -> Version:
    """A version with everything that hangs on one, made once."""
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
    factories.anomaly(version.model)
    stops.stop_model(model=version.model, reason="It answers nonsense.", by=compliance)
    batch = Batch.objects.create(writer="gate", count=1, allowed=1, root="0" * 64, written_at=timezone.now())
    Decision.objects.create(
        batch=batch, decided_at=timezone.now(), allowed=True, reason="allowed", model=version.model.slug, door="check",
        environment="production", caller="owner", digest="0" * 64,
    )  # fmt: skip
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


@pytest.fixture
def version(db: None, everything: Version) -> Version:
    """The version, as nobody has touched it yet."""
    return Version.objects.get(pk=everything.pk)


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
