"""How much was asked, by whom, and why it was refused: sums over the hours of decisions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Sum
from django.db.models.functions import TruncHour

from governance.finding.decisions import COUNTED, Chosen, TooMany, counted
from governance.models import DayTraffic, Decision, QuarterTraffic, Traffic
from registry.models import User

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
MOST_BARS = 90
# By period: hours of one bar, and how many bars
BARS = {"hour": (1, 24), "day": (1, 24), "week": (6, 28), "month": (24, 30), "all": (24, 90)}
QUARTER = 6  # hours
SUMS: tuple[tuple[int, Any], ...] = (
    (24, DayTraffic),
    (QUARTER, QuarterTraffic),
    (1, Traffic),
)  # by hours of a row
MOST_ROWS = 50
RECENT = 5_000  # decisions from which times are told


@dataclass(frozen=True)
class Bar:
    """Decisions from `start` on, for the length of one bar."""

    start: datetime
    allowed: int
    refused: int


@dataclass(frozen=True)
class Course:
    """Decisions over time."""

    hours: int  # of one bar
    bars: Sequence[Bar]
    eve: Bar  # the one before the first, which is not drawn: the period may begin within it

    @property
    def allowed(self) -> int:
        return sum(bar.allowed for bar in self.bars)

    @property
    def refused(self) -> int:
        return sum(bar.refused for bar in self.bars)

    @property
    def total(self) -> int:
        return self.allowed + self.refused

    @property
    def step(self) -> str:
        """What one bar is."""
        return {1: "hour", 24: "day"}.get(self.hours, f"{self.hours} hours")

    def label(self, bar: Bar) -> str:
        """What stands below a bar."""
        return f"{bar.start:%H}:00" if self.hours == 1 else f"{bar.start:%d %b}"


def course(user: User, asked: Chosen, now: datetime) -> Course:
    """Allowed and refused over the period, as far as `user` sees the models. One query; two where decisions themselves are
    counted, by a token or an address: then `TooMany` where they are more than are counted one by one.

    A time of one's own is told by whole bars: the first and the last may reach beyond it.
    """
    end = min(asked.until or now, now)
    length, many = _shape(asked, end)
    starts = _starts(end, length, many + 1)
    if asked.is_summed:
        sums = next(kind for hours, kind in SUMS if length % hours == 0)
        rows = asked.of_traffic(sums.objects.visible_to(user))
        rows = rows.filter(hour__gte=starts[0], hour__lt=starts[-1] + HOUR * length)
        found = rows.values_list("hour", "allowed").annotate(n=Sum("count")).order_by()
    else:
        kept = asked.of(Decision.objects.visible_one_by_one(user), now=now)
        kept = kept.filter(decided_at__gte=starts[0])
        if counted(kept) > COUNTED:
            raise TooMany
        found = (
            kept.annotate(hour=TruncHour("decided_at", tzinfo=UTC))
            .values_list("hour", "allowed")
            .annotate(n=Count("pk"))
            .order_by()
        )
    summed: dict[tuple[int, bool], int] = defaultdict(int)
    for hour, allowed, number in found:
        summed[int((hour - starts[0]) / (HOUR * length)), allowed] += number
    eve, *bars = [Bar(start, summed[place, True], summed[place, False]) for place, start in enumerate(starts)]
    return Course(length, bars, eve)


def refusals(user: User, since: datetime) -> list[tuple[str, int]]:
    """The reasons of refusals since then, most frequent first."""
    rows = Traffic.objects.visible_to(user).filter(hour__gte=since, allowed=False)
    return [
        (row["reason"], row["n"])
        for row in rows.values("reason").annotate(n=Sum("count")).order_by("-n", "reason")[:20]
    ]


@dataclass(frozen=True)
class Asker:
    """Who asked how much."""

    caller: str
    environment: str
    allowed: int
    refused: int
    last: datetime  # the hour in which it asked last

    @property
    def total(self) -> int:
        return self.allowed + self.refused


def askers(rows: Sequence[tuple[Any, ...]]) -> list[Asker]:
    """Who asked, most first."""
    found: dict[tuple[str, str], list[Any]] = {}
    for caller, environment, _, allowed, number, last in rows:
        one = found.setdefault((caller, environment), [0, 0, last])
        one[0 if allowed else 1] += number
        one[2] = max(one[2], last)
    made = [Asker(*key, *value) for key, value in found.items()]
    return sorted(made, key=lambda one: (-one.total, one.caller, one.environment))


def refused_for(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, int]]:
    """The reasons of refusals, most frequent first."""
    found: dict[str, int] = defaultdict(int)
    for _, _, reason, allowed, number, _ in rows:
        if not allowed:
            found[reason] += number
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))


@dataclass(frozen=True)
class Latencies:
    """From request to decision, over the last decisions, in milliseconds."""

    of: int
    median: float
    most: float  # 95 of 100 were faster
    worst: float


def latencies(slug: str, since: datetime) -> Latencies | None:
    """How long the gate took for this model; None where the journal does not hold it. One query, or none."""
    if not keeps_times():
        return None
    with connection.cursor() as cursor:
        cursor.execute(LATENCIES, [slug, since, RECENT])
        number, median, most, worst = cursor.fetchone()
    return Latencies(number, median / 1000, most / 1000, worst / 1000) if number else None


def keeps_times() -> bool:
    """Whether a decision holds how long it took."""
    return any(one.name == "microseconds" for one in Decision._meta.concrete_fields)


LATENCIES = """
SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY microseconds),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY microseconds), max(microseconds)
FROM (SELECT microseconds FROM governance_decision WHERE model = %s AND decided_at >= %s AND microseconds IS NOT NULL
      ORDER BY decided_at DESC LIMIT %s) AS recent
"""


def of_model(slug: str, since: datetime) -> list[tuple[Any, ...]]:
    """(caller, environment, reason, allowed, number, last hour) of one model since then. One query."""
    rows = Traffic.objects.filter(model=slug, hour__gte=since)
    return list(
        rows.values_list("caller", "environment", "reason", "allowed")
        .annotate(n=Sum("count"), last=Max("hour"))
        .order_by()
    )


def _shape(asked: Chosen, end: datetime) -> tuple[int, int]:
    """Hours of one bar, and how many bars: those of the period, or what suits a time of one's own."""
    if not (asked.since or asked.until):
        return BARS[asked.period]
    hours = (end - (asked.since or end - MONTH)) / HOUR
    length = 1 if hours <= 48 else QUARTER if hours <= 14 * 24 else 24
    return length, max(1, min(MOST_BARS, math.ceil(hours / length) + 1))


def _starts(now: datetime, length: int, many: int) -> list[datetime]:
    """Where the bars begin: on whole hours, or on days of UTC."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    this -= HOUR * (this.hour % length)
    return [this - HOUR * length * back for back in range(many - 1, -1, -1)]
