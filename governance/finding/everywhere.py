"""Search over models, systems, datasets and documents at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from registry.models import Dataset, Document, Model, SearchRow, System, User, sees_everything
from registry.search.matching import matches, relevance
from registry.search.query import Query
from registry.search.snippets import Snippet, snippets

SHOWN = 10  # of each kind on the page

# kind, its label, its icon, and the name of the page that lists all of it ("" where there is none)
KINDS = (
    ("model", "Models", "model", "models"),
    ("system", "Systems", "system", "systems"),
    ("dataset", "Datasets", "dataset", "datasets"),
    ("document", "Cards and datasheets", "card", ""),
)


@dataclass(frozen=True)
class Hit:
    """Something that was found, and where the query stands in it."""

    kind: str
    name: str
    subject: Any
    snippet: Snippet | None

    @property
    def url(self) -> str:
        """Its page."""
        return str(self.subject.get_absolute_url())


@dataclass(frozen=True)
class Group:
    """What was found of one kind: the first hits, how many there are, and where all of them are listed."""

    kind: str
    label: str
    icon: str
    hits: list[Hit]
    count: int
    url: str


def search(user: User, query: Query, *, kinds: tuple[str, ...] = (), shown: int = SHOWN) -> list[Group]:
    """What of each kind fits and is visible to `user`: a fixed number of queries, best hits first."""
    if not query:
        return []
    places = [place for place in KINDS if not kinds or place[0] in kinds]
    found = {kind: _found(user, query, kind) for kind, *_ in places}
    first = {kind: list(_best(query, kind, rows)[:shown]) for kind, rows in found.items()}
    indexed = _rows(first)
    marked = snippets(query, indexed.values())
    groups = []
    for kind, label, icon, page in places:
        hits = [
            Hit(row.kind, row.name, one, marked.get(row.pk))
            for one in first[kind]
            if (row := indexed.get((kind, one.pk)))
        ]
        count = found[kind].count()
        url = f"{reverse(page)}?{urlencode({'q': query.text})}" if page else ""
        groups.append(Group(kind, label, icon, hits, count, url))
    return groups


def _found(user: User, query: Query, kind: str) -> QuerySet[Any]:
    subject: Any = {"model": Model, "system": System, "dataset": Dataset, "document": Document}[kind]
    if sees_everything(user):
        seen = subject.objects.all()
    else:
        seen = subject.objects.filter(pk__in=subject.objects.visible_to(user).values("pk"))
    found: QuerySet[Any] = seen.filter(matches(query, kind))
    return found


def _best(query: Query, kind: str, found: QuerySet[Any]) -> QuerySet[Any]:
    """Best hits first. Long texts are not ranked, that would unpack each of them: documents come newest first."""
    ranked: QuerySet[Any] = (
        found.select_related("version__model", "dataset").order_by("-pk")
        if kind == "document"
        else found.annotate(relevance=relevance(query)).order_by("-relevance", "-pk")
    )
    return ranked


def _rows(first: dict[str, list[Any]]) -> dict[tuple[str, int], SearchRow]:
    """The rows of the index about what was found, in one query."""
    wanted = [Q(**{f"{kind}__in": [one.pk for one in rows]}) for kind, rows in first.items()]
    rows = SearchRow.objects.filter(reduce(or_, wanted)).defer("vector")
    return {(kind, key): row for row in rows for kind in first if (key := getattr(row, f"{kind}_id"))}
