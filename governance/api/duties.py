"""Who could do both halves of what two people should do."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.duties import DUTIES, overlaps
from registry.api.doors import Door
from registry.api.problems import described
from registry.models import RoleGrant

OVERLAP = {
    "account": "anna",
    "duty": "author_and_approve",
    "count": 12,
    "of": "models",
    "names": ["credit-scorer", "churn"],
    "since": "2027-01-02T08:00:00Z",
    "guard": DUTIES[0].guard,
}


class OverlapOut(serializers.Serializer[Any]):
    """One person and one pair of duties."""

    account = serializers.CharField(source="user.username")
    duty = serializers.ChoiceField(source="duty.code", choices=[one.code for one in DUTIES])
    count = serializers.IntegerField(source="number", help_text="How many models or systems it is about.")
    of = serializers.ChoiceField(source="kind", choices=["models", "systems"])
    names = serializers.ListField(child=serializers.CharField(), help_text="The first five of them.")
    since = serializers.DateTimeField(
        allow_null=True, help_text="When the later of the two rights came; null where it came by no role."
    )
    guard = serializers.CharField(source="duty.guard", help_text="What stands in the way in the single case.")


@extend_schema_serializer(
    many=False, examples=[OpenApiExample("Duties", value={"overlaps": [OVERLAP]}, response_only=True)]
)
class DutiesOut(serializers.Serializer[Any]):
    """Everybody who could do both."""

    overlaps = OverlapOut(many=True)


class Duties(Door):
    """Segregation of duties."""

    kind = RoleGrant
    needs = "registry.view_rolegrant"
    serializer_class = DutiesOut

    @described("duties_list", "List who could do both", "accounts", {200: DutiesOut}, declines=(401, 403))
    def get(self, request: Request) -> Response:
        """Who could both author and approve, issue and use, or classify and own, by role and sight as they are now."""
        return Response({"overlaps": OverlapOut(overlaps(), many=True).data})
