"""AI systems and their risk class."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet, Subquery
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import risk
from governance.api.lists import Found, filter_of
from governance.finding import systems as systems_list
from governance.finding.models import LATEST_RISK
from governance.models import RiskClass, RiskDecision
from registry.actions import systems as verbs
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.problems import described
from registry.models import Model, System

PURPOSE = "Supports the decision about retail loans."
SYSTEM = {
    "slug": "credit-scoring",
    "name": "Credit scoring",
    "intended_purpose": PURPOSE,
    "operator_role": "provider",
    "risk_class": "high",
    "models": ["credit-risk"],
    "created_at": "2026-11-02T08:30:00Z",
}
DECISION = {"risk_class": "high", "rationale": "Annex III, point 5(b)."}


SystemFilter = filter_of(systems_list.PLAN, "SystemFilter")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A system",
            value={"name": "Credit scoring", "intended_purpose": PURPOSE, "operator_role": "provider"},
        )
    ]
)
class SystemIn(In):
    """A new AI system."""

    name = serializers.CharField(max_length=120)
    intended_purpose = serializers.CharField(
        max_length=20_000, help_text="Art. 3(12) of Regulation (EU) 2024/1689."
    )
    operator_role = serializers.ChoiceField(choices=System.OperatorRole.choices)


@extend_schema_serializer(examples=[OpenApiExample("A system", value=SYSTEM, response_only=True)])
class SystemOut(serializers.ModelSerializer[System]):
    """An AI system. `models` names those that you may see."""

    risk_class = serializers.ChoiceField(
        choices=RiskClass.choices, allow_null=True, default=None, help_text="Null until it is decided."
    )
    models = serializers.SlugRelatedField[Model]("slug", many=True, read_only=True)

    class Meta:
        model = System
        fields = ["slug", "name", "intended_purpose", "operator_role", "risk_class", "models", "created_at"]


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


class Systems(Found):
    """Visible systems."""

    kind = System
    needs = ""
    order = "name"
    plan = systems_list.PLAN
    asks = SystemFilter
    serializer_class = SystemOut

    @described(
        "systems_list",
        "List AI systems",
        "systems",
        {200: SystemOut(many=True)},
        declines=(400, 401),
        parameters=[SystemFilter],
    )
    def get(self, request: Request) -> Response:
        """AI systems that use a model shared with you, with their risk class; searched, filtered and sorted."""
        keys = self.keys(self.asked())
        found = _with_parts(self, System.objects.filter(pk__in=keys)).in_bulk()
        return self.get_paginated_response(SystemOut([found[key] for key in keys], many=True).data)

    @described(
        "systems_register",
        "Register an AI system",
        "systems",
        {201: SystemOut},
        declines=(400, 401, 403, 413, 415),
        request=SystemIn,
    )
    def post(self, request: Request) -> Response:
        """Register a system with its intended purpose and the operator role taken for it."""
        system = verbs.register(**self.given(SystemIn), by=self.user)
        there = reverse("api-system", args=[system.slug])
        return Response(SystemOut(system).data, status=201, headers={"Location": there})


class OneSystem(Door):
    """A system by its slug."""

    kind = System
    needs = ""
    serializer_class = SystemOut

    @described("systems_read", "Read an AI system", "systems", {200: SystemOut})
    def get(self, request: Request, slug: str) -> Response:
        """One AI system with its risk class and the models in it that you may see."""
        return Response(SystemOut(self.one(_with_parts(self), slug=slug)).data)


class Risk(Door):
    """The risk class of a system."""

    kind = System
    needs = ""
    serializer_class = RiskOut

    @described(
        "risk_decide",
        "Decide the risk class",
        "systems",
        {201: RiskOut},
        declines=(400, 401, 403, 404, 413, 415),
        request=RiskIn,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Decide the risk class, with a reason. A prohibited one closes the gate with the next query."""
        decision = risk.decide(system=self.one(slug=slug), **self.given(RiskIn), by=self.user)
        return Response(RiskOut(decision).data, status=201)


def _with_parts(view: Door, found: QuerySet[System] | None = None) -> QuerySet[System]:
    models = Model.objects.visible_to(view.user).order_by("slug")
    rows = view.get_queryset() if found is None else found
    decided: QuerySet[System] = rows.annotate(risk_class=Subquery(LATEST_RISK.values("risk_class")[:1]))
    return decided.prefetch_related(Prefetch("models", models))
