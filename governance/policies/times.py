"""Conditions of time: hours of the week by the clock on a wall, and validity."""

from __future__ import annotations

import calendar
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

from governance.policies.reading import Unreadable, listed, texts
from governance.policies.words import DAYS, MOST_NAMED, Query

DAY_NAMES = dict(zip(DAYS, calendar.day_name, strict=True))
MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class Span:
    """Some days of the week, from one time of day until another, in minutes since midnight; over midnight if it ends first."""

    days: tuple[str, ...]
    start: int
    end: int
    zone: str
    _places: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", frozenset(map(DAYS.index, self.days)))

    def holds(self, at: datetime) -> bool:
        """By the clock on the wall there: an hour that comes twice counts twice, one that is left out not at all."""
        there = at.astimezone(zone(self.zone))
        minute, today = there.hour * 60 + there.minute, there.weekday()
        if self.start < self.end:
            return self.start <= minute < self.end and today in self._places
        return (today in self._places and minute >= self.start) or (
            (today - 1) % 7 in self._places and minute < self.end
        )

    @property
    def words(self) -> str:
        """Monday to Friday from 08:00 to 18:00 (Europe/Berlin)."""
        places = [DAYS.index(day) for day in self.days]
        run = len(places) > 2 and places == list(range(places[0], places[-1] + 1))
        names = [DAY_NAMES[day] for day in self.days]
        days = (
            "every day" if len(places) == 7 else f"{names[0]} to {names[-1]}" if run else listed(names, "and")
        )
        return f"{days} from {clock(self.start)} to {clock(self.end)} ({self.zone})"


@dataclass(frozen=True)
class Hours:
    """It is one of these times of the week."""

    spans: tuple[Span, ...]
    code: ClassVar[str] = "policy_hours"
    label: ClassVar[str] = "Hours"

    @classmethod
    def read(cls, raw: Any) -> Hours:
        """A list of {"days": ["mon", …], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}."""
        if not isinstance(raw, list) or not 0 < len(raw) <= MOST_NAMED:
            raise Unreadable("hours are a list of days, from, to and zone.")
        return cls(tuple(_span(one) for one in raw))

    def holds(self, query: Query) -> bool | None:
        try:
            return True in [span.holds(query.at) for span in self.spans]
        except (OverflowError, ValueError):  # at the edge of the calendar there is no local time
            return None

    @property
    def words(self) -> str:
        return listed((span.words for span in self.spans), "or")


@dataclass(frozen=True)
class Validity:
    """It is not before one moment, and before another."""

    start: datetime | None
    end: datetime | None
    code: ClassVar[str] = "policy_validity"
    label: ClassVar[str] = "Validity"

    @classmethod
    def read(cls, start: Any, end: Any) -> Validity:
        """Two times with their zones; None or "" for always."""
        try:
            return cls(moment(start), moment(end))
        except Unreadable:
            key = "valid_from" if not _is_moment(start) else "valid_until"
            raise Unreadable(f"{key} is a time with its zone, such as 2027-01-31T12:00:00+00:00.") from None

    def holds(self, query: Query) -> bool | None:
        return (self.start is None or self.start <= query.at) and (self.end is None or query.at < self.end)

    @property
    def words(self) -> str:
        said = [f"from {stamp(self.start)}"] if self.start else []
        return " ".join([*said, f"until {stamp(self.end)}"] if self.end else said)


def stamp(moment: datetime) -> str:
    """2026-11-23 12:00 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def clock(minutes: int) -> str:
    """08:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _span(raw: Any) -> Span:
    if not isinstance(raw, dict) or set(raw) != {"days", "from", "to", "zone"}:
        raise Unreadable("hours have days, from, to and zone.")
    days = texts(raw["days"])
    if days is None or len(set(days)) < len(days) or not set(days) <= set(DAYS):
        raise Unreadable(f"days are a list of {', '.join(DAYS)}.")
    start, end = _minutes(raw["from"]), _minutes(raw["to"])
    if start is None or end is None or start in (end, MIDNIGHT):
        raise Unreadable(
            "hours go from one time of day to another, such as 08:00 to 18:00 or 00:00 to 24:00."
        )
    if not is_zone(raw["zone"]):
        raise Unreadable("the zone of hours is a name such as Europe/Berlin or UTC.")
    return Span(tuple(day for day in DAYS if day in days), start, end, raw["zone"])


def _minutes(text: Any) -> int | None:
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":" or not text.isascii():
        return None
    hour, minute = text[:2], text[3:]
    if not (hour.isdigit() and minute.isdigit()):
        return None
    found = int(hour) * 60 + int(minute)
    return found if int(minute) < 60 and found <= MIDNIGHT else None


def moment(value: Any) -> datetime | None:
    """A time with its zone, in UTC; None for none."""
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise Unreadable
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise Unreadable
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable from None


def _is_moment(value: Any) -> bool:
    try:
        moment(value)
    except Unreadable:
        return False
    return True


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Every time zone that is known here."""
    return frozenset(zoneinfo.available_timezones())


def is_zone(name: Any) -> bool:
    """Whether `name` is a time zone of the IANA database."""
    return isinstance(name, str) and name in zones()


@lru_cache(maxsize=256)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of this name, which is known."""
    return zoneinfo.ZoneInfo(name)
