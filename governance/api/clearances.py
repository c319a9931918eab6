"""Clearances: may this version serve, and if not, why not."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models import Clearance
from registry.api.doors import Door, visible_version
from registry.api.problems import described
from registry.models import Environment

EXAMPLE = {
    "model": "credit-risk",
    "version": 3,
    "environment": "production",
    "allowed": False,
    "conditions": [
        {
            "code": "card",
            "label": "Card approved by a second person",
            "met": False,
            "reason": "card_in_review",
            "why": "The card waits for its review.",
            "remedy": "A reviewer who did not write it can approve it.",
            "since": "2026-11-21T09:30:00+00:00",
            "until": "",
            "then": "",
        }
    ],
    "valid_until": None,
    "assessed_at": "2026-11-21T09:30:00Z",
}


class EnvironmentChoice(serializers.Serializer[Any]):
    """Where."""

    environment = serializers.ChoiceField(choices=Environment.choices, default="production")


class ClearanceConditionOut(serializers.Serializer[Any]):
    """One condition of clearance."""

    code = serializers.CharField(help_text="Which condition. Stable.")
    label = serializers.CharField()  # type: ignore[assignment]
    met = serializers.BooleanField()
    reason = serializers.CharField(
        allow_blank=True, help_text="Stable code of why it is not met; empty when it is."
    )
    why = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True)
    since = serializers.CharField(
        default="", allow_blank=True, help_text="Since when it stands so, as ISO 8601; empty when unknown."
    )
    until = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="When time alone will end it, as ISO 8601; empty when it will not.",
    )
    then = serializers.CharField(default="", allow_blank=True, help_text="The reason code from then on.")


@extend_schema_serializer(examples=[OpenApiExample("Not cleared", value=EXAMPLE, response_only=True)])
class ClearanceOut(serializers.ModelSerializer[Clearance]):
    """The stored answer to "may this version serve in this environment, now?"."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    allowed = serializers.BooleanField(
        source="holds", help_text="By the clock too: false once valid_until is past."
    )
    conditions = ClearanceConditionOut(source="conditions_now", many=True)

    class Meta:
        model = Clearance
        fields = ["model", "version", "environment", "allowed", "conditions", "assessed_at", "valid_until"]
        extra_kwargs = {
            "valid_until": {"help_text": "Not allowed from then on, whatever else; null for no end."}
        }


class OneClearance(Door):
    """The clearance of a version in one environment."""

    kind = Clearance
    needs = ""
    serializer_class = ClearanceOut

    @described(
        "clearance_explain",
        "Explain the clearance of a version",
        "clearance",
        {200: ClearanceOut},
        declines=(400, 401, 404),
        parameters=[EnvironmentChoice],
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Every condition, met or not, with its reason code and what to do. The gate lets pass what is allowed here."""
        environment = self.chosen(EnvironmentChoice)["environment"]
        about = visible_version(self.user, slug, number)
        rows = self.get_queryset().select_related("version__model")
        return Response(ClearanceOut(self.one(rows, version=about, environment=environment)).data)
