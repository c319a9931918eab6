"""AI systems: register, read, change and retire one, and say which models it uses."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet, Subquery
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.lists import Found, filter_of
from governance.finding import systems as systems_list
from governance.finding.models import LATEST_RISK
from governance.models import RiskClass
from registry.actions import systems as verbs
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.preconditions import ETAG, IF_MATCH, agree, fingerprint, tagged
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Model, System
from registry.permissions import require

PURPOSE = "Supports the decision about retail loans."
SYSTEM = {
    "slug": "credit-scoring",
    "name": "Credit scoring",
    "intended_purpose": PURPOSE,
    "operator_role": "provider",
    "team": "Retail credit, credit@example.org",
    "risk_class": "high",
    "risk_outdated": False,
    "edition": 3,
    "models": ["credit-risk"],
    "created_at": "2026-11-02T08:30:00Z",
    "retired_at": None,
    "retired_because": "",
}
DECISION = {"risk_class": "high", "rationale": "Annex III, point 5(b)."}


SystemFilter = filter_of(systems_list.PLAN, "SystemFilter")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A system",
            value={
                "name": "Credit scoring",
                "intended_purpose": PURPOSE,
                "operator_role": "provider",
                "team": "",
            },
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
    team = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="Who answers for it, and how to reach them.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Another team", value={"team": "Model risk, risk@example.org"})]
)
class SystemChangeIn(SystemIn):
    """What should be different; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)
    intended_purpose = serializers.CharField(
        max_length=20_000, required=False, help_text="Changing it means that the risk class is decided again."
    )
    operator_role = serializers.ChoiceField(
        choices=System.OperatorRole.choices, required=False, help_text="Likewise."
    )


@extend_schema_serializer(examples=[OpenApiExample("A model", value={"model": "credit-risk"})])
class SystemModelIn(In):
    """A model that the system uses."""

    model = serializers.SlugField(max_length=120, help_text="Slug of a model.")


@extend_schema_serializer(
    examples=[OpenApiExample("A reason", value={"reason": "Replaced by Credit scoring 2."})]
)
class RetireIn(In):
    """Why it goes out of service."""

    reason = serializers.CharField(max_length=500)


@extend_schema_serializer(examples=[OpenApiExample("A system", value=SYSTEM, response_only=True)])
class SystemOut(serializers.ModelSerializer[System]):
    """An AI system. `models` names those that you may see."""

    risk_class = serializers.ChoiceField(
        choices=RiskClass.choices, allow_null=True, default=None, help_text="Null until it is decided."
    )
    risk_outdated = serializers.SerializerMethodField(
        help_text="Purpose or role has changed since the risk class was decided: nothing is cleared until it is decided again."
    )
    models = serializers.SlugRelatedField[Model]("slug", many=True, read_only=True)

    class Meta:
        model = System
        fields = [
            "slug", "name", "intended_purpose", "operator_role", "team", "risk_class", "risk_outdated", "edition",
            "models", "created_at", "retired_at", "retired_because",
        ]  # fmt: skip

    def get_risk_outdated(self, system: System) -> bool:
        decided_at, redefined_at = getattr(system, "decided_at", None), system.redefined_at
        return bool(decided_at and redefined_at and redefined_at > decided_at)


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
        return Response(told(self, system.slug), status=201, headers={"Location": there})


class OneSystem(Door):
    """A system by its slug."""

    kind = System
    needs = ""
    serializer_class = SystemOut

    @described("systems_read", "Read an AI system", "systems", {200: SystemOut})
    def get(self, request: Request, slug: str) -> Response:
        """One AI system with its risk class and the models in it that you may see."""
        return Response(told(self, slug))

    @described(
        "systems_edit",
        "Change an AI system",
        "systems",
        {200: SystemOut},
        declines=(*WRITE, 412, 428),
        request=SystemChangeIn,
        parameters=[ETAG, IF_MATCH],
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change name, purpose, role or team; send the ETag you have read as If-Match. A new purpose or role ends the
        clearances in the system until its risk class is decided again."""
        system = self.one(slug=slug)
        require(self.user, "registry.change_system", on=system)
        given = self.given(SystemChangeIn)
        agree(self.request, fingerprint(told(self, slug)))
        stays = {
            name: getattr(system, name) for name in ("name", "intended_purpose", "operator_role", "team")
        }
        verbs.edit(system=system, **(stays | given), on_top_of=system.edition, by=self.user)
        return tagged(now := told(self, slug), fingerprint(now))


class Retirement(Door):
    """The end of a system's service."""

    kind = System
    needs = ""
    serializer_class = SystemOut

    @described(
        "systems_retire", "Retire an AI system", "systems", {200: SystemOut}, declines=WRITE, request=RetireIn
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take a system out of service, for good: it stays with its history, and the clearances in it end at once."""
        verbs.retire(system=self.one(slug=slug), **self.given(RetireIn), by=self.user)
        return Response(told(self, slug))


class SystemModels(Door):
    """The models of a system."""

    kind = System
    needs = ""
    serializer_class = SystemOut

    @described(
        "systems_add_model",
        "Add a model to an AI system",
        "systems",
        {200: SystemOut},
        declines=WRITE,
        request=SystemModelIn,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say that the system uses a model. Its risk class then decides about the versions of the model."""
        system = self.one(slug=slug)
        require(self.user, "registry.change_system", on=system)
        wanted = self.given(SystemModelIn)["model"]
        model = Model.objects.visible_to(self.user).filter(slug=wanted).first()
        if model is None:
            raise Invalid(fields={"model": ["There is no such model, or it is not shared with you."]})
        verbs.add_model(system=system, model=model, by=self.user)
        return Response(told(self, slug))


class OneSystemModel(Door):
    """A model in a system."""

    kind = System
    needs = ""
    serializer_class = SystemOut

    @described(
        "systems_remove_model",
        "Remove a model from an AI system",
        "systems",
        {204: None},
        declines=(401, 403, 404, 409),
    )
    def delete(self, request: Request, slug: str, model: str) -> Response:
        """Say that the system no longer uses the model. In no system, no version of it is cleared."""
        used = self.one(Model.objects.visible_to(self.user), slug=model)
        verbs.remove_model(system=self.one(slug=slug), model=used, by=self.user)
        return Response(status=204)


def told(view: Door, slug: str) -> dict[str, Any]:
    """The system as it is answered, read anew."""
    return dict(SystemOut(view.one(_with_parts(view), slug=slug)).data)


def _with_parts(view: Door, found: QuerySet[System] | None = None) -> QuerySet[System]:
    models = Model.objects.visible_to(view.user).order_by("slug")
    rows = view.get_queryset() if found is None else found
    decided: QuerySet[System] = rows.annotate(
        risk_class=Subquery(LATEST_RISK.values("risk_class")[:1]),
        decided_at=Subquery(LATEST_RISK.values("decided_at")[:1]),
    )
    return decided.prefetch_related(Prefetch("models", models))
