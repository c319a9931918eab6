"""Who is told of comments and of absences."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse

from governance.audience.base import MOST_TOLD, Told, cause, moment
from governance.models import Judgement, Review
from registry.models import Revision, User


def comment_written(event: Any) -> list[Told]:
    """A comment, the first of its thread or an answer. Its words stay on the page: nothing of them is mailed."""
    return [_of_thread(event, "comment.written", f"{event.by} commented on {event.document}.", event.comment)]


def thread_resolved(event: Any) -> list[Told]:
    """Somebody holds that what was discussed is settled. Each time, for it may be opened again."""
    text = f"{event.by} resolved a thread on {event.document}."
    return [_of_thread(event, "thread.resolved", text, event.thread.resolved_at.isoformat())]


def _of_thread(event: Any, kind: str, text: str, part: object) -> Told:
    """Whoever wrote or submitted the document, judges it, or has taken part in the thread is told."""
    document = event.document
    people = User.objects.filter(
        Q(pk__in=Revision.objects.filter(document=document).values("by"))
        | Q(pk__in=Review.objects.filter(document=document).values("submitted_by"))
        | Q(pk__in=Judgement.objects.filter(review__document=document).values("by"))
        | Q(pk__in=event.thread.comments.values("by"))
    )
    found = list(people.order_by("username")[:MOST_TOLD])
    return Told(kind, found, text, event.thread.get_absolute_url(), cause(event.thread, part), document)


def absence_announced(event: Any) -> list[Told]:
    text = (
        f"{event.person} is away from {moment(event.since)} until {moment(event.until)}. Reviews that you may judge are"
        " asked of you in their place."
    )
    return [
        Told("absence.announced", [event.stand_in], text, reverse("absence"), f"absence:{event.absence.pk}")
    ]


def absence_ended(event: Any) -> list[Told]:
    text = f"{event.person} is asked for reviews themselves again."
    return [Told("absence.ended", [event.stand_in], text, reverse("absence"), f"absence:{event.absence.pk}")]
