"""What can be asked of the decisions: filters for the list, for the live stream and for the figures above them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from governance.models import Decision
from registry.models import Environment

ANSWERS = (("allowed", "Allowed"), ("refused", "Refused"))
DOORS = (("check", "Check"), ("proxy", "Proxy"))
PERIODS = (
    ("hour", "Last hour", timedelta(hours=1)),
    ("day", "Last 24 hours", timedelta(days=1)),
    ("week", "Last 7 days", timedelta(days=7)),
    ("month", "Last 30 days", timedelta(days=30)),
    ("all", "Any time", None),
)
LENGTHS = {name: length for name, _, length in PERIODS}
ENVIRONMENTS = (*Environment.choices, ("none", "Not known"))
COUNTED = 10_000  # more than so many are not counted one by one
PATIENCE_MS = 4_000  # for a filter that no index answers


class TooSlow(Exception):
    """No index answers this filter, and the rows of that time are too many to look at each."""


class TooMany(Exception):
    """Decisions that only the journal knows, and more than are looked at each for a picture."""


@dataclass(frozen=True)
class Chosen:
    """The filters of one request. What cannot be read filters nothing, except a token or network: that finds nothing."""

    period: str = "day"
    model: str = ""
    answer: str = ""
    reason: str = ""
    environment: str = ""
    caller: str = ""
    token: str = ""
    network: str = ""
    door: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def own(self) -> dict[str, str]:
        """What was chosen, for an address; the period only where it is not the usual one."""
        found = {name: getattr(self, name) for name in NAMES if getattr(self, name)}
        if self.period == "day":
            found.pop("period")
        for name in ("since", "until"):
            if moment := getattr(self, name):
                found[name] = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"
        return found

    @property
    def address(self) -> str:
        """The filters as a query string."""
        return urlencode(self.own)

    @property
    def narrowed(self) -> bool:
        """Whether anything but the time was chosen."""
        return bool(self.own.keys() - {"period", "since", "until"})

    @property
    def is_costly(self) -> bool:
        """Whether rows may have to be looked at one by one: no index helps, and the time is long."""
        if self.token or not self.own.keys() - {"period", "since", "until", "model"}:
            return False
        return self.period not in ("hour", "day") or self.since is not None

    @property
    def is_summed(self) -> bool:
        """Whether the sums over hours and days know enough: they hold no tokens and no networks."""
        return not (self.token or self.network)

    def start(self, now: datetime) -> datetime | None:
        """Since when; None for ever."""
        if self.since or self.until:
            return self.since
        length = LENGTHS[self.period]
        return now - length if length else None

    def of(self, rows: QuerySet[Decision], *, now: datetime | None = None) -> QuerySet[Decision]:
        """The decisions that fit."""
        if start := self.start(now or timezone.now()):
            rows = rows.filter(decided_at__gte=start)
        if self.until:
            rows = rows.filter(decided_at__lt=self.until)
        rows = rows.filter(self._alike())
        if self.token:
            rows = rows.filter(token=self.token)
        return rows.filter(network=self.network) if self.network else rows

    def of_traffic(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The same of what is counted by hour, without the time."""
        return rows.filter(self._alike())

    def _alike(self) -> Q:
        found = Q()
        for name in ("model", "reason", "caller", "door"):
            if value := getattr(self, name):
                found &= Q(**{name: value})
        if self.environment:
            found &= Q(environment="" if self.environment == "none" else self.environment)
        return found & Q(allowed=self.answer == "allowed") if self.answer else found


NAMES = ("period", "model", "answer", "reason", "environment", "caller", "token", "network", "door")
CLOSED: dict[str, tuple[str, ...]] = {
    "period": tuple(LENGTHS),
    "answer": tuple(dict(ANSWERS)),
    "environment": tuple(value for value, _ in ENVIRONMENTS),
    "door": tuple(dict(DOORS)),
}


def chosen(given: Mapping[str, str]) -> Chosen:
    """The filters in a query string."""
    found: dict[str, str] = {name: given.get(name, "").replace("\x00", "").strip()[:150] for name in NAMES}
    for name, known in CLOSED.items():
        if found[name] not in known:
            found[name] = "day" if name == "period" else ""
    return Chosen(
        **found | {"token": _key(found["token"]), "network": _address(found["network"])},
        since=_moment(given.get("since", "")),
        until=_moment(given.get("until", "")),
    )


@contextmanager
def within_patience(asked: Chosen) -> Iterator[None]:
    """Look no longer than is bearable, where it could take long; then raise `TooSlow`."""
    if not asked.is_costly:
        yield
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            yield
            with connection.cursor() as cursor:  # a transaction around this one keeps what it had
                cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":
            raise TooSlow from error
        raise


def counted(rows: QuerySet[Decision]) -> int:
    """How many, up to one more than are counted."""
    return rows.order_by()[: COUNTED + 1].count()


def _key(text: str) -> str:
    """The id of a token as decisions hold it. What is none stays as it is, and matches nothing."""
    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError:
        return text[:36]


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if text else ""
    except ValueError:
        return text[:45]


def _moment(text: str) -> datetime | None:
    """A time in UTC, as the field of a form or an address gives it."""
    try:
        found = parse_datetime(text.replace("\x00", "").strip()[:40])
    except ValueError:
        return None
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
