"""From a query to conditions on models, systems, datasets and documents, and to their rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchRank
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Floor
from django.db.models.lookups import Lookup

from registry.models import Dataset, Document, Model, SearchRow, System, User, sees_everything
from registry.search.query import Query, TsQuery, any_of, words_of_any

SUBJECTS: dict[str, Any] = {"model": Model, "system": System, "dataset": Dataset, "document": Document}
KINDS = tuple(SUBJECTS)
WEIGHTS = [0.05, 0.1, 0.4, 1.0]  # the rest, texts of documents, descriptions and owners, names
RANKED = 2_000  # of more hits than these each fits about as well as the next: only a name that is the query stands out
GATHERED = "SELECT coalesce(array_agg(key), '{{}}')::text, count(*) FROM ({rows}) gathered (key)"
NAMED = 10_000_000  # more than any rank by weights: whose name is exactly what was typed comes first


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


def keys(query: Query, *kinds: str, user: User | None = None) -> dict[str, Keys]:
    """The keys of the objects of each kind that fit and that `user` may see, in one query; without a user, of all.

    Every group of terms is found, in an object's own facts or in one of its documents, each anywhere: "credit
    calibration" finds the model named credit whose card speaks of calibration.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"there is no search for {', '.join(sorted(unknown))}")
    found = _Found(query, None if user is None or sees_everything(user) else user, kinds)
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

    A phrase is only looked for among the objects that have its marks, or all words, and that the asker may see: to see
    what follows what unpacks a document.
    """

    def __init__(self, query: Query, user: User | None, kinds: Iterable[str]) -> None:
        self.compiler = SearchRow.objects.all().query.get_compiler(connection.alias)
        self.scans: list[str] = []
        self.parameters: list[Any] = []
        self.user = user
        if user is not None:
            self._see(user, {"dataset" if kind == "document" else kind for kind in kinds})
        # Nothing to narrow phrases by, or something: then they are looked for last.
        narrows = bool(user) or any(all(term.is_marked for term in group) for group in query.groups)
        phrases = [group for group in query.groups if any(term.is_phrase for term in group)]
        self.phrases = phrases if narrows else []
        self.wanted = [
            self._scan(words_of_any(group) if narrows else any_of(group)) for group in query.groups
        ]
        apart = [term for term in query.excluded if term.is_phrase]
        alone = [term for term in query.excluded if not term.is_phrase]
        self.unwanted = [self._scan(any_of(alone))] if alone else []
        self.narrowed = [("INTERSECT", self._condition(any_of(group))) for group in self.phrases]
        self.narrowed += [("EXCEPT", self._condition(any_of(apart)))] if apart else []

    def keys(self, kind: str) -> str:
        """The query for the keys of one kind."""
        column = f"{kind}_id"
        first = [self._seen(kind, f"SELECT {column} AS key FROM {scan}") for scan in self.wanted]
        fits = " INTERSECT ".join(first or [self._everything(kind)])
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

    def _see(self, user: User, kinds: Iterable[str]) -> None:
        """Name what `user` may see of each kind, worked out from their models, which are asked for once."""
        self._set("seen_model", Model.objects.visible_to(user))
        of_models = Q(model__in=RawSQL("SELECT key FROM seen_model", ()))
        if "system" in kinds:
            self._set("seen_system", System.objects.seen_with(user, of_models))
        if "dataset" in kinds:
            self._set("seen_dataset", Dataset.objects.used_by(of_models))

    def _set(self, name: str, rows: QuerySet[Any]) -> None:
        try:
            sql, given = rows.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:  # somebody switched off sees nothing
            sql, given = "SELECT NULL::bigint WHERE false", ()
        self.scans.append(f"{name} (key) AS MATERIALIZED ({sql})")
        self.parameters += given

    def _seen(self, kind: str, rows: str) -> str:
        """Of the rows of a scan those about objects of `kind` that may be seen; documents with what they are about."""
        if self.user is None:
            return f"{rows} WHERE {kind}_id IS NOT NULL"
        # IS TRUE: as plain conditions they would be joined, and what may be seen worked out though nothing is there to see.
        among = "({0}_id IN (SELECT key FROM seen_{0})) IS TRUE"
        if kind == "document":
            about = f"({among.format('model')} OR dataset_id IS NOT NULL AND {among.format('dataset')})"
            return f"{rows} WHERE document_id IS NOT NULL AND {about}"
        return f"{rows} WHERE {kind}_id IS NOT NULL AND {among.format(kind)}"

    def _everything(self, kind: str) -> str:
        """All objects of `kind` that may be seen."""
        if self.user is not None and kind == "document":
            self._set("seen_document", Document.objects.visible_to(self.user))
        every = f"SELECT search_everything('{kind}') AS key"
        return every if self.user is None else f"{every} INTERSECT SELECT key FROM seen_{kind}"

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


def by_relevance(query: Query, kind: str, found: Keys) -> QuerySet[Any]:
    """The objects of `kind` that were found, bare, with `relevance`: a whole number, since floats would not survive a
    cursor.

    Of more than RANKED hits only those whose name is the query stand out. Documents are never ranked: that would unpack
    each of them.
    """
    ranked = kind != "document" and query.groups and found.count <= RANKED
    # The keys are looked up where the words stand: the index is far wider than what it is joined to.
    place = F(f"indexed__{kind}_id" if ranked else "pk")
    rank: Combinable = Value(0)
    if ranked:
        rank = relevance(query)
    elif kind != "document" and query.groups:
        named = SearchRow.objects.filter(name__iexact=query.text, **{f"{kind}__isnull": False})
        rank = Case(When(pk__in=named.values(f"{kind}_id"), then=Value(NAMED)), default=Value(0))
    rows: QuerySet[Any] = SUBJECTS[kind].objects.filter(Among(place, found.array)).annotate(relevance=rank)
    return rows


def relevance(query: Query) -> Combinable:
    """How well an object's own facts fit, as a whole number. Needs `indexed`."""
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
