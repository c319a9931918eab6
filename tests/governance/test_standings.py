"""How each model stands, by whatever door the facts change, and whoever changes them at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from governance.actions import clearances
from governance.models import Clearance, Standing
from governance.models.standings import differences, rebuild
from registry.models import Document, Model
from tests import factories
from tests.governance.test_clearance import wait_until_somebody_waits_for_us


def stands(model: Model, environment: str = "production") -> tuple[str, int | None, list[str]]:
    """The state, the number of the latest version, and what that lacks."""
    row = Standing.objects.select_related("latest").get(model=model, environment=environment)
    return row.state, row.latest.number if row.latest else None, row.unmet


def executed(statement: str, *given: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)


def course(model: Model) -> Iterator[tuple[str, tuple[str, int | None, list[str]]]]:
    """What happens to a model, and how it stands then; each step by the verb that people use, or by raw SQL."""
    yield "registered", ("ungoverned", None, [])
    first = factories.version(model=model)
    yield "a version", ("ungoverned", 1, ["card", "risk"])
    factories.submitted_review(first)
    yield "a card in review", ("not-cleared", 1, ["card"])
    factories.approve(first.card.reviews.get())
    yield "approved", ("cleared", 1, [])
    second = factories.version(model=model, number=2)
    yield "a version more: the first still serves", ("cleared", 2, [])
    clearances.suspend(version=first, reason="It drifts.", by=factories.member("reviewer"))
    yield "the first suspended: the latest says what is missing", ("not-cleared", 2, ["card"])
    clearances.lift(version=first, reason="It was the sensor.", by=factories.member("reviewer"))
    yield "lifted", ("cleared", 2, [])
    executed("DELETE FROM governance_clearance WHERE version_id = %s", second.pk)
    executed("DELETE FROM governance_clearance WHERE version_id = %s", first.pk)
    yield "clearances taken away by hand", ("not-cleared", 2, [])
    clearances.recompute(versions=[first, second], by=factories.member("owner"))
    yield "and assessed anew", ("cleared", 2, [])


@pytest.mark.django_db
def test_a_standing_follows_every_fact_in_the_same_transaction() -> None:
    model = factories.model()
    other = factories.version().model

    for step, expected in course(model):
        state, number, unmet = stands(model)
        assert (state, number, sorted(set(unmet) & {"card", "risk"})) == expected, step
        assert differences() == [], step
    assert stands(other)[0] == "ungoverned"


@pytest.mark.django_db
def test_a_standing_ends_with_its_model_and_follows_a_version_that_moves() -> None:
    here, there = factories.version(), factories.version()
    executed("UPDATE registry_version SET model_id = %s, number = 7 WHERE id = %s", there.model_id, here.pk)
    assert (stands(here.model)[1], stands(there.model)[1]) == (None, 7)
    assert differences() == []

    lone = factories.model()
    executed("DELETE FROM registry_modelgroupobjectpermission WHERE content_object_id = %s", lone.pk)
    executed("DELETE FROM registry_model WHERE id = %s", lone.pk)
    assert not Standing.objects.filter(model_id=lone.pk).exists()


@pytest.mark.django_db
def test_a_card_counts_also_when_nobody_assessed_its_version() -> None:
    version = factories.version()
    Clearance.objects.filter(version=version).delete()
    Document.objects.create(kind="card", version=version)

    assert stands(version.model)[0] == "not-cleared"


@pytest.mark.django_db
def test_the_command_tells_of_a_standing_that_somebody_bent_and_mends_it() -> None:
    version = factories.version()
    Standing.objects.filter(model=version.model, environment="staging").update(state="cleared")

    assert differences() == [f"{version.model.slug} in staging"]
    with pytest.raises(CommandError, match="1 standings differ"):
        call_command("standings", "--check")
    call_command("standings")
    call_command("standings", "--check")
    assert rebuild() == Standing.objects.count()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_stop_two_versions_at_once_the_later_sees_what_the_earlier_did() -> None:
    """Each sees the other's version still cleared when it begins: without queueing, the later would write "cleared"."""
    model = factories.model()
    first, second = (factories.approved_version(factories.version(model=model, number=n)) for n in (1, 2))
    reviewer, failures = factories.member("reviewer"), []

    def stop() -> None:
        try:
            clearances.suspend(version=second, reason="It drifts too.", by=reviewer)
        except Exception as failure:  # noqa: BLE001 - told below
            failures.append(failure)
        finally:
            connection.close()

    later = threading.Thread(target=stop)
    with transaction.atomic():
        clearances.suspend(version=first, reason="It drifts.", by=reviewer)
        later.start()
        wait_until_somebody_waits_for_us()
    later.join(30)

    assert failures == []
    assert stands(model)[0] == "not-cleared"
    assert differences() == []
