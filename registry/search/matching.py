"""From a query to conditions on models, systems, datasets and documents, and to their rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchRank
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Floor
from django.db.models.lookups import Lookup

from registry.models import SearchRow
from registry.search.query import Query, TsQuery, any_of, words_of_any

KINDS = ("model", "system", "dataset", "document")
WEIGHTS = [0.05, 0.1, 0.4, 1.0]  # the rest, texts of documents, descriptions and owners, names
GATHERED = "SELECT coalesce(array_agg(key), '{{}}')::text, count(*) FROM ({rows}) gathered (key)"
NAMED = 10_000_000  # more than any rank by weights: whose name is exactly what was typed comes first


def matches(query: Query, kind: str) -> Q:
    """Objects of `kind` for which every group of terms is found, in their own facts or in one of their documents.

    Each group may be found elsewhere: "credit calibration" finds the model named credit whose card speaks of calibration.
    Asked once, here: a list is counted, cut and shown from one set of keys.
    """
    return Q(Within(F("pk"), keys(query, kind)[kind].array)) if query else Q()


@dataclass(frozen=True)
class Keys:
    """Which objects fit, as the database writes an array, and how many: "{4,7}", 2.

    They stay in the database's own words: ten thousand keys are only handed back, never looked at here.
    """

    array: str
    count: int


def gathered(rows: QuerySet[Any]) -> Keys:
    """The keys of `rows`, in one query; whatever is done with them later, their conditions are not looked at again."""
    try:
        sql, given = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # somebody switched off sees nothing
        return Keys("{}", 0)
    with connection.cursor() as cursor:
        cursor.execute(GATHERED.format(rows=sql), given)
        return Keys(*cursor.fetchone())


def keys(query: Query, *kinds: str) -> dict[str, Keys]:
    """The keys of the objects of each kind that fit, visible or not, in one query."""
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"there is no search for {', '.join(sorted(unknown))}")
    found = _Found(query)
    parts = [
        f"SELECT '{kind}' AS kind, {GATHERED.removeprefix('SELECT ').format(rows=found.keys(kind))}"
        for kind in kinds
    ]
    scans = f"WITH {', '.join(found.scans)} " if found.scans else ""
    with connection.cursor() as cursor:
        cursor.execute(scans + " UNION ALL ".join(parts), found.parameters)
        return {kind: Keys(array, count) for kind, array, count in cursor.fetchall()}


class _Found:
    """A query in the database's words: each condition walks the index once, whatever kinds are asked for.

    A phrase beside single words is only looked for among the objects that have all words: what follows what is not in
    the index, and to see it unpacks a document.
    """

    def __init__(self, query: Query) -> None:
        self.compiler = SearchRow.objects.all().query.get_compiler(connection.alias)
        self.scans: list[str] = []
        self.parameters: list[Any] = []
        plain = [group for group in query.groups if not any(term.is_phrase for term in group)]
        # Nothing to narrow phrases by, or something: then they are looked for last.
        self.phrases = [group for group in query.groups if group not in plain] if plain else []
        self.wanted = [self._scan(words_of_any(group) if plain else any_of(group)) for group in query.groups]
        apart = [term for term in query.excluded if term.is_phrase]
        alone = [term for term in query.excluded if not term.is_phrase]
        self.unwanted = [self._scan(any_of(alone))] if alone else []
        self.narrowed = [("INTERSECT", self._condition(any_of(group))) for group in self.phrases]
        self.narrowed += [("EXCEPT", self._condition(any_of(apart)))] if apart else []

    def keys(self, kind: str) -> str:
        """The query for the keys of one kind."""
        column = f"{kind}_id"
        first = [f"SELECT {column} AS key FROM {scan} WHERE {column} IS NOT NULL" for scan in self.wanted]
        first = first or [f"SELECT search_everything('{kind}') AS key"]
        fits = " INTERSECT ".join(first)
        for scan in self.unwanted:
            fits += f" EXCEPT SELECT {column} FROM {scan}"
        if not self.narrowed:
            return f"SELECT DISTINCT key FROM ({fits}) _"
        self.scans.append(f"fits_{kind} AS MATERIALIZED ({fits})")
        among = f"ARRAY(SELECT key FROM fits_{kind})"
        return f"SELECT key FROM fits_{kind}" + "".join(
            f" {word} SELECT search_among('{kind}', {condition}.wanted, {among}) FROM {condition}"
            for word, condition in self.narrowed
        )

    def _scan(self, wanted: TsQuery) -> str:
        """A name for the rows that fit."""
        return self._named(
            f"SELECT found.* FROM (SELECT {self._put(wanted)} AS wanted) _, search_rows(wanted) found"
        )

    def _condition(self, wanted: TsQuery) -> str:
        """A name for a condition that is looked at later."""
        return self._named(f"SELECT {self._put(wanted)} AS wanted")

    def _named(self, sql: str) -> str:
        name = f"part_{len(self.scans)}"
        self.scans.append(f"{name} AS MATERIALIZED ({sql})")
        return name

    def _put(self, wanted: TsQuery) -> str:
        sql, given = self.compiler.compile(wanted.resolve_expression(SearchRow.objects.all().query))
        self.parameters += given
        return str(sql)


def relevance(query: Query) -> Combinable:
    """How well an object's own facts fit, as a whole number: floats would not survive a cursor. Needs `indexed`."""
    anything = query.anything()
    if anything is None:
        return Value(0, output_field=IntegerField())
    rank = SearchRank(F("indexed__vector"), anything, weights=WEIGHTS)
    exact = Case(When(indexed__name__iexact=query.text, then=Value(NAMED)), default=Value(0))
    return Cast(Floor(rank * Value(1_000_000.0)), IntegerField()) + exact


class Among(Lookup):
    """A key that is one of an array, given as text: the database walks its index once, for ten thousand as for one.

    For one such condition in a query: beside a join the planner would look the whole array through for each row.
    """

    lookup_name = "among"
    prepare_rhs = False
    condition = "{} = ANY(%s::bigint[])"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        return self.condition.format(left), (*parameters, self.rhs)


class Within(Among):
    """The same beside other conditions, as a set of rows: it is joined like any other."""

    lookup_name = "within"
    condition = "{} IN (SELECT unnest(%s::bigint[]))"
