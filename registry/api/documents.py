"""Cards and datasheets: read the latest revision, save the next one on top of what was read."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import documents
from registry.api.bodies import In
from registry.api.doors import Door, visible_version
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import WRITE, described
from registry.documents.outline import json_schema
from registry.models import Dataset, Revision, Version
from registry.permissions import require

SAVE = (*WRITE, 412, 428)


def published(kind: str) -> dict[str, Any]:
    """The published schema of a document kind, as a part of this interface."""
    return {key: part for key, part in json_schema(kind).items() if not key.startswith("$")}


@extend_schema_field(published("card"))
class CardContent(serializers.JSONField):
    """The content of a card. The verb checks it against the published schema."""


@extend_schema_field(published("datasheet"))
class DatasheetContent(serializers.JSONField):
    """The content of a datasheet. The verb checks it against the published schema."""


def _example(kind: str, section: str, key: str, text: str) -> dict[str, Any]:
    return {"schema": json_schema(kind)["properties"]["schema"]["const"], section: {key: text}}


CARD = _example("card", "model_details", "overview", "Scores retail loans.")
DATASHEET = _example("datasheet", "motivation", "mot_purpose", "Loans of 2019 to 2024.")
SAVED = {
    "number": 4,
    "digest": "3b1c" * 16,
    "note": "Metrics of the last run.",
    "by": "owner",
    "created_at": "2026-11-21T09:30:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A revision", value=SAVED, response_only=True)])
class RevisionOut(serializers.ModelSerializer[Revision]):
    """A revision without its content."""

    by = serializers.CharField(source="by.username")

    class Meta:
        model = Revision
        fields = ["number", "digest", "note", "by", "created_at"]


@extend_schema_serializer(
    examples=[OpenApiExample("A card", value=SAVED | {"content": CARD}, response_only=True)]
)
class CardOut(RevisionOut):
    """A revision of a model card."""

    content = CardContent()

    class Meta(RevisionOut.Meta):
        fields = [*RevisionOut.Meta.fields, "content"]


@extend_schema_serializer(
    examples=[OpenApiExample("A datasheet", value=SAVED | {"content": DATASHEET}, response_only=True)]
)
class DatasheetOut(RevisionOut):
    """A revision of a datasheet."""

    content = DatasheetContent()

    class Meta(RevisionOut.Meta):
        fields = [*RevisionOut.Meta.fields, "content"]


@extend_schema_serializer(
    examples=[OpenApiExample("A card", value={"content": CARD, "note": "First draft."})]
)
class CardIn(In):
    """The next revision of a card."""

    content = CardContent()
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="What changed.")


@extend_schema_serializer(
    examples=[OpenApiExample("A datasheet", value={"content": DATASHEET, "note": "First draft."})]
)
class DatasheetIn(In):
    """The next revision of a datasheet."""

    content = DatasheetContent()
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="What changed.")


class Paper(Door):
    """What card and datasheet have in common."""

    kind: ClassVar[Any] = Revision
    needs = ""
    body: ClassVar[type[In]]

    def read(self, about: Version | Dataset) -> Response:
        """The latest revision, with its digest as ETag."""
        head = _head(about)
        if head is None:
            raise NotFound
        return tagged(self.get_serializer(head).data, head.digest)

    def save(self, about: Version | Dataset) -> Response:
        """The next revision on top of the one that the client has read. Whoever may not write hears that first."""
        require(self.user, "registry.write_document", on=about)
        given, head = self.given(self.body), _head(about)
        agree(self.request, head.digest if head else "")
        saved = documents.save(
            about=about,
            content=given["content"],
            note=given.get("note", ""),
            on_top_of=head.number if head else 0,
            by=self.user,
        )
        return tagged(self.get_serializer(saved).data, saved.digest, status=200 if head else 201)


class Card(Paper):
    """The card of a version."""

    kind = Version
    needs = ""
    serializer_class = CardOut
    body = CardIn

    @described("card_read", "Read the card of a version", "documents", {200: CardOut}, parameters=[ETAG])
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The latest revision of the model card."""
        return self.read(visible_version(self.user, slug, number))

    @described(
        "card_save",
        "Save the card of a version",
        "documents",
        {200: CardOut, 201: CardOut},
        declines=SAVE,
        request=CardIn,
        parameters=[ETAG, IF_MATCH],
    )
    def put(self, request: Request, slug: str, number: int) -> Response:
        """Save the next revision. Send the ETag you have read as If-Match; content equal to it saves nothing."""
        return self.save(visible_version(self.user, slug, number))


class Datasheet(Paper):
    """The datasheet of a dataset."""

    kind = Dataset
    needs = ""
    serializer_class = DatasheetOut
    body = DatasheetIn

    @described("datasheet_read", "Read a datasheet", "documents", {200: DatasheetOut}, parameters=[ETAG])
    def get(self, request: Request, slug: str) -> Response:
        """The latest revision of the datasheet."""
        return self.read(self._about(slug))

    @described(
        "datasheet_save",
        "Save a datasheet",
        "documents",
        {200: DatasheetOut, 201: DatasheetOut},
        declines=SAVE,
        request=DatasheetIn,
        parameters=[ETAG, IF_MATCH],
    )
    def put(self, request: Request, slug: str) -> Response:
        """Save the next revision. Every version trained on this dataset has to be reviewed again."""
        return self.save(self._about(slug))

    def _about(self, slug: str) -> Dataset:
        found: Dataset = self.one(self.get_queryset().select_related("datasheet__head__by"), slug=slug)
        return found


def _head(about: Version | Dataset) -> Revision | None:
    name = "card" if isinstance(about, Version) else "datasheet"
    document = getattr(about, name, None)
    head: Revision | None = document.head if document else None
    return head
