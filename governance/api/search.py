"""Search over everything, and saved filters."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import filters
from governance.finding.everywhere import SHOWN, Hit, search
from governance.models import SavedFilter
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import described
from registry.models import SearchRow
from registry.search.matching import KINDS
from registry.search.query import LONGEST, parse

HIT = {
    "kind": "card",
    "name": "credit-risk v3",
    "page": "/documents/12/",
    "where": "in the card of version 3, Intended uses",
    "text": "The calibrated score of each applicant …",
}
SAVED = {"page": "models", "name": "High risk, not cleared", "query": "risk=high&state=not-cleared"}
KEPT = {"id": 7, **SAVED, "address": f"/models/?{SAVED['query']}", "saved_at": "2026-11-21T09:30:00Z"}


class SearchFilter(serializers.Serializer[Any]):
    """What is looked for, and where."""

    q = serializers.CharField(
        max_length=LONGEST,
        help_text='Words in any order, the last may be unfinished; "in quotes" together, -without, or.',
    )
    kind = serializers.ChoiceField(
        choices=KINDS, required=False, allow_blank=True, help_text="Only objects of this kind."
    )
    size = serializers.IntegerField(
        required=False, min_value=1, max_value=50, default=SHOWN, help_text="How many of each kind at most."
    )


@extend_schema_serializer(examples=[OpenApiExample("A hit", value=HIT, response_only=True)])
class HitOut(serializers.Serializer[Hit]):
    """Something that was found. `where` and `text` are empty when its name says it all."""

    kind = serializers.ChoiceField(choices=SearchRow.Kind.choices)
    name = serializers.CharField()
    page = serializers.CharField(source="url", help_text="The address of its page.")
    where = serializers.CharField(source="snippet.where", default="")
    text = serializers.CharField(source="snippet.text", default="")


@extend_schema_serializer(
    examples=[OpenApiExample("Found", value={"count": 1, "results": [HIT]}, response_only=True)]
)
class FoundOut(serializers.Serializer[Any]):
    """What was found: by kind (models, systems, datasets, documents), the best of each first."""

    count = serializers.IntegerField(help_text="How many objects fit in all.")
    results = HitOut(many=True)


@extend_schema_serializer(examples=[OpenApiExample("A filter", value=SAVED)])
class SavedFilterIn(In):
    """A filter to keep."""

    page = serializers.ChoiceField(choices=SavedFilter.Page.choices)
    name = serializers.CharField(max_length=60)
    query = serializers.CharField(
        max_length=4000, help_text="A query string of the list, for example risk=high&state=not-cleared."
    )


@extend_schema_serializer(examples=[OpenApiExample("A name", value={"name": SAVED["name"]})])
class FilterNameIn(In):
    """Another name."""

    name = serializers.CharField(max_length=60)


@extend_schema_serializer(examples=[OpenApiExample("A filter", value=KEPT, response_only=True)])
class SavedFilterOut(serializers.ModelSerializer[SavedFilter]):
    """A saved filter."""

    address = serializers.CharField(source="get_absolute_url", help_text="The page it opens.")

    class Meta:
        model = SavedFilter
        fields = ["id", "page", "name", "query", "address", "saved_at"]


class Search(Door):
    """Everything at once."""

    kind = SearchRow
    needs = ""
    serializer_class = FoundOut

    @described(
        "search",
        "Search",
        "search",
        {200: FoundOut},
        declines=(400, 401),
        parameters=[SearchFilter],
    )
    def get(self, request: Request) -> Response:
        """Models, systems, datasets, cards and datasheets that you may see, with the place where the words stand."""
        asked = self.chosen(SearchFilter)
        kinds = (asked["kind"],) if "kind" in asked else ()
        groups = search(self.user, parse(asked["q"]), kinds=kinds, shown=asked["size"])
        found = {
            "count": sum(group.count for group in groups),
            "results": [hit for group in groups for hit in group.hits],
        }
        return Response(FoundOut(found).data)


class SavedFilters(Listing):
    """One's own saved filters, by name."""

    kind = SavedFilter
    needs = ""
    order = "name"
    serializer_class = SavedFilterOut

    @described(
        "saved_filters_list",
        "List your saved filters",
        "search",
        {200: SavedFilterOut(many=True)},
        declines=(400, 401),
    )
    def get(self, request: Request) -> Response:
        """The filters that you have saved. Nobody else sees them."""
        return self.rows(self.get_queryset())

    @described(
        "saved_filters_save",
        "Save a filter",
        "search",
        {201: SavedFilterOut},
        declines=(400, 401, 403, 413, 415),
        request=SavedFilterIn,
    )
    def post(self, request: Request) -> Response:
        """Keep a filter under a name that is new to you for this list."""
        saved = filters.save(**self.given(SavedFilterIn), by=self.user)
        there = reverse("api-saved-filter", args=[saved.pk])
        return Response(SavedFilterOut(saved).data, status=201, headers={"Location": there})


class OneSavedFilter(Door):
    """A saved filter of one's own."""

    kind = SavedFilter
    needs = ""
    serializer_class = SavedFilterOut

    @described("saved_filters_read", "Read a saved filter", "search", {200: SavedFilterOut})
    def get(self, request: Request, pk: int) -> Response:
        """One of the filters that you have saved."""
        return Response(SavedFilterOut(self.one(pk=pk)).data)

    @described(
        "saved_filters_rename",
        "Rename a saved filter",
        "search",
        {200: SavedFilterOut},
        declines=(400, 401, 403, 404, 413, 415),
        request=FilterNameIn,
    )
    def put(self, request: Request, pk: int) -> Response:
        """Give it another name."""
        saved = filters.rename(saved=self.one(pk=pk), **self.given(FilterNameIn), by=self.user)
        return Response(SavedFilterOut(saved).data)

    @described("saved_filters_delete", "Delete a saved filter", "search", {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Forget it."""
        filters.delete(saved=self.one(pk=pk), by=self.user)
        return Response(status=204)
