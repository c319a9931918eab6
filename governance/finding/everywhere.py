"""Search over models, systems, datasets and documents at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from registry.models import SearchRow, User
from registry.search.matching import Keys, by_relevance, keys
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
    found = keys(query, *(kind for kind, *_ in places), user=user)
    first = {kind: list(_best(query, kind, fits)[:shown]) for kind, fits in found.items()}
    indexed = _rows(first)
    marked = snippets(query, indexed.values())
    groups = []
    for kind, label, icon, page in places:
        hits = [
            Hit(row.kind, row.name, one, marked.get(row.pk))
            for one in first[kind]
            if (row := indexed.get((kind, one.pk)))
        ]
        url = f"{reverse(page)}?{urlencode({'q': query.text})}" if page else ""
        groups.append(Group(kind, label, icon, hits, found[kind].count, url))
    return groups


def _best(query: Query, kind: str, found: Keys) -> QuerySet[Any]:
    """Best hits first, the newest of those that fit equally well; of each what its address needs."""
    rows = by_relevance(query, kind, found).order_by("-relevance", "-pk")
    if kind != "document":
        return rows.only("slug")
    of = ("version__number", "version__model__slug", "dataset__slug")
    return rows.select_related("version__model", "dataset").only("kind", *of)


def _rows(first: dict[str, list[Any]]) -> dict[tuple[str, int], SearchRow]:
    """The rows of the index about what was found, in one query."""
    wanted = [Q(**{f"{kind}__in": [one.pk for one in rows]}) for kind, rows in first.items()]
    rows = SearchRow.objects.filter(reduce(or_, wanted)).defer("vector")
    return {(kind, key): row for row in rows for kind in first if (key := getattr(row, f"{kind}_id"))}
