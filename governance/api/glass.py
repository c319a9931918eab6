"""Breaking the glass: ask, grant, end."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import glass as verbs
from governance.models import BreakGlass
from governance.models.break_glass import LONGEST
from registry.api.bodies import In
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import WRITE, described
from registry.models import Environment

GLASS = {
    "id": 4,
    "model": "credit-risk",
    "version": 3,
    "environment": "production",
    "minutes": 30,
    "reason": "Payments are at a standstill.",
    "asked_by": "owner",
    "asked_at": "2026-11-21T09:30:00Z",
    "granted_by": None,
    "granted_at": None,
    "ends_at": None,
    "ended_by": None,
    "ended_at": None,
}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Ask",
            value={"environment": "production", "minutes": 30, "reason": "Payments are at a standstill."},
        )
    ]
)
class GlassIn(In):
    """What is asked for."""

    environment = serializers.ChoiceField(choices=Environment.choices)
    minutes = serializers.IntegerField(min_value=1, max_value=LONGEST, help_text="Then it ends by itself.")
    reason = serializers.CharField(max_length=1_000, help_text="What is at stake. It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("Asked", value=GLASS, response_only=True)])
class GlassOut(serializers.ModelSerializer[BreakGlass]):
    """That two people let a version answer although it is not cleared; or that one asks the other."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    asked_by = serializers.CharField(source="asked_by.username")
    granted_by = serializers.CharField(source="granted_by.username", default=None, allow_null=True)
    ended_by = serializers.CharField(source="ended_by.username", default=None, allow_null=True)

    class Meta:
        model = BreakGlass
        fields = list(GLASS)


class Glasses(Listing):
    """Every time the glass was broken, or somebody asked."""

    kind = BreakGlass
    needs = ""
    order = "-asked_at"
    serializer_class = GlassOut

    @described(
        "glass_list", "List broken glass", "clearance", {200: GlassOut(many=True)}, declines=(400, 401)
    )
    def get(self, request: Request) -> Response:
        """Of what is shared with you, newest first."""
        rows = self.get_queryset().select_related("version__model", "asked_by", "granted_by", "ended_by")
        return self.rows(rows)


class Ask(Door):
    """Broken glass of a version."""

    kind = BreakGlass
    needs = ""
    serializer_class = GlassOut

    @described(
        "glass_ask", "Ask to break the glass", "clearance", {201: GlassOut}, declines=WRITE, request=GlassIn
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Ask that a version may answer although it is not cleared. Nothing opens until somebody else grants it."""
        about = visible_version(self.user, slug, number)
        asked = verbs.ask(version=about, **self.given(GlassIn), by=self.user)
        return Response(GlassOut(asked).data, status=201)


class OneGlass(Door):
    """One request, or what was granted."""

    kind = BreakGlass
    needs = ""
    serializer_class = GlassOut

    @described("glass_end", "End it", "clearance", {200: GlassOut}, declines=(401, 403, 404, 409))
    def delete(self, request: Request, pk: int) -> Response:
        """End it before its time, or turn down what was asked. It stays on record."""
        one = self.one(self.get_queryset().select_related("version__model"), pk=pk)
        return Response(GlassOut(verbs.end(glass=one, by=self.user)).data)


class Grant(Door):
    """The second person."""

    kind = BreakGlass
    needs = ""
    serializer_class = GlassOut

    @described(
        "glass_grant",
        "Grant what somebody else asked for",
        "clearance",
        {200: GlassOut},
        declines=(401, 403, 404, 409),
        request=None,
    )
    def post(self, request: Request, pk: int) -> Response:
        """The gate lets queries to the version pass from the next one on, for the minutes that were asked for."""
        one = self.one(self.get_queryset().select_related("version__model"), pk=pk)
        return Response(GlassOut(verbs.grant(glass=one, by=self.user)).data)
