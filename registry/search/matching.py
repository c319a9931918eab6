"""From a query to conditions on models, systems, datasets and documents, and to their rank."""

from __future__ import annotations

from django.contrib.postgres.search import SearchRank
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Floor

from registry.models import SearchRow
from registry.search.query import Query, Term, any_of

# Which rows of the index speak for an object of a kind: its own, and those of its documents.
VOICES: dict[str, tuple[str, ...]] = {
    "model": ("model", "card_of"),
    "dataset": ("dataset", "sheet_of"),
    "system": ("system",),
    "document": ("document",),
}
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


def _keys(terms: tuple[Term, ...], kind: str) -> QuerySet[SearchRow, int]:
    voices = VOICES[kind]
    spoken = Q()
    for voice in voices:
        spoken |= Q(**{f"{voice}__isnull": False})
    ids = [F(f"{voice}_id") for voice in voices]
    key = Coalesce(*ids) if len(ids) > 1 else ids[0]
    return SearchRow.objects.filter(spoken, vector=any_of(terms)).values_list(key, flat=True)
