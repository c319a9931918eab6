"""Conditions of purpose, size and number. Each reads its part of the JSON, says whether it holds, and says itself in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from governance.policies.reading import Unreadable, is_count, listed, texts, times
from governance.policies.times import is_zone, zone
from governance.policies.words import MOST_BYTES, MOST_CALLS, PURPOSE, QUOTA_SPANS, RATE_SECONDS, Query


@dataclass(frozen=True)
class Purposes:
    """The query names one of these purposes."""

    names: tuple[str, ...]
    code: ClassVar[str] = "policy_purpose"
    label: ClassVar[str] = "Purpose"

    @classmethod
    def read(cls, raw: Any) -> Purposes:
        """A list of purposes, each an intended use of the card, written as in the header Cardinal-Purpose."""
        names = texts(raw)
        if names is None or not all(PURPOSE.match(name) for name in names):
            raise Unreadable("purposes are intended uses, in small letters, digits and hyphens.")
        return cls(names)

    def holds(self, query: Query) -> bool | None:
        return query.purpose in self.names if query.purpose else None

    @property
    def words(self) -> str:
        return f"for the purpose {listed(self.names, 'or')}"


@dataclass(frozen=True)
class Payload:
    """The body of the query is no longer than this."""

    limit: int
    code: ClassVar[str] = "policy_payload"
    label: ClassVar[str] = "Payload"

    @classmethod
    def read(cls, raw: Any) -> Payload:
        """A number of bytes."""
        if not is_count(raw, MOST_BYTES):
            raise Unreadable(f"max_payload_bytes is a whole number from 1 to {MOST_BYTES}.")
        return cls(raw)

    def holds(self, query: Query) -> bool | None:
        size = query.payload_bytes
        return None if size is None else size <= self.limit

    @property
    def words(self) -> str:
        return f"with at most {self.limit} bytes a query"


@dataclass(frozen=True)
class Rate:
    """The caller stays within a rate. What was counted stands in the query, by the rule's key."""

    key: str
    limit: int
    per: str
    code: ClassVar[str] = "policy_rate"
    label: ClassVar[str] = "Rate"

    @classmethod
    def read(cls, raw: Any, key: str) -> Rate:
        """{"limit": 10, "per": "minute"}."""
        if not _is_limit(raw, RATE_SECONDS, {"limit", "per"}):
            raise Unreadable('a rate is a limit per second, minute or hour: {"limit": 10, "per": "minute"}.')
        return cls(key, raw["limit"], raw["per"])

    def holds(self, query: Query) -> bool | None:
        return _left(query, self.key, self.code)

    @property
    def words(self) -> str:
        return f"at most {times(self.limit)} a {self.per}"


@dataclass(frozen=True)
class Quota:
    """The caller stays within a number for each day or month of a time zone."""

    key: str
    limit: int
    per: str
    zone: str
    code: ClassVar[str] = "policy_quota"
    label: ClassVar[str] = "Quota"

    @classmethod
    def read(cls, raw: Any, key: str) -> Quota:
        """{"limit": 1000, "per": "day", "zone": "Europe/Berlin"}."""
        if not _is_limit(raw, QUOTA_SPANS, {"limit", "per", "zone"}) or not is_zone(raw.get("zone")):
            raise Unreadable(
                'a quota is a limit per day or month of a zone: {"limit": 1000, "per": "day", "zone": "UTC"}.'
            )
        return cls(key, raw["limit"], raw["per"], raw["zone"])

    def holds(self, query: Query) -> bool | None:
        return _left(query, self.key, self.code)

    def window(self, at: datetime) -> tuple[str, datetime]:
        """The name of the day or month that `at` lies in there, and when it ends."""
        there = at.astimezone(zone(self.zone))
        if self.per == "day":
            name, after = there.date().isoformat(), there.date() + timedelta(days=1)
        else:
            name = f"{there:%Y-%m}"
            after = date(there.year + there.month // 12, there.month % 12 + 1, 1)
        return name, datetime.combine(after, time(), zone(self.zone)).astimezone(UTC)

    @property
    def words(self) -> str:
        return f"at most {times(self.limit)} a {self.per} ({self.zone})"


@dataclass(frozen=True)
class Charge:
    """What has to be counted before a rule may allow."""

    key: str
    rate: Rate | None
    quota: Quota | None


def _left(query: Query, key: str, code: str) -> bool | None:
    if key not in query.spent:
        return None
    shortage = query.spent[key]
    if shortage is None:
        return True
    return None if shortage.code not in (Rate.code, Quota.code) else shortage.code != code


def _is_limit(raw: Any, spans: Iterable[str], parts: set[str]) -> bool:
    return (
        isinstance(raw, dict)
        and set(raw) == parts
        and is_count(raw["limit"], MOST_CALLS)
        and isinstance(raw["per"], str)
        and raw["per"] in spans
    )
