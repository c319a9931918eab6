"""What can be asked of a list: search, filters from closed words or from what occurs, and sorting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from registry.models import User, sees_everything
from registry.search.matching import Among, Keys, Within, by_relevance, gathered, keys
from registry.search.query import LONGEST, Query, parse

WITHIN = (
    ("7", "Last 7 days"),
    ("30", "Last 30 days"),
    ("90", "Last 90 days"),
    ("older", "More than 90 days ago"),
)


@dataclass(frozen=True)
class Criterion:
    """A filter. With `options` only these values count; without, any value that occurs (offered by `occurring`)."""

    name: str
    label: str
    help: str
    options: tuple[tuple[str, str], ...] = ()
    default: str = ""  # what holds when nothing is chosen, where something always must

    def read(self, text: str) -> str:
        """The value, or "" for one that this filter does not know."""
        given = text.replace("\x00", "").strip()[:LONGEST]
        return given if not self.options or given in dict(self.options) else ""

    def said(self, value: str) -> str:
        """The value in words."""
        return dict(self.options).get(value, value)


@dataclass(frozen=True)
class Column:
    """A column of the exported table: its head, and what stands below it, in words."""

    label: str
    value: Callable[[Any], str]


@dataclass(frozen=True)
class Plan:
    """A list: what can be asked of it, its rows for somebody who asks it, and the columns of its file.

    `matching` says which rows fit and are visible; `dressed` fetches by their keys all that rows show. The two are apart so that a page
    is cut first, and what costs something is asked of its fifty rows only.
    """

    page: str  # also the name of its address
    kind: Any  # the class of its rows
    noun: str
    criteria: tuple[Criterion, ...]
    sorts: Mapping[str, str]  # the word in the address → the column
    matching: Callable[[User, Chosen], QuerySet[Any]]
    dressed: Callable[[User, Chosen, Sequence[int]], Iterable[Any]]
    columns: tuple[Column, ...]
    occurring: Callable[[User, Chosen], dict[str, list[tuple[str, int]]]] = field(
        default=lambda _user, _asked: {}
    )
    sort: str = "name"  # the order without a search; a search sorts by relevance

    def chosen(self, given: Mapping[str, str]) -> Chosen:
        """What `given`, an address's parameters, asks of this list; what it does not know is left out."""
        values = {one.name: one.read(given.get(one.name, "")) for one in self.criteria}
        sort = given.get("sort", "")
        known = sort.removeprefix("-") in self.sorts or sort == "relevance"
        query = parse(given.get("q", "").replace("\x00", ""))
        asked = {name: value for name, value in values.items() if value}
        return Chosen(self, query, asked, sort if known and (sort != "relevance" or query) else "")

    def fitting(self, user: User, chosen: Chosen) -> Keys | None:
        """Which rows fit, asked once, for what a page counts and what it is cut from; None for all there are."""
        if chosen.values:
            return gathered(self.matching(user, chosen))
        return chosen.open_to(user)

    def ordered(self, user: User, chosen: Chosen) -> QuerySet[Any]:
        """The rows that fit, bare: with their key and the column that pages are cut by."""
        kind = self.kind._meta.model_name
        fitting = chosen.fitting(user)
        column = chosen.by.removeprefix("-")
        if column == "relevance" and fitting:
            return by_relevance(chosen.query, kind, fitting).only("pk")
        rows: QuerySet[Any] = self.kind.objects.all()
        if column == "changed_at":
            rows = rows.annotate(changed_at=F("indexed__changed_at")).filter(indexed__kind=kind)
        if fitting:
            # Where the index says the order, the keys are looked up there: it is far wider than what it is joined to.
            key = f"indexed__{kind}_id" if column == "changed_at" else "pk"
            rows = rows.filter(Among(F(key), fitting.array))
        return rows.only("pk" if column == "changed_at" else column)

    def rows(self, user: User, chosen: Chosen, keys: Sequence[int]) -> list[Any]:
        """The rows with these keys, in this order, with all that they show."""
        found = {row.pk: row for row in self.dressed(user, chosen, keys)}
        return [found[key] for key in keys if key in found]

    def unknown(self, given: Iterable[str]) -> list[str]:
        """The names among `given` that mean nothing here."""
        return sorted(set(given) - {"q", "sort", *(one.name for one in self.criteria)})


