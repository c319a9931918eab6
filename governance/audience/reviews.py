"""Who is told of reviews, their reminders, and the conditions of approvals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from governance.audience.base import MOST_TOLD, Told, brief, cause, distinct, moment
from governance.deputies import asked
from governance.models import Review, ReviewCondition
from governance.models.reviews import with_authors
from governance.reviews import SUPERSEDED
from registry.models import Revision, RoleGrant, User


def reminded(review: Review, kind: str, text: str, *parts: object) -> list[Told]:
    """Everybody whom `review` waits for is told; a stand-in, in whose place."""
    return [
        _of_review(review, kind, [one.person], text + _in_place(one.in_place_of), *parts)
        for one in asked(review)[:MOST_TOLD]
    ]


def involved(review: Review) -> list[User]:
    """Who submitted what is reviewed, and who wrote it."""
    with_authors([review])
    written: list[Revision] = review.document.written  # type: ignore[attr-defined]
    return sorted(distinct(review.submitted_by, *(one.by for one in written)), key=User.get_username)


def _of_review(review: Review, kind: str, people: Sequence[User], text: str, *parts: object) -> Told:
    return Told(kind, people, text, review.get_absolute_url(), cause(review, *parts), review.document)


def _in_place(people: Iterable[User]) -> str:
    names = " and ".join(one.get_username() for one in people)
    return f" You are asked in place of {names}." if names else ""


def submitted(event: Any) -> list[Told]:
    return reminded(
        event.review, "review.asked", f"{event.by} asks for a judgement on {event.review.revision}."
    )


def signed_off(event: Any) -> list[Told]:
    text = f"{event.by} signed off {event.review.revision} as {event.role}; still wanted: {event.wanted}."
    return [_of_review(event.review, "review.signed_off", involved(event.review), text, event.by.pk)]


def approved(event: Any) -> list[Told]:
    conditions = (
        f", on {event.conditions} condition{'s' * (event.conditions > 1)}" if event.conditions else ""
    )
    text = f"{event.review.revision} is approved{conditions}."
    return [_of_review(event.review, "review.approved", involved(event.review), text)]


def sent_back(event: Any) -> list[Told]:
    text = f"{event.by} asks for changes in {event.review.revision}: “{brief(event.comment)}”"
    return [_of_review(event.review, "review.changes_requested", involved(event.review), text)]


def stale(event: Any) -> list[Told]:
    text = f"What was approved in the {event.review} has changed ({event.codes}). It takes another review."
    return [_of_review(event.review, "review.stale", involved(event.review), text)]


def retired(event: Any) -> list[Told]:
    if event.reason == SUPERSEDED:
        return []
    text = f"{event.by} took the approval in the {event.review} away: “{brief(event.reason)}”"
    return [_of_review(event.review, "review.stale", involved(event.review), text)]


def reminded_again(event: Any) -> list[Told]:
    text = f"{event.review.revision}, submitted by {event.review.submitted_by}, still waits for a judgement."
    return reminded(event.review, "review.reminded", text, event.number)


def escalated(event: Any) -> list[Told]:
    roles = [one.strip() for one in event.to.split(",")]
    given = RoleGrant.objects.in_force().filter(role__in=roles)
    found = list(
        User.objects.filter(pk__in=given.values("user"), is_active=True).order_by("username")[:MOST_TOLD]
    )
    text = f"Nobody has judged {event.review.revision} in time. Ask whoever may, or find somebody else."
    return [_of_review(event.review, "review.escalated", found, text)]


# Conditions


def of_condition(
    condition: ReviewCondition, kind: str, people: Sequence[User], text: str, *parts: object
) -> Told:
    """Somebody is told of a condition; it stands on the page of its review."""
    path = f"{condition.review.get_absolute_url()}#conditions"
    return Told(kind, people, text, path, cause(condition, *parts), condition.review.document)


def condition_set(event: Any) -> list[Told]:
    text = f"{event.by} approves on condition that you do this until {moment(event.due_at)}: “{brief(event.text)}”"
    return [of_condition(event.condition, "condition.set", [event.condition.owner], text)]


def condition_settled(event: Any) -> list[Told]:
    condition = event.condition
    is_more_time = hasattr(event, "due_at")
    what = f"gave “{brief(event.text)}” until {moment(event.due_at)}" if is_more_time else (
        f"confirmed that “{brief(event.text)}” is fulfilled"
    )  # fmt: skip
    people = distinct(condition.owner, condition.review.submitted_by)
    part = event.due_at if is_more_time else "fulfilled"
    return [of_condition(condition, "condition.settled", people, f"{event.by} {what}.", part)]
