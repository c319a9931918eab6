"""From a query to conditions on models, systems, datasets and documents, and to their rank."""

from __future__ import annotations

from django.contrib.postgres.search import SearchRank
from django.db.models import BigIntegerField, Case, F, Func, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Floor

from registry.search.query import Query, Term, any_of

KINDS = ("model", "system", "dataset", "document")
WEIGHTS = [0.05, 0.1, 0.4, 1.0]  # the rest, texts of documents, descriptions and owners, names
NAMED = 10_000_000  # more than any rank by weights: whose name is exactly what was typed comes first


def matches(query: Query, kind: str) -> Q:
    """Objects of `kind` for which every group of terms is found, in their own facts or in one of their documents.

    Each group may be found elsewhere: "credit calibration" finds the model named credit whose card speaks of calibration.
    """
    wanted = Q()
    for group in query.groups:
        wanted &= Q(pk__in=_keys(group, kind))
    if query.excluded:
        wanted &= ~Q(pk__in=_keys(query.excluded, kind))
    return wanted


def relevance(query: Query) -> Combinable:
    """How well an object's own facts fit, as a whole number: floats would not survive a cursor. Needs `indexed`."""
    anything = query.anything()
    if anything is None:
        return Value(0, output_field=IntegerField())
    rank = SearchRank(F("indexed__vector"), anything, weights=WEIGHTS)
    exact = Case(When(indexed__name__iexact=query.text, then=Value(NAMED)), default=Value(0))
    return Cast(Floor(rank * Value(1_000_000.0)), IntegerField()) + exact


class _Found(Func):
    """The keys of the objects of a kind that fit, by the function of migration 0051."""

    function = "search_found"
    template = "(SELECT %(function)s(%(expressions)s))"
    set_returning = True


def _keys(terms: tuple[Term, ...], kind: str) -> _Found:
    if kind not in KINDS:
        raise ValueError(f"there is no search for {kind}")
    return _Found(Value(kind), any_of(terms), output_field=BigIntegerField())
