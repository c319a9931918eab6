"""The trail: one entry per event, in the event's own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from audit.models import Entry, reference
from governance.middleware import request_id
from registry import canonical
from registry.events import Event, happened, happened_together


def connect() -> None:
    """Listen to every event. Called once, when the application starts."""
    happened.connect(keep, dispatch_uid="audit.trail")
    happened_together.connect(keep_together, dispatch_uid="audit.trail")


def keep(sender: type[Event], event: Event, **_: Any) -> Entry:
    """Write `event` down. A failure here undoes the change that the event tells of."""
    entry = _entry(event)
    entry.save(force_insert=True)
    return entry


def keep_together(sender: type[Event], events: Sequence[Event], **_: Any) -> list[Entry]:
    """Write each of `events` down, in one statement a thousand."""
    return Entry.objects.bulk_create([_entry(event) for event in events], batch_size=1000)


def _entry(event: Event) -> Entry:
    body = canonical.canonical(
        {
            "kind": event.name,
            "by": describe(event.by),
            "facts": {name: describe(value) for name, value in event.facts()},
            "request": request_id.get(),
        }
    )
    return Entry(
        kind=event.name,
        actor=event.by.get_username(),
        subjects=[reference(subject) for subject in event.subjects()],
        body=body,
    )


def describe(value: Any) -> Any:
    """A value as it is written down: plain, and an object by its kind, key and name as they are now."""
    if isinstance(value, models.Model):
        return {"kind": value._meta.label_lower, "id": str(value.pk), "name": str(value)[:300]} | _address(
            value
        )
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    raise TypeError(
        f"An event carries objects, text, whole numbers and truth values, not {type(value).__name__}."
    )


def _address(value: models.Model) -> dict[str, str]:
    address = getattr(value, "get_absolute_url", None)
    return {"path": address()} if address else {}
