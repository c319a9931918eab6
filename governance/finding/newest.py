"""The newest decisions that fit, and how many there are: the sums of their course say where not to look.

An index finds those of a model, a caller, a token. What no index knows (a door, an answer, two things at once) is looked for
from the newest on, and of something rare the whole of the time would be read for fifty rows. The bars say in which days or hours
they lie; and how many they are, but for the bars at the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from governance.finding.decisions import COUNTED, Chosen, counted
from governance.finding.traffic import Bar, Course, course
from governance.models import DayTraffic, Decision, Token
from registry.models import Model, User, sees_everything
from registry.paging import reached

Rows = QuerySet[Decision]
DAY = timedelta(days=1)
MOST_TOKENS = 200  # of one account; whoever has more is looked for by name


@dataclass(frozen=True)
class Place:
    """Where a list is looked at: its course, from when until when it goes, and how many rows a page of it has.

    `is_known`: the sums know all of it, and nothing of it is older than the bars.
    """

    course: Course
    start: datetime | None
    until: datetime | None
    size: int
    is_known: bool

    @property
    def bars(self) -> list[Bar]:
        """All that is known of, the oldest first."""
        return [self.course.eve, *self.course.bars]

    @property
    def length(self) -> timedelta:
        """Of one bar."""
        return timedelta(hours=self.course.hours)

    def whole(self, before: datetime | None = None) -> list[Bar]:
        """The bars of which every decision belongs to the list, and lies before this moment."""
        end = min((one for one in (self.until, before) if one), default=None)
        return [
            bar
            for bar in self.bars
            if (self.start is None or bar.start >= self.start)
            and (end is None or bar.start + self.length <= end)
        ]


def seen_by(user: User, asked: Chosen, *, now: datetime) -> Rows:
    """The decisions that fit and that `user` may see. One query where a model is named."""
    rows = Decision.objects.all()
    if not asked.is_summed:
        rows = rows.visible_one_by_one(user)
    elif not asked.model:
        rows = rows.visible_to(user)
    elif not (sees_everything(user) or Model.objects.visible_to(user).filter(slug=asked.model).exists()):
        rows = rows.none()
    return asked.of(rows, now=now)


def needs_sums(asked: Chosen) -> bool:
    """Whether no index finds these by itself: something that has none, or two things at once."""
    told = asked.own.keys() - {"period", "since", "until"}
    return asked.is_summed and bool(told) and (len(told) > 1 or not told <= {"model", "reason"})


def page_of(
    rows: Rows, user: User, asked: Chosen, request: HttpRequest, *, by: str, size: int, now: datetime
) -> Rows:
    """The same rows as far as the page is concerned that the request asks for."""
    place = place_of(user, asked, course(user, asked, now), now=now, size=size)
    return shown(by_tokens(rows, asked.caller) if asked.caller else rows, place, request, by=by)


def shown(rows: Rows, place: Place, request: HttpRequest, *, by: str) -> Rows:
    """The same rows as far as the page is concerned that the request asks for, in the order of `by`: time, the newest first."""
    if "before" in request.GET:  # upwards from somewhere; few do
        return rows
    mark = reached(rows, request, by=by)
    return narrowed(rows, place, before=parse_datetime(mark) if mark else None)


def place_of(user: User, asked: Chosen, course: Course, *, now: datetime, size: int) -> Place:
    """Where this list is looked at. Two queries at most."""
    start, first = asked.start(now), course.eve.start
    known = _is_exact(user, asked, start)
    if known and (start is None or start < first):
        older = asked.of_traffic(DayTraffic.objects.visible_to(user)).filter(hour__lt=first)
        known = not (older.filter(hour__gte=start - DAY) if start else older).exists()
    return Place(course, start, asked.until, size, known)


def by_tokens(rows: Rows, caller: str) -> Rows:
    """The same rows, those of `caller`, by the tokens of that account: they have an index, and names have none. Accounts keep
    their names and tokens stay on record. One query.
    """
    keys = Token.objects.filter(owner__username=caller).values_list("pk", flat=True)[: MOST_TOKENS + 1]
    known = [str(key) for key in keys]
    return rows.filter(token__in=known) if 0 < len(known) <= MOST_TOKENS else rows


def narrowed(rows: Rows, place: Place, *, before: datetime | None = None) -> Rows:
    """The same rows as far as the newest page of them, before this moment, is concerned."""
    seen = 0
    for bar in reversed(place.whole(before)):
        seen += bar.allowed + bar.refused
        if seen > place.size:  # one more says that there is another page
            return rows.filter(decided_at__gte=bar.start)
    if not place.is_known:
        return rows
    filled = [bar.start for bar in place.bars if bar.allowed or bar.refused]
    return rows.filter(decided_at__gte=filled[0]) if filled else rows.none()


def number(rows: Rows, place: Place) -> int:
    """How many, up to one more than are counted. Rows themselves are counted at the edges, or where the sums do not know all."""
    whole = place.whole()
    summed = sum(bar.allowed + bar.refused for bar in whole)
    if summed > COUNTED:
        return COUNTED + 1
    if not place.is_known:
        return counted(rows)
    edges = _edges(place.bars, whole, place.length)
    return min(summed + (counted(rows.filter(edges)) if edges else 0), COUNTED + 1)


def _is_exact(user: User, asked: Chosen, start: datetime | None) -> bool:
    """Whether the sums know every decision that `user` sees: but for those about a name that became a model afterwards, or
    never. One query at most.
    """
    if sees_everything(user) and not asked.model:
        return True
    if start is None:
        return False
    models = Model.objects.visible_to(user)
    if asked.model:
        return models.filter(slug=asked.model, first_seen_at__lt=start).exists()
    return not models.filter(first_seen_at__gte=start).exists()


def _edges(bars: Sequence[Bar], whole: Sequence[Bar], length: timedelta) -> Q:
    """When decisions of the list may lie in bars that also hold others; nothing where those bars are empty."""
    kept, found = {bar.start for bar in whole}, Q()
    for bar in bars:
        if bar.start not in kept and (bar.allowed or bar.refused):
            found |= Q(decided_at__gte=bar.start, decided_at__lt=bar.start + length)
    return found
