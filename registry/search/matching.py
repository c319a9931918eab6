"""From a query to conditions on models, systems, datasets and documents, and to their rank."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchRank
from django.db import connection
from django.db.models import BigIntegerField, Case, F, Func, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Floor
from django.db.models.lookups import Lookup

from registry.models import SearchRow
from registry.search.query import Query, any_of

KINDS = ("model", "system", "dataset", "document")
WEIGHTS = [0.05, 0.1, 0.4, 1.0]  # the rest, texts of documents, descriptions and owners, names
AS_ARRAY = "SELECT coalesce(array_agg(key), '{{}}')::text FROM ({found}) found"
NAMED = 10_000_000  # more than any rank by weights: whose name is exactly what was typed comes first


def matches(query: Query, kind: str) -> Q:
    """Objects of `kind` for which every group of terms is found, in their own facts or in one of their documents.

    Each group may be found elsewhere: "credit calibration" finds the model named credit whose card speaks of calibration.
    Asked once, here: a list is counted, cut and shown from one set of keys.
    """
    if not query:
        return Q()
    return Q(Among(F("pk"), keys(query, kind)))


def keys(query: Query, kind: str) -> str:
    """The keys of the objects of `kind` that fit, visible or not, in one query; as the database writes an array.

    It stays in the database's own words, "{1,2,3}": ten thousand keys are only handed back, never looked at here.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no search for {kind}")
    wanted: list[Func] = [_Found(Value(kind), any_of(group)) for group in query.groups] or [
        _Everything(Value(kind))
    ]
    unwanted: list[Func] = [_Found(Value(kind), any_of(query.excluded))] if query.excluded else []
    compiler = SearchRow.objects.all().query.get_compiler(connection.alias)
    parts: list[str] = []
    params: list[Any] = []
    for word, one in [*((" INTERSECT ", one) for one in wanted), *((" EXCEPT ", one) for one in unwanted)]:
        sql, given = compiler.compile(one.resolve_expression(SearchRow.objects.all().query))
        parts.append(f"{word if parts else ''}SELECT {sql} AS key")
        params += given
    with connection.cursor() as cursor:
        cursor.execute(AS_ARRAY.format(found="".join(parts)), params)
        return str(cursor.fetchone()[0])


def relevance(query: Query) -> Combinable:
    """How well an object's own facts fit, as a whole number: floats would not survive a cursor. Needs `indexed`."""
    anything = query.anything()
    if anything is None:
        return Value(0, output_field=IntegerField())
    rank = SearchRank(F("indexed__vector"), anything, weights=WEIGHTS)
    exact = Case(When(indexed__name__iexact=query.text, then=Value(NAMED)), default=Value(0))
    return Cast(Floor(rank * Value(1_000_000.0)), IntegerField()) + exact


class Among(Lookup):
    """A key that is one of an array, given as text: the database walks its index once, for ten thousand as for one."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::bigint[])", (*parameters, self.rhs)


class _Found(Func):
    """The keys of the objects of a kind that fit, by the function of migration 0051."""

    function = "search_found"
    output_field = BigIntegerField()


class _Everything(Func):
    """The keys of all objects of a kind, for a query that only leaves out."""

    function = "search_everything"
    output_field = BigIntegerField()
