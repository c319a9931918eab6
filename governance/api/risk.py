"""The risk class of an AI system."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import risk
from governance.models import RiskClass, RiskDecision
from registry.api.bodies import In
from registry.api.doors import Listing
from registry.api.problems import WRITE, described
from registry.models import System

DECISION = {"risk_class": "high", "rationale": "Annex III, point 5(b)."}


@extend_schema_serializer(examples=[OpenApiExample("High risk", value=DECISION)])
class RiskIn(In):
    """A decision about the risk class."""

    risk_class = serializers.ChoiceField(choices=RiskClass.choices)
    rationale = serializers.CharField(
        max_length=20_000, help_text="Name the article and the point of the annex."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "High risk",
            value={
                "system": "credit-scoring",
                **DECISION,
                "by": "compliance",
                "decided_at": "2026-11-03T12:00:00Z",
            },
            response_only=True,
        )
    ]
)
class RiskOut(serializers.ModelSerializer[RiskDecision]):
    """A decision about the risk class. The latest one holds."""

    system = serializers.CharField(source="system.slug")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = RiskDecision
        fields = ["system", "risk_class", "rationale", "by", "decided_at"]


class Risk(Listing):
    """The decisions on the risk class of a system, newest first."""

    kind = System
    needs = ""
    order = "-decided_at"
    serializer_class = RiskOut

    @described(
        "risk_list",
        "List the decisions on the risk class",
        "systems",
        {200: RiskOut(many=True)},
        declines=(400, 401, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every decision on the risk class, newest first. The first one holds; none is ever changed."""
        system = self.one(slug=slug)
        return self.rows(RiskDecision.objects.filter(system=system).select_related("system", "by"))

    @described(
        "risk_decide",
        "Decide the risk class",
        "systems",
        {201: RiskOut},
        declines=WRITE,
        request=RiskIn,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Decide the risk class, with a reason. A prohibited one closes the gate within a second."""
        decision = risk.decide(system=self.one(slug=slug), **self.given(RiskIn), by=self.user)
        return Response(RiskOut(decision).data, status=201)
