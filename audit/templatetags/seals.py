"""Where the trail holds what another floor shows: a page names this tag, and no floor imports the one above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import template

from audit.events import DecisionsSealed
from audit.models import Entry, SealedBatch
from governance.models import Batch
from registry.models import User

register = template.Library()


@dataclass(frozen=True)
class Seal:
    """When a batch was taken into the trail, and the entry that did it for whoever may read it."""

    at: datetime
    entry: Entry | None


@register.simple_tag
def seal_of(batch: Batch, user: User) -> Seal | None:
    """The seal of a batch of decisions; None while the trail does not know it. Two queries at most."""
    sealed = SealedBatch.objects.filter(pk=batch.pk).first()
    if sealed is None:
        return None
    entries = Entry.objects.visible_to(user).about(batch).filter(kind=DecisionsSealed.name)
    return Seal(sealed.sealed_at, entries.first())
