"""Anomalies of the gate: list, dismiss."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import anomalies as verbs
from governance.models import Anomaly
from governance.models.anomalies import AnomalyQuerySet
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import WRITE, described

ANOMALY = {
    "id": 7,
    "kind": "new_network",
    "token": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
    "model": None,
    "network": "198.51.100.0/24",
    "count": 3,
    "usual": 0.0,
    "what": "The token scoring (crd_p3Fk…) was used from 198.51.100.0/24, a network it never came from before",
    "first_at": "2026-11-28T09:30:00Z",
    "last_at": "2026-11-28T09:35:00Z",
    "seen_at": "2026-11-28T09:30:40Z",
    "dismissed_by": None,
    "dismissed_at": None,
    "dismissed_because": "",
}


class AnomalyFilter(serializers.Serializer[Any]):
    """Which anomalies."""

    state = serializers.ChoiceField(choices=("open", "dismissed"), required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=Anomaly.Kind.choices, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("Dismiss", value={"reason": "The office has moved."})])
class DismissalIn(In):
    """Why it is nothing to act on."""

    reason = serializers.CharField(max_length=500, help_text="It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("An anomaly", value=ANOMALY, response_only=True)])
class AnomalyOut(serializers.ModelSerializer[Anomaly]):
    """Something unusual that the gate has seen about a token or a model."""

    model = serializers.CharField(source="model.slug", default=None, allow_null=True)
    token = serializers.UUIDField(source="token_id", default=None, allow_null=True)
    dismissed_by = serializers.CharField(source="dismissed_by.username", default=None, allow_null=True)
    what = serializers.CharField(help_text="In words.")

    class Meta:
        model = Anomaly
        fields = list(ANOMALY)


class Anomalies(Listing):
    """What was unusual about models and tokens that one sees."""

    kind = Anomaly
    needs = ""
    order = "-seen_at"
    serializer_class = AnomalyOut

    @described(
        "anomalies_list", "List anomalies", "stops", {200: AnomalyOut(many=True)}, declines=(400, 401),
        parameters=[AnomalyFilter],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Tokens from new networks, bursts of denials, far more queries than usual. Newest first."""
        found, chosen = _with_parts(self), self.chosen(AnomalyFilter)
        if state := chosen.get("state"):
            found = found.filter(dismissed_at__isnull=state == "open")
        return self.rows(found.filter(kind=chosen["kind"]) if chosen.get("kind") else found)


class Dismissal(Door):
    """What somebody says of one."""

    kind = Anomaly
    needs = ""
    serializer_class = AnomalyOut

    @described(
        "anomalies_dismiss", "Dismiss an anomaly", "stops", {200: AnomalyOut}, declines=WRITE, request=DismissalIn
    )  # fmt: skip
    def post(self, request: Request, pk: int) -> Response:
        """Say why it is nothing to act on. It stays on record."""
        one = self.one(_with_parts(self), pk=pk)
        return Response(AnomalyOut(verbs.dismiss(anomaly=one, **self.given(DismissalIn), by=self.user)).data)


def _with_parts(view: Door) -> AnomalyQuerySet:
    found = cast("AnomalyQuerySet", view.get_queryset())
    return found.select_related("model", "token__owner__service", "dismissed_by")
