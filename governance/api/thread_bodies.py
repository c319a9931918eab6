"""What comes in and goes out about comments."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from governance.margin import Note
from governance.models import Comment
from governance.models.threads import LONGEST
from registry.api.bodies import In

COMMENT = {
    "id": 41,
    "by": "reviewer",
    "written_at": "2026-11-21T09:40:00Z",
    "text": "Which months do these figures cover?",
    "withdrawn_at": None,
}
THREAD = {
    "id": 7,
    "kind": "card",
    "model": "credit-risk",
    "version": 3,
    "dataset": None,
    "path": "metrics.results",
    "name": "Results",
    "revision": 4,
    "row": 0,
    "begun_by": "reviewer",
    "begun_at": "2026-11-21T09:40:00Z",
    "resolved_by": None,
    "resolved_at": None,
    "place": {"there": True, "changed": True, "row": 1},
    "comments": [COMMENT],
}
BEGUN = {"path": "metrics.results", "row": 0, "revision": 4, "text": "Which months do these figures cover?"}


class ThreadFilter(serializers.Serializer[Any]):
    """Which threads."""

    state = serializers.ChoiceField(choices=["open", "resolved"], required=False, allow_blank=True)
    path = serializers.CharField(
        required=False, allow_blank=True, max_length=80, help_text="A field, as “section.field”."
    )


def _words(**more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST, help_text="Markdown. Never changed afterwards.", **more)


@extend_schema_serializer(examples=[OpenApiExample("About a row", value=BEGUN)])
class ThreadIn(In):
    """The first comment about a field."""

    path = serializers.CharField(max_length=80, help_text="The field, as “section.field” of the outline.")
    row = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=100_000,
        help_text="A line, row or figure of it, counted from 0.",
    )
    revision = serializers.IntegerField(
        required=False, min_value=1, max_value=1_000_000_000, help_text="What was read; else the latest."
    )
    text = _words()


@extend_schema_serializer(examples=[OpenApiExample("An answer", value={"text": "January to June."})])
class CommentIn(In):
    """An answer."""

    text = _words()


@extend_schema_serializer(examples=[OpenApiExample("A last word", value={"text": "Added to the table."})])
class LastWordIn(In):
    """A word with it, if there is one to say."""

    text = _words(required=False, allow_blank=True)


class CommentOut(serializers.ModelSerializer[Comment]):
    """What somebody said. Of what was withdrawn only that it was said."""

    by = serializers.CharField(source="by.username")
    text = serializers.SerializerMethodField(help_text="Markdown; empty when it was withdrawn.")

    class Meta:
        model = Comment
        fields = ["id", "by", "written_at", "text", "withdrawn_at"]

    def get_text(self, comment: Comment) -> str:
        """Nothing of what was withdrawn."""
        return "" if comment.is_withdrawn else comment.text


class PlaceOut(serializers.Serializer[Any]):
    """Where it stands in the latest revision."""

    there = serializers.BooleanField(help_text="Whether the field, or the row, is there at all.")
    changed = serializers.BooleanField(help_text="Whether it says something else there.")
    row = serializers.IntegerField(allow_null=True, help_text="Counted from 0; null for the whole field.")


@extend_schema_serializer(examples=[OpenApiExample("A thread", value=THREAD, response_only=True)])
class ThreadOut(serializers.Serializer[Note]):
    """What was said about a field, and where it stands in the latest revision."""

    id = serializers.IntegerField(source="thread.pk")
    kind = serializers.ChoiceField(choices=["card", "datasheet"], source="thread.document.kind")
    model = serializers.CharField(source="thread.document.version.model.slug", default=None, allow_null=True)
    version = serializers.IntegerField(source="thread.document.version.number", default=None, allow_null=True)
    dataset = serializers.CharField(source="thread.document.dataset.slug", default=None, allow_null=True)
    path = serializers.CharField(source="thread.path")
    name = serializers.CharField(source="thread.label", help_text="What the field is called.")
    revision = serializers.IntegerField(
        source="thread.revision.number", help_text="The revision on which it was begun."
    )
    row = serializers.IntegerField(
        source="thread.row", allow_null=True, help_text="In that revision, counted from 0."
    )
    begun_by = serializers.CharField(source="thread.begun_by.username")
    begun_at = serializers.DateTimeField(source="thread.begun_at")
    resolved_by = serializers.CharField(source="thread.resolved_by.username", default=None, allow_null=True)
    resolved_at = serializers.DateTimeField(source="thread.resolved_at", allow_null=True)
    place = PlaceOut()
    comments = CommentOut(many=True)
