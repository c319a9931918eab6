"""The ledger of a model, and orders to move an alias."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import catalogue
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import WRITE, described
from registry.models import AliasOrder, LedgerRow, Model

ROW = {
    "what": "alias",
    "name": "champion",
    "version": 3,
    "before": "2",
    "after": "3",
    "at": "2026-11-20T10:00:00Z",
    "seen_by": "reconcile",
    "outside_control": True,
    "by": "cardinal",
}
ORDER = {"model": "credit-risk", "name": "champion", "version": 3, "state": "waiting", "problem": ""}


class LedgerFilter(serializers.Serializer[Any]):
    """Which rows."""

    what = serializers.ChoiceField(choices=LedgerRow.What.choices, required=False)
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=256, help_text="Part of the name of an alias or tag."
    )
    outside_control = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only moves that were made past Cardinal."
    )


@extend_schema_serializer(examples=[OpenApiExample("A row", value=ROW, response_only=True)])
class LedgerRowOut(serializers.ModelSerializer[LedgerRow]):
    """One change of an alias, tag, stage or description."""

    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    outside_control = serializers.BooleanField(source="is_outside")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = LedgerRow
        fields = [
            "what", "name", "version", "before", "after", "at", "seen_by", "outside_control", "by",
        ]  # fmt: skip


@extend_schema_serializer(examples=[OpenApiExample("A version", value={"version": 3}, request_only=True)])
class AliasIn(In):
    """Where the alias shall point."""

    version = serializers.IntegerField(
        min_value=0, max_value=2_147_483_647, help_text="Number of the version; 0 takes the alias away."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("An order", value=ORDER, response_only=True, status_codes=["202"])]
)
class AliasOrderOut(serializers.ModelSerializer[AliasOrder]):
    """An order to move an alias: a worker carries it out in the tracking server."""

    model = serializers.CharField(source="model.slug")
    version = serializers.IntegerField(source="number")

    class Meta:
        model = AliasOrder
        fields = ["model", "name", "version", "state", "problem"]


class Ledger(Listing):
    """The ledger of a model, newest first."""

    kind = LedgerRow
    needs = ""
    order = "-at"
    serializer_class = LedgerRowOut

    @described(
        "ledger_list",
        "List who held which alias, tag and stage",
        "models",
        {200: LedgerRowOut(many=True)},
        declines=(400, 401, 404),
        parameters=[LedgerFilter],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every change of an alias, tag, stage or description of one model, newest first."""
        model = self.one(Model.objects.visible_to(self.user), slug=slug)
        chosen = self.chosen(LedgerFilter)
        found = self.get_queryset().filter(model=model).select_related("version", "by")
        if what := chosen.get("what"):
            found = found.filter(what=what)
        if name := chosen.get("name"):
            found = found.filter(name__icontains=name)
        if chosen.get("outside_control"):
            found = found.filter(LedgerRow.OUTSIDE)
        return self.rows(found)


class OneAlias(Door):
    """An alias of a model."""

    kind = Model
    needs = ""
    serializer_class = AliasOrderOut

    @described(
        "aliases_move",
        "Move an alias",
        "models",
        {202: AliasOrderOut},
        declines=WRITE,
        request=AliasIn,
    )
    def post(self, request: Request, slug: str, name: str) -> Response:
        """Ask a worker to move the alias in the tracking server; the ledger says when it is done."""
        model = self.one(slug=slug)
        number = self.given(AliasIn)["version"]
        order = catalogue.set_alias(model=model, name=name, number=number, by=self.user)
        return Response(AliasOrderOut(order).data, status=202)
