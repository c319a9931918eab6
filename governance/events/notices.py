"""Reminders of reviews, and absences. Notices themselves are no events: they tell of what stands in the trail already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Absence, Review
    from registry.models import User


@dataclass(frozen=True, kw_only=True)
class ReviewReminded(Event):
    """Whoever may still judge is reminded, for the n-th time."""

    name: ClassVar[str] = "review.reminded"
    review: Review
    number: int


@dataclass(frozen=True, kw_only=True)
class ReviewEscalated(Event):
    """Nobody judged in time: the roles in `to` are told."""

    name: ClassVar[str] = "review.escalated"
    review: Review
    to: str


@dataclass(frozen=True, kw_only=True)
class RemindersSet(Event):
    """From now on reviews are reminded of like this. `cadence` is said in words."""

    name: ClassVar[str] = "review.reminders_set"
    cadence: str
    previous: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class AbsenceAnnounced(Event):
    """From `since` until `until`, `stand_in` is asked for reviews in place of `person`."""

    name: ClassVar[str] = "absence.announced"
    absence: Absence
    person: User
    stand_in: User
    since: str
    until: str


@dataclass(frozen=True, kw_only=True)
class AbsenceEnded(Event):
    """Called off before it began, or over before its time."""

    name: ClassVar[str] = "absence.ended"
    absence: Absence
    person: User
    stand_in: User
