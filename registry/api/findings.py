"""What the lint finds in the latest revision of a card or a datasheet."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.doors import Door, visible_version
from registry.api.problems import described
from registry.documents import lint
from registry.documents.strictness import rules, strictness_of
from registry.models import Dataset, Document, Version

FINDING = {
    "code": "metric_without_dataset",
    "path": "metrics.results",
    "label": "Results",
    "severity": "warning",
    "sentence": "Name the dataset that auc was measured on.",
}

CODES = [(code, rule.label) for code, rule in rules().items()]
SHOWN = ("hint", "warning", "blocking")


@extend_schema_serializer(examples=[OpenApiExample("A finding", value=FINDING, response_only=True)])
class FindingOut(serializers.Serializer[Any]):
    """Something that a reviewer would send back."""

    code = serializers.ChoiceField(choices=CODES)
    path = serializers.CharField(help_text="The field, as section.key.")
    label = serializers.CharField(help_text="How pages call the field.")  # type: ignore[assignment]
    severity = serializers.ChoiceField(choices=SHOWN)
    sentence = serializers.CharField(help_text="What was found, and what to do.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Findings",
            value={"revision": 4, "digest": "3b1c" * 16, "ready": True, "findings": [FINDING]},
            response_only=True,
        )
    ]
)
class FindingsOut(serializers.Serializer[Any]):
    """Every finding about one revision, as severe as the systems that use the model demand."""

    revision = serializers.IntegerField()
    digest = serializers.CharField()
    ready = serializers.BooleanField(help_text="Nothing blocks: a review can be asked for.")
    findings = FindingOut(many=True)


class CardFindings(Door):
    """What the lint finds in a card."""

    kind = Document
    needs = ""
    serializer_class = FindingsOut

    @described("card_findings", "Lint a card", "documents", {200: FindingsOut})
    def get(self, request: Request, slug: str, number: int) -> Response:
        """What a reviewer would send back in the latest revision of the card. The verb that asks for a review refuses by it."""
        return _findings(visible_version(self.user, slug, number))


class DatasheetFindings(Door):
    """What the lint finds in a datasheet."""

    kind = Dataset
    needs = ""
    serializer_class = FindingsOut

    @described("datasheet_findings", "Lint a datasheet", "documents", {200: FindingsOut})
    def get(self, request: Request, slug: str) -> Response:
        """What a reviewer would send back in the latest revision of the datasheet."""
        return _findings(self.one(self.get_queryset().select_related("datasheet__head"), slug=slug))


def _findings(about: Version | Dataset) -> Response:
    document = getattr(about, "card" if isinstance(about, Version) else "datasheet", None)
    if document is None or document.head is None:
        raise NotFound
    found = lint.inspect(document.kind, document.head.content, strictness_of(about))
    answer = {
        "revision": document.head.number,
        "digest": document.head.digest,
        "ready": not lint.blocking(found),
        "findings": found,
    }
    return Response(FindingsOut(answer).data)
