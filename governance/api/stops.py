"""Stops: list, make, lift."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import stops as verbs
from governance.models import Stop, Token
from governance.models.stops import StopQuerySet
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Model

STOP = {
    "id": 3,
    "reach": "model",
    "model": "credit-risk",
    "token": None,
    "reason": "It answers nonsense since the last release.",
    "by": "owner",
    "stopped_at": "2026-11-28T09:30:00Z",
    "lifted_by": None,
    "lifted_at": None,
    "lifted_because": "",
}


class StopFilter(serializers.Serializer[Any]):
    """Which stops."""

    state = serializers.ChoiceField(choices=("in_force", "lifted"), required=False, allow_blank=True)
    reach = serializers.ChoiceField(choices=Stop.Reach.choices, required=False, allow_blank=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One model", value={"reach": "model", "model": "credit-risk", "reason": STOP["reason"]}
        ),
        OpenApiExample("Everything", value={"reach": "all", "reason": "The gate is under attack."}),
    ]
)
class StopIn(In):
    """What is stopped, and why."""

    reach = serializers.ChoiceField(choices=Stop.Reach.choices)
    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug, when it reaches one model."
    )
    token = serializers.UUIDField(required=False, help_text="Its id, when it reaches one token.")
    reason = serializers.CharField(max_length=verbs.LONGEST, help_text="It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("Lift", value={"reason": "The release is taken back."})])
class LiftingIn(In):
    """Why queries may pass again."""

    reason = serializers.CharField(max_length=verbs.LONGEST, help_text="It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("A stop", value=STOP, response_only=True)])
class StopOut(serializers.ModelSerializer[Stop]):
    """Somebody has stopped all queries, those to one model or those with one token; and whether they pass again."""

    model = serializers.CharField(source="model.slug", default=None, allow_null=True)
    token = serializers.UUIDField(source="token_id", default=None, allow_null=True)
    by = serializers.CharField(source="by.username")
    lifted_by = serializers.CharField(source="lifted_by.username", default=None, allow_null=True)

    class Meta:
        model = Stop
        fields = list(STOP)


class Stops(Listing):
    """Every stop that one may know of."""

    kind = Stop
    needs = ""
    order = "-stopped_at"
    serializer_class = StopOut

    @described(
        "stops_list", "List stops", "stops", {200: StopOut(many=True)}, declines=(400, 401), parameters=[StopFilter]
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """What is stopped, and what was: everything, and of models and tokens those that you see. Newest first."""
        found, chosen = _with_parts(self), self.chosen(StopFilter)
        if state := chosen.get("state"):
            found = found.filter(lifted_at__isnull=state == "in_force")
        return self.rows(found.filter(reach=chosen["reach"]) if chosen.get("reach") else found)

    @described("stops_make", "Stop queries", "stops", {201: StopOut}, declines=WRITE, request=StopIn)
    def post(self, request: Request) -> Response:
        """Every gate refuses within a second, until somebody lifts it: all queries, those to a model, those with a token."""
        given = self.given(StopIn)
        reach, reason = given["reach"], given["reason"]
        if {name for name in ("model", "token") if given.get(name)} != {reach} - {"all"}:
            raise Invalid(
                fields={"reach": ["Name the model or the token that it reaches, and nothing else."]}
            )
        if reach == Stop.Reach.MODEL:
            model = self.one(Model.objects.visible_to(self.user), slug=given["model"])
            made = verbs.stop_model(model=model, reason=reason, by=self.user)
        elif reach == Stop.Reach.TOKEN:
            rows = Token.objects.visible_to(self.user).select_related("owner__service")
            made = verbs.stop_token(token=self.one(rows, pk=given["token"]), reason=reason, by=self.user)
        else:
            made = verbs.stop_all(reason=reason, by=self.user)
        return Response(StopOut(made).data, status=201)


class OneStop(Door):
    """A stop by its id."""

    kind = Stop
    needs = ""
    serializer_class = StopOut

    @described("stops_read", "Read a stop", "stops", {200: StopOut})
    def get(self, request: Request, pk: int) -> Response:
        """What is stopped, by whom and why, and whether it is lifted."""
        return Response(StopOut(self.one(_with_parts(self), pk=pk)).data)


class Lifting(Door):
    """The end of a stop."""

    kind = Stop
    needs = ""
    serializer_class = StopOut

    @described("stops_lift", "Lift a stop", "stops", {200: StopOut}, declines=WRITE, request=LiftingIn)
    def post(self, request: Request, pk: int) -> Response:
        """Let policy and clearance decide again, within a second. It stays on record."""
        one = self.one(_with_parts(self), pk=pk)
        return Response(StopOut(verbs.lift(stop=one, **self.given(LiftingIn), by=self.user)).data)


def _with_parts(view: Door) -> StopQuerySet:
    found = cast("StopQuerySet", view.get_queryset())
    return found.select_related("model", "token__owner__service", "by", "lifted_by")
