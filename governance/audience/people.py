"""Who is told of comments and of absences."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from governance.audience.base import MOST_TOLD, Told, moment
from governance.models import Judgement, Review
from registry.models import Revision, User


def comment_written(event: Any) -> list[Told]:
    """Who wrote or submitted the document, judges it, or has taken part in the thread is told of a comment."""
    document = event.document
    people = User.objects.filter(
        Q(pk__in=Revision.objects.filter(document=document).values("by"))
        | Q(pk__in=Review.objects.filter(document=document).values("submitted_by"))
        | Q(pk__in=Judgement.objects.filter(review__document=document).values("by"))
        | Q(pk__in=event.thread.comments.values("by"))
    )
    found = list(people.order_by("username")[:MOST_TOLD])
    last = event.thread.comments.order_by("-pk").values_list("pk", flat=True).first()
    text = f"{event.by} commented on {document}."
    key = f"thread:{event.thread.pk}:{last}"
    return [Told("comment.written", found, text, event.thread.get_absolute_url(), key, document)]


def absence_announced(event: Any) -> list[Told]:
    text = (
        f"{event.person} is away from {moment(event.since)} until {moment(event.until)}. Reviews that you may judge are"
        " asked of you in their place."
    )
    return [
        Told("absence.announced", [event.stand_in], text, "/accounts/absence/", f"absence:{event.absence.pk}")
    ]


def absence_ended(event: Any) -> list[Told]:
    text = f"{event.person} is asked for reviews themselves again."
    return [
        Told("absence.ended", [event.stand_in], text, "/accounts/absence/", f"absence:{event.absence.pk}")
    ]
