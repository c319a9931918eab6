"""What happens, told upwards. A floor never imports the floor above: it publishes, and whoever must know listens.

`publish` runs inside the transaction that made the event true. A listener that fails undoes the change:
no trail, no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.dispatch import Signal

if TYPE_CHECKING:
    from registry.models import User

happened = Signal()  # provides: event
happened_together = Signal()  # provides: events; whoever listens to the one listens to the other


class Unheard(RuntimeError):
    """An event was published where nobody could keep it. A programming error, never caught."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened because of `by`. Subclasses name it `floor_noun.past_tense`; names never change."""

    name: ClassVar[str]
    by: User

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Every field but the actor, by name."""
        for one in fields(self):
            if one.name != "by":
                yield one.name, getattr(self, one.name)

    def subjects(self) -> list[models.Model]:
        """The objects whose history this event belongs to."""
        found: dict[tuple[type, Any], models.Model] = {}
        for _, value in self.facts():
            for relative in value.kin() if hasattr(value, "kin") else []:
                found[type(relative), relative.pk] = relative
        return list(found.values())


def publish(event: Event) -> None:
    """Tell `event` to whoever listens, inside the transaction that made it true."""
    if not transaction.get_connection().in_atomic_block:
        raise Unheard(f"{event.name} was published outside a transaction")
    if not happened.has_listeners(type(event)):
        raise Unheard(f"nobody keeps {event.name}")
    happened.send(sender=type(event), event=event)  # send, never send_robust: a listener may veto


def publish_together(events: Sequence[Event]) -> None:
    """Tell many events at once, each as it would have been told alone: a first read brings thousands.

    One signal, so that a listener may write all of its rows in one statement and judge each version once.
    """
    if not events:
        return
    if not transaction.get_connection().in_atomic_block:
        raise Unheard(f"{events[0].name} was published outside a transaction")
    if not happened_together.has_listeners():
        raise Unheard(f"nobody keeps {events[0].name}")
    happened_together.send(sender=Event, events=events)
