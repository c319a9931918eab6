"""Conditions of an approval: confirm that one is fulfilled, or give it more time."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from governance.actions.clearances import recompute
from governance.events import ConditionExtended, ConditionFulfilled
from governance.models import ReviewCondition
from governance.permissions import may_settle
from registry.errors import Conflict, Invalid, Refused
from registry.events import publish
from registry.models import User, Version
from registry.permissions import require
from registry.wording import required

JUDGE = "governance.judge_review"


@transaction.atomic
def fulfil(*, condition: ReviewCondition, note: str, by: User) -> ReviewCondition:
    """Confirm that a condition is fulfilled, saying how one knows. A judge does, and never its owner."""
    said = required(note, field="note", missing="Say how you know.", longest=1_000)
    locked = _lock(condition, by)
    locked.fulfilled_at, locked.fulfilled_by, locked.note = timezone.now(), by, said
    locked.save(update_fields=["fulfilled_at", "fulfilled_by", "note"])
    publish(ConditionFulfilled(condition=locked, text=locked.text, note=said, by=by))
    _reassess(locked, by)
    return locked


@transaction.atomic
def extend(*, condition: ReviewCondition, due_at: datetime, reason: str, by: User) -> ReviewCondition:
    """Give a condition more time, with a reason. A judge does, and never its owner."""
    said = required(reason, field="reason", missing="Say why it may take longer.", longest=1_000)
    locked = _lock(condition, by)
    if due_at <= max(locked.due_at, timezone.now()):
        raise Invalid(fields={"due_at": ["Choose a later time than it has, in the future."]})
    previous = locked.due_at
    locked.due_at, locked.extended_because, locked.extended_by = due_at, said, by
    locked.save(update_fields=["due_at", "extended_because", "extended_by"])
    publish(
        ConditionExtended(
            condition=locked,
            text=locked.text,
            previous=previous.astimezone(UTC).isoformat(),
            due_at=due_at.astimezone(UTC).isoformat(),
            reason=said,
            by=by,
        )
    )
    _reassess(locked, by)
    return locked


def _lock(condition: ReviewCondition, by: User) -> ReviewCondition:
    """The condition as it is, locked, if `by` may settle it and it is not settled. The version first, as everywhere."""
    document = condition.review.document
    require(by, JUDGE, on=document)
    if document.version_id:
        Version.objects.select_for_update(no_key=True).get(pk=document.version_id)
    ReviewCondition.objects.select_for_update().get(
        pk=condition.pk
    )  # then read: its owner may have changed meanwhile
    rows = ReviewCondition.objects.select_related("review__document__version", "owner")
    locked = rows.get(pk=condition.pk)
    verdict = may_settle(by, locked)
    if not verdict:
        raise Refused(verdict, action=JUDGE, subject=locked.review)
    if locked.fulfilled_at:
        raise Conflict("This condition was confirmed already.")
    return locked


def _reassess(condition: ReviewCondition, by: User) -> None:
    if condition.review.document.version:
        recompute(versions=[condition.review.document.version], by=by)
