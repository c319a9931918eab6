"""Reminders and escalation: when, to whom, once, and no flood after a silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from governance.actions import reminders, reviews
from governance.models import Notice, ReminderDecision, Review, ReviewReminder, cadence_in_force
from governance.notices import (
    DEFAULT_CADENCE,
    MOST_REMINDERS,
    Cadence,
    next_digest,
    patience,
    token_stage,
    waited,
)
from registry.errors import Invalid, Refused
from registry.models import User
from tests import factories

EVERY_DAY = Cadence(2, 5, ("compliance",), working_days=False)


def told(kind: str) -> list[str]:
    """Who has notices of this kind, one name for each."""
    return sorted(Notice.objects.filter(kind=kind).values_list("person__username", flat=True))


@pytest.fixture
def review(db: None) -> Review:
    """It waits for a reviewer or for compliance; reminders come every other day."""
    for role in ("reviewer", "compliance", "admin"):
        factories.member(role)
    reminders.decide(cadence=EVERY_DAY, rationale="For a test.", by=factories.member("compliance"))
    return factories.submitted_review()


class Clock:
    """The time that the sweep believes it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def at(self, when: datetime) -> None:
        self.monkeypatch.setattr(reminders.timezone, "now", lambda: when)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class TestReckoning:
    """Pure: no row, no clock."""

    monday = datetime(2026, 11, 23, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("days", "counted"),
        [(0, 0), (1, 1), (4, 4), (4.5, 4.5), (5, 4.5), (6, 4.5), (7, 5), (14, 10)],
    )
    def test_saturdays_and_sundays_do_not_count(self, days: float, counted: float) -> None:
        end = self.monday + timedelta(days=days)

        assert waited(self.monday, end, working_days=True) == timedelta(days=counted)
        assert waited(self.monday, end, working_days=False) == timedelta(days=days)

    def test_what_lies_ahead_has_not_waited(self) -> None:
        assert waited(self.monday, self.monday - timedelta(days=1), working_days=True) == timedelta()

    @pytest.mark.parametrize(("days", "number"), [(1.9, 0), (2, 1), (3.9, 1), (4, 2), (400, MOST_REMINDERS)])
    def test_each_interval_is_a_reminder_and_there_is_a_last_one(self, days: float, number: int) -> None:
        assert EVERY_DAY.reminders(self.monday, self.monday + timedelta(days=days)) == number

    @pytest.mark.parametrize(
        ("days", "to", "is_told"), [(4.9, ("admin",), False), (5, ("admin",), True), (9, (), False)]
    )
    def test_others_are_told_after_their_time_when_there_are_any(
        self, days: float, to: tuple[str, ...], is_told: bool
    ) -> None:
        cadence = Cadence(2, 5, to, working_days=False)

        assert cadence.escalates(self.monday, self.monday + timedelta(days=days)) is is_told

    def test_the_daily_mail_goes_at_seven(self) -> None:
        assert next_digest(self.monday) == datetime(2026, 11, 24, 7, tzinfo=UTC)
        assert next_digest(self.monday.replace(hour=6)) == self.monday.replace(hour=7)

    def test_patience_doubles_and_has_an_end(self) -> None:
        assert [patience(one).total_seconds() / 60 for one in (1, 2, 3, 9, 40)] == [1, 2, 4, 256, 360]

    @pytest.mark.parametrize(
        ("left", "life", "stage"),
        [(20, 60, 0), (14, 60, 14), (4, 60, 14), (3, 60, 3), (2, 60, 3), (5, 10, 0), (2, 10, 3), (1, 2, 0)],
    )
    def test_a_token_is_announced_at_the_stages_that_it_has_lived_longer_than(
        self, left: int, life: int, stage: int
    ) -> None:
        assert token_stage(timedelta(days=left), timedelta(days=life)) == stage