@dataclass(frozen=True)
class Chosen:
    """What somebody asks of a list."""

    plan: Plan
    query: Query
    values: Mapping[str, str]
    sort: str

    def __bool__(self) -> bool:
        return bool(self.query or self.values)

    def __getitem__(self, name: str) -> str:
        defaults = {one.name: one.default for one in self.plan.criteria}
        return {**defaults, **self.values}[name]

    def seen(self, user: User) -> Keys | None:
        """What `user` may see of this list, asked once; None for everything."""
        if user.pk not in self._seen:
            rows = self.plan.kind.objects.visible_to(user)
            self._seen[user.pk] = None if sees_everything(user) else gathered(rows)
        return self._seen[user.pk]

    def open_to(self, user: User) -> Keys | None:
        """What the search finds of it, or else all of it; None for everything."""
        if not self.query:
            return self.seen(user)
        if user.pk not in self._found:
            kind = self.plan.kind._meta.model_name
            self._found[user.pk] = keys(self.query, kind, user=user)[kind]
        return self._found[user.pk]

    def rows(self, user: User) -> QuerySet[Any]:
        """The rows that the search finds and `user` may see, as one set; what filters narrow."""
        keys = self.open_to(user)
        every: QuerySet[Any] = self.plan.kind.objects.all()
        return every.filter(Within(F("pk"), keys.array)) if keys else every

    def fitting(self, user: User) -> Keys | None:
        """What fits and `user` may see; None for all there are."""
        if user.pk not in self._fitting:
            self._fitting[user.pk] = self.plan.fitting(user, self)
        return self._fitting[user.pk]

    def count(self, user: User) -> int:
        """How many rows fit."""
        fitting = self.fitting(user)
        return fitting.count if fitting else self.plan.kind.objects.count()

    @cached_property
    def _fitting(self) -> dict[int, Keys | None]:
        return {}

    @cached_property
    def _found(self) -> dict[int, Keys]:
        return {}

    @cached_property
    def _seen(self) -> dict[int, Keys | None]:
        return {}

    @property
    def order(self) -> str:
        """The word for the order that holds, "-" before it for downwards."""
        return self.sort or ("relevance" if self.query else self.plan.sort)

    @property
    def by(self) -> str:
        """The column that pages are cut by."""
        if self.order == "relevance":
            return "-relevance"
        column = self.plan.sorts[self.order.removeprefix("-")]
        return f"-{column}" if self.order.startswith("-") else column

    def parameters(self, *, without: str = "") -> dict[str, str]:
        """The parameters that ask this again, in an order of their own: two addresses that ask the same are equal."""
        every = {"q": self.query.text, **dict(sorted(self.values.items())), "sort": self.sort}
        return {name: value for name, value in every.items() if value and name != without}

    @property
    def address(self) -> str:
        """The query string that asks this again; "" for the whole list."""
        return urlencode(self.parameters())

    @property
    def chips(self) -> list[dict[str, str]]:
        """Each thing that is asked, in words, and the query string without it."""
        asked = [("q", "Search", self.query.text)] if self.query else []
        asked += [
            (one.name, one.label, one.said(self.values[one.name]))
            for one in self.plan.criteria
            if one.name in self.values
        ]
        return [
            {"label": label, "value": value, "url": f"?{urlencode(self.parameters(without=name))}"}
            for name, label, value in asked
        ]


def reread(plan: Plan, address: str) -> Chosen:
    """What a stored query string asks of the list now."""
    return plan.chosen(QueryDict(address).dict())


def within(column: str, value: str, now: datetime | None = None) -> Q:
    """The condition of WITHIN on a moment."""
    moment = now or timezone.now()
    if value == "older":
        return Q(**{f"{column}__lt": moment - timedelta(days=90)})
    return Q(**{f"{column}__gte": moment - timedelta(days=int(value))}) if value else Q()
