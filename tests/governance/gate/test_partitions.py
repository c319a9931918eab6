"""Decisions lie in partitions by month, each with the guards of the whole table."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from governance.models import Decision
from governance.models.decisions import MONTHS_AHEAD, make_room

pytestmark = pytest.mark.django_db


def decided(at: datetime) -> Decision:
    return Decision.objects.create(
        batch_id=uuid.uuid4(), decided_at=at, allowed=True, reason="allowed", door="check", digest="0" * 64
    )


def place(one: Decision) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM governance_decision WHERE id = %s", [one.pk])
        return str(cursor.fetchone()[0])


def test_a_decision_lies_in_its_month_and_one_far_off_with_the_rest() -> None:
    next_month = (timezone.now().astimezone(UTC).replace(day=1) + timedelta(days=32)).replace(day=1)

    assert (
        place(decided(timezone.now())) == "governance_decision_before"
    )  # the month in which this was migrated
    assert place(decided(next_month)) == f"governance_decision_{next_month:y%Ym%m}"
    assert place(decided(timezone.now() + timedelta(days=4000))) == "governance_decision_rest"


@pytest.mark.parametrize("part", ["before", "rest", ""])
def test_what_was_decided_stays_in_every_partition(part: str) -> None:
    one = decided(timezone.now() + timedelta(days=4000 if part == "rest" else 0))
    table = f"governance_decision_{part}" if part else "governance_decision"
    for deed in (f"UPDATE {table} SET reason = 'x' WHERE id = %s", f"DELETE FROM {table} WHERE id = %s"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(deed, [one.pk])


def test_room_is_made_once_and_for_months_ahead() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'governance_decision'::regclass")
        assert cursor.fetchone()[0] >= MONTHS_AHEAD + 1
        cursor.execute("SELECT cardinal_decision_partitions(%s)", [MONTHS_AHEAD + 2])
        assert cursor.fetchone()[0] == 2
    assert make_room() == 0
    far = timezone.now().astimezone(UTC) + timedelta(days=31 * (MONTHS_AHEAD + 1))
    assert place(decided(far)) == f"governance_decision_{far:y%Ym%m}"
    with connection.cursor() as cursor:  # the new one has the guards of all
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass ORDER BY 1",
            [place(decided(far))],
        )
        assert cursor.fetchall() == [("refuse_change", "A"), ("refuse_truncate", "A")]


def test_a_month_whose_decisions_lie_with_the_rest_is_left_there() -> None:
    far = timezone.now().astimezone(UTC) + timedelta(days=31 * (MONTHS_AHEAD + 2))
    one = decided(far)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinal_decision_partitions(%s)", [MONTHS_AHEAD + 4])

    assert place(one) == "governance_decision_rest"
    assert place(decided(far)) == "governance_decision_rest"
