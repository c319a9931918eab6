"""Conditions of an approval, and its age: what ends a clearance by time, and who may settle it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from governance.actions import conditions
from governance.actions.clearances import recompute
from governance.models import Clearance, Review
from registry.errors import Conflict, Invalid, Refused
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db


def reasons(version: Version) -> set[str]:
    row = Clearance.objects.get(version=version, environment="production")
    return {one["reason"] for one in row.unmet}


@pytest.fixture
def conditioned(reviewer: User) -> Review:
    """Approved on a condition of the owner's that is due tomorrow."""
    return factories.sign_off(factories.submitted_review(), by=reviewer, conditions=[factories.wish()])


def lapse(review: Review) -> None:
    """Tomorrow has come: what the clock does, done past the guard that holds the clock."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_reviewcondition DISABLE TRIGGER condition_course")
        cursor.execute("UPDATE governance_reviewcondition SET due_at = now() - interval '1 second'")
        cursor.execute("ALTER TABLE governance_reviewcondition ENABLE ALWAYS TRIGGER condition_course")


def test_a_condition_bounds_the_clearance_and_ends_it(conditioned: Review, machine: User) -> None:
    version, due = conditioned.document.version, conditioned.conditions.get().due_at
    row = Clearance.objects.get(version=version, environment="production")
    assert (row.allowed, row.valid_until) == (True, due)

    lapse(conditioned)
    recompute(versions=[version], by=machine)

    assert reasons(version) == {"condition_lapsed"}


def test_a_judge_confirms_it_and_never_its_owner(conditioned: Review, reviewer: User, machine: User) -> None:
    version, condition = conditioned.document.version, conditioned.conditions.get()
    lapse(conditioned)
    recompute(versions=[version], by=machine)
    factories.member("reviewer", condition.owner.username)
    owner = User.objects.get(pk=condition.owner_id)

    with pytest.raises(Refused) as caught:
        conditions.fulfil(condition=condition, note="Done.", by=owner)
    assert caught.value.verdict.reasons[0].code == "four_eyes_owner"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_reviewcondition SET fulfilled_at = now(), note = 'x', fulfilled_by_id = %s",
            [owner.pk],
        )
    conditions.fulfil(condition=condition, note="I read the new table.", by=reviewer)

    assert reasons(version) == set()
    with pytest.raises(Conflict):
        conditions.fulfil(condition=condition, note="Again.", by=reviewer)


def test_more_time_needs_a_judge_and_a_reason(conditioned: Review, reviewer: User, owner: User) -> None:
    condition = conditioned.conditions.get()
    later = condition.due_at + timedelta(days=7)
    with pytest.raises(Refused):
        conditions.extend(condition=condition, due_at=later, reason="Please.", by=owner)
    with pytest.raises(Invalid):
        conditions.extend(condition=condition, due_at=condition.due_at, reason="No.", by=reviewer)
    with pytest.raises(DatabaseError, match="a judge who is not its owner"), transaction.atomic():
        conditioned.conditions.update(due_at=later)

    conditions.extend(condition=condition, due_at=later, reason="The data came late.", by=reviewer)

    assert Clearance.objects.filter(version=conditioned.document.version, valid_until=later).count() == 2


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM governance_reviewcondition",
        "UPDATE governance_reviewcondition SET text = 'less'",
        "UPDATE governance_reviewcondition SET due_at = now()",
    ],
)
def test_a_condition_is_neither_changed_nor_erased(conditioned: Review, deed: str) -> None:
    with pytest.raises(DatabaseError, match="more time"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed)


def test_a_condition_is_set_with_an_approval_and_not_afterwards(conditioned: Review, owner: User) -> None:
    with pytest.raises(DatabaseError, match="with an approval in its own review"), transaction.atomic():
        conditioned.conditions.create(
            judgement=conditioned.judgements.get(),
            text="More.",
            owner=owner,
            due_at=timezone.now() + timedelta(days=1),
        )


def test_an_approval_ends_with_its_greatest_age(machine: User) -> None:
    version = factories.approved_version()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_review DISABLE TRIGGER review_course")
        cursor.execute("UPDATE governance_review SET closed_at = now() - interval '731 days'")
        cursor.execute("ALTER TABLE governance_review ENABLE ALWAYS TRIGGER review_course")

    assert [one.due_at < timezone.now() for one in Review.objects.all().due_again()] == [True]
    recompute(versions=[version], by=machine)

    assert reasons(version) == {"approval_expired"}


def test_a_clearance_is_not_stretched_past_its_approval(conditioned: Review) -> None:
    for until in (None, timezone.now() + timedelta(days=2)):
        with pytest.raises(DatabaseError, match="ends with the approval"), transaction.atomic():
            Clearance.objects.filter(version=conditioned.document.version).update(valid_until=until)
