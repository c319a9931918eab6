"""The history of cards and datasheets: every revision, one of them, and what differs between two."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.documents import CardOut, DatasheetOut, RevisionOut
from registry.api.doors import Door, Listing, visible_version
from registry.api.preconditions import ETAG, tagged
from registry.api.problems import described
from registry.documents import content as contents
from registry.models import Dataset, Revision

CHANGE = {
    "path": "caveats.caveats",
    "name": "Caveats",
    "before": "It drifts.",
    "after": "It drifts in spring.",
}


class Two(serializers.Serializer[Any]):
    """Which two revisions."""

    old = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="Number of the one revision.")
    new = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="Number of the other.")


class ChangeOut(serializers.Serializer[Any]):
    """A field that differs. Before and after are a text, a list of lines or a list of rows, as in the document."""

    path = serializers.CharField()
    name = serializers.CharField(help_text="How pages call the field.")
    before = serializers.JSONField()
    after = serializers.JSONField()


@extend_schema_serializer(
    examples=[OpenApiExample("A change", value={"old": 3, "new": 4, "changes": [CHANGE]}, response_only=True)]
)
class ComparisonOut(serializers.Serializer[Any]):
    """What differs between two revisions, field by field, in the order of the document."""

    old = serializers.IntegerField()
    new = serializers.IntegerField()
    changes = ChangeOut(many=True)


class CardRevisions(Listing):
    """The history of a card."""

    kind = Revision
    needs = ""
    order = "-number"
    serializer_class = RevisionOut

    @described(
        "card_revisions",
        "List the revisions of a card",
        "documents",
        {200: RevisionOut(many=True)},
        declines=(400, 401, 404),
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Every revision of the card, newest first, without content."""
        about = visible_version(self.user, slug, number)
        return self.rows(
            self.get_queryset().filter(document__version=about).select_related("by").defer("body")
        )


class DatasheetRevisions(Listing):
    """The history of a datasheet."""

    kind = Revision
    needs = ""
    order = "-number"
    serializer_class = RevisionOut

    @described(
        "datasheet_revisions",
        "List the revisions of a datasheet",
        "documents",
        {200: RevisionOut(many=True)},
        declines=(400, 401, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every revision of the datasheet, newest first, without content."""
        about = self.one(Dataset.objects.visible_to(self.user), slug=slug)
        return self.rows(
            self.get_queryset().filter(document__dataset=about).select_related("by").defer("body")
        )


class OneCardRevision(Door):
    """A revision of a card by its number."""

    kind = Revision
    needs = ""
    serializer_class = CardOut

    @described(
        "card_revision_read", "Read one revision of a card", "documents", {200: CardOut}, parameters=[ETAG]
    )
    def get(self, request: Request, slug: str, number: int, revision: int) -> Response:
        """The revision as it was saved. It never changes."""
        about = visible_version(self.user, slug, number)
        rows = self.get_queryset().select_related("by")
        one = self.one(rows, document__version=about, number=revision)
        return tagged(self.get_serializer(one).data, one.digest)


class OneDatasheetRevision(Door):
    """A revision of a datasheet by its number."""

    kind = Revision
    needs = ""
    serializer_class = DatasheetOut

    @described(
        "datasheet_revision_read",
        "Read one revision of a datasheet",
        "documents",
        {200: DatasheetOut},
        parameters=[ETAG],
    )
    def get(self, request: Request, slug: str, revision: int) -> Response:
        """The revision as it was saved. It never changes."""
        about = self.one(Dataset.objects.visible_to(self.user), slug=slug)
        rows = self.get_queryset().select_related("by")
        one = self.one(rows, document__dataset=about, number=revision)
        return tagged(self.get_serializer(one).data, one.digest)


class CardComparison(Door):
    """Two revisions of a card."""

    kind = Revision
    needs = ""
    serializer_class = ComparisonOut

    @described(
        "card_compare",
        "Compare two revisions of a card",
        "documents",
        {200: ComparisonOut},
        declines=(400, 401, 404),
        parameters=[Two],
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """What differs between two revisions, field by field."""
        about = visible_version(self.user, slug, number)
        return _compared(self, "card", document__version=about)


class DatasheetComparison(Door):
    """Two revisions of a datasheet."""

    kind = Revision
    needs = ""
    serializer_class = ComparisonOut

    @described(
        "datasheet_compare",
        "Compare two revisions of a datasheet",
        "documents",
        {200: ComparisonOut},
        declines=(400, 401, 404),
        parameters=[Two],
    )
    def get(self, request: Request, slug: str) -> Response:
        """What differs between two revisions, field by field."""
        about = self.one(Dataset.objects.visible_to(self.user), slug=slug)
        return _compared(self, "datasheet", document__dataset=about)


def _compared(view: Door, kind: str, **document: Any) -> Response:
    two = view.chosen(Two)
    old, new = (view.one(number=two[name], **document) for name in ("old", "new"))
    changes = [
        {"path": one.field.path, "name": one.field.label, "before": one.before, "after": one.after}
        for one in contents.changes(kind, old.content, new.content)
    ]
    return Response({"old": old.number, "new": new.number, "changes": changes})