@pytest.mark.django_db
class TestSweep:
    def test_whoever_may_judge_is_reminded_once_in_an_interval(
        self, review: Review, clock: Clock, machine: User
    ) -> None:
        clock.at(review.submitted_at + timedelta(days=1))
        assert reminders.sweep_reviews(by=machine) == 0

        clock.at(review.submitted_at + timedelta(days=2, hours=1))
        assert [reminders.sweep_reviews(by=machine) for _ in range(3)] == [1, 0, 0]
        assert told("review.reminded") == ["compliance", "reviewer"]
        assert Entry.objects.filter(kind="review.reminded").count() == 1

        clock.at(review.submitted_at + timedelta(days=4, hours=1))
        assert reminders.sweep_reviews(by=machine) == 1
        assert told("review.reminded") == ["compliance", "compliance", "reviewer", "reviewer"]

    def test_after_a_silence_it_catches_up_once(self, review: Review, clock: Clock, machine: User) -> None:
        clock.at(review.submitted_at + timedelta(days=9))

        assert reminders.sweep_reviews(by=machine) == 2  # one reminder, one escalation
        assert told("review.reminded") == ["compliance", "reviewer"]
        assert told("review.escalated") == ["compliance"]
        assert reminders.sweep_reviews(by=machine) == 0
        assert sorted(ReviewReminder.objects.values_list("number", flat=True)) == [0, 4]

    def test_whoever_wrote_it_is_never_reminded(self, review: Review, clock: Clock, machine: User) -> None:
        factories.member("reviewer", "owner")
        clock.at(review.submitted_at + timedelta(days=3))

        reminders.sweep_reviews(by=machine)

        assert "owner" not in told("review.reminded")

    def test_what_is_judged_is_reminded_of_no_more(self, review: Review, clock: Clock, machine: User) -> None:
        factories.approve(review)
        clock.at(review.submitted_at + timedelta(days=30))

        assert reminders.sweep_reviews(by=machine) == 0

    def test_conditions_are_told_before_and_after_their_time_once_each(
        self, review: Review, clock: Clock, machine: User
    ) -> None:
        otto = factories.member("owner", "otto")
        judge = factories.member("reviewer")
        wish = factories.wish(otto, seconds=10 * 86_400)
        factories.sign_off(review, by=judge, conditions=[wish])
        assert reminders.sweep_due(by=machine) == 0

        clock.at(wish.due_at - timedelta(days=2))
        assert [reminders.sweep_due(by=machine) for _ in range(2)] == [1, 0]
        assert told("condition.due") == ["otto"]

        clock.at(wish.due_at + timedelta(minutes=1))
        assert [reminders.sweep_due(by=machine) for _ in range(2)] == [3, 0]
        assert told("condition.lapsed") == ["otto", "owner", "reviewer"]

    def test_a_review_that_is_due_again_is_told_to_whoever_wrote_and_submitted(self, machine: User) -> None:
        version = factories.version()
        rule = factories.submitted_review(version).frozen_rule
        approved = factories.approve(Review.objects.get())
        with connection.cursor() as cursor:  # the trigger keeps the time of approval: look from later on
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE governance_review DISABLE TRIGGER review_course")
            cursor.execute(
                "UPDATE governance_review SET closed_at = now() - make_interval(days => %s) WHERE id = %s",
                [rule.again_after_days + 1, approved.pk],
            )
            cursor.execute("ALTER TABLE governance_review ENABLE ALWAYS TRIGGER review_course")

        assert [reminders.sweep_due(by=machine) for _ in range(2)] == [1, 0]
        assert told("approval.due") == ["owner"]


@pytest.mark.django_db
class TestDeciding:
    def test_the_default_holds_until_compliance_decides(self, compliance: User) -> None:
        assert cadence_in_force() == DEFAULT_CADENCE

        assert reminders.decide(cadence=EVERY_DAY, rationale="Faster.", by=compliance)
        assert reminders.decide(cadence=EVERY_DAY, rationale="Again.", by=compliance) is None

        assert cadence_in_force() == EVERY_DAY
        assert Entry.objects.filter(kind="review.reminders_set").count() == 1

    def test_nobody_else_decides(self, reviewer: User) -> None:
        with pytest.raises(Refused):
            reminders.decide(cadence=EVERY_DAY, rationale="Faster.", by=reviewer)

    @pytest.mark.parametrize(
        ("cadence", "field"),
        [(Cadence(0, 5, (), working_days=True), "remind_after_days"),
         (Cadence(5, 4, (), working_days=True), "escalate_after_days"),
         (Cadence(5, 500, (), working_days=True), "escalate_after_days"),
         (Cadence(1, 5, ("owner",), working_days=True), "escalate_to")],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, cadence: Cadence, field: str, compliance: User) -> None:
        with pytest.raises(Invalid) as refused:
            reminders.decide(cadence=cadence, rationale="x", by=compliance)

        assert field in refused.value.fields

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [("reminder_days", {"remind_after_days": 9, "escalate_after_days": 5}),
         ("reminder_escalates_to_known", {"escalate_to": ["owner"]}), ("reminder_says_why", {"rationale": ""})],
    )  # fmt: skip
    def test_nor_does_the_database_take_it(
        self, name: str, wrong: dict[str, object], compliance: User
    ) -> None:
        row = EVERY_DAY.as_facts() | {"rationale": "x", "by": compliance} | wrong

        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            ReminderDecision.objects.create(**row)

    def test_a_reminder_is_made_once(self, review: Review) -> None:
        ReviewReminder.objects.create(review=review, number=1)

        with pytest.raises(IntegrityError, match="reminder_once"), transaction.atomic():
            ReviewReminder.objects.create(review=review, number=1, made_at=timezone.now())


@pytest.mark.django_db
def test_a_review_that_was_sent_back_waits_for_its_author_and_no_judge(
    review: Review, clock: Clock, machine: User
) -> None:
    reviews.request_changes(
        review=review, digest=review.digest, comment="More.", by=factories.member("reviewer")
    )
    clock.at(review.submitted_at + timedelta(days=9))

    assert reminders.sweep_reviews(by=machine) == 0
