"""Reminders and escalation: how often, decided by compliance; and the sweep that brings what time has made due."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from governance.actions import notices
from governance.audience.base import Told, cause, distinct
from governance.audience.reviews import involved, of_condition
from governance.events import RemindersSet, ReviewEscalated, ReviewReminded
from governance.models import (
    Notice,
    ReminderDecision,
    Review,
    ReviewCondition,
    ReviewReminder,
    cadence_in_force,
)
from governance.models.reminders import ESCALATED_TO, LONGEST_PATIENCE
from governance.notices import CONDITION_SOON, Cadence
from registry.errors import Invalid
from registry.events import publish
from registry.models import User
from registry.permissions import require
from registry.wording import required

MOST = 500  # in one round; the next brings the next
ESCALATION = 0  # its number among the reminders of a review


@transaction.atomic
def decide(*, cadence: Cadence, rationale: str, by: User) -> ReminderDecision | None:
    """Decide when reviews are reminded of, and who is told when nobody judges; None when it is so already."""
    require(by, "governance.set_review_rule")
    problems: dict[str, list[str]] = {}
    if not 1 <= cadence.remind_after_days <= LONGEST_PATIENCE:
        problems["remind_after_days"] = [f"Choose 1 to {LONGEST_PATIENCE} days."]
    if not cadence.remind_after_days <= cadence.escalate_after_days <= LONGEST_PATIENCE:
        problems["escalate_after_days"] = [
            f"Not before the first reminder, and within {LONGEST_PATIENCE} days."
        ]
    if unknown := sorted(set(cadence.escalate_to) - set(ESCALATED_TO)):
        problems["escalate_to"] = [f"Choose among {' and '.join(ESCALATED_TO)}, not {', '.join(unknown)}."]
    if problems:
        raise Invalid(fields=problems)
    said = required(rationale, field="rationale", missing="Say why.")
    before = cadence_in_force()
    if before == cadence:
        return None
    decision = ReminderDecision.objects.create(**cadence.as_facts(), rationale=said, by=by)
    publish(RemindersSet(cadence=cadence.in_words(), previous=before.in_words(), rationale=said, by=by))
    return decision


@transaction.atomic
def sweep_reviews(*, by: User) -> int:
    """Remind of each review that has waited another interval, and escalate once; returns of how many.

    Of the intervals that went by while nothing swept, only the last is told: it catches up and does not flood.
    """
    now, cadence, count = timezone.now(), cadence_in_force(), 0
    rows = Review.objects.open().with_subject().prefetch_related("reminders").order_by("submitted_at", "pk")
    for review in rows:
        made = {one.number for one in review.reminders.all()}
        number = cadence.reminders(review.submitted_at, now)
        if number and number > max(made, default=0) and _first(review, number):
            publish(ReviewReminded(review=review, number=number, by=by))
            count += 1
        escalates = ESCALATION not in made and cadence.escalates(review.submitted_at, now)
        if escalates and _first(review, ESCALATION):
            publish(ReviewEscalated(review=review, to=", ".join(cadence.escalate_to), by=by))
            count += 1
        if count >= MOST:
            break
    return count


@transaction.atomic
def sweep_due(*, by: User) -> int:
    """Tell of conditions that are due soon or have lapsed, and of approvals whose next review is due, each once."""
    told = [*_conditions(), *_approvals()]
    known = set(Notice.objects.filter(cause__in={one.cause for one in told}).values_list("kind", "cause"))
    return notices.tell(told=[one for one in told if (one.kind, one.cause) not in known][:MOST], by=by)


def _first(review: Review, number: int) -> bool:
    """Whether nobody has done it: of two sweeps at once, one wins."""
    _, made = ReviewReminder.objects.get_or_create(review=review, number=number)
    return made


def _conditions() -> Sequence[Told]:
    now = timezone.now()
    rows = ReviewCondition.objects.filter(
        review__state=Review.State.APPROVED, fulfilled_at=None, due_at__lte=now + CONDITION_SOON
    ).select_related("owner", "review__document", "review__submitted_by", "judgement__by")
    told = []
    for one in rows.order_by("due_at", "pk"):
        until = f"{one.due_at:%Y-%m-%d %H:%M} UTC"
        key = one.due_at.isoformat()
        if one.due_at > now:
            text = f"By {until} this has to be done and confirmed: “{one.text[:120]}”"
            told.append(of_condition(one, "condition.due", [one.owner], text, "due", key))
        else:
            text = (
                f"Nobody had confirmed this by {until}, so the approval no longer clears: “{one.text[:120]}”"
            )
            people = distinct(one.owner, one.review.submitted_by, one.judgement.by)
            told.append(of_condition(one, "condition.lapsed", people, text, "lapsed", key))
    return told


def _approvals() -> Sequence[Told]:
    return [
        Told(
            "approval.due",
            involved(one),
            f"The next review of {one.document} is due; the approval ends on {one.ends_at:%Y-%m-%d}.",
            one.document.get_absolute_url(),
            cause(one, "again"),
            one.document,
        )
        for one in Review.objects.due_again().with_subject().order_by("closed_at", "pk")[:MOST]
    ]
