"""Decisions of the gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.finding import newest
from governance.finding.decisions import DOORS, chosen
from governance.models import Decision
from governance.receipts import FORMAT, file_of
from registry.api.doors import Door, Listing
from registry.api.pages import LARGEST
from registry.api.problems import described
from registry.models import Environment

DECISION = {
    "id": "0192f3c0-7a31-7c55-9f6e-1f0d5b0c7e21",
    "decided_at": "2026-11-23T12:00:00.123456Z",
    "allowed": False,
    "reason": "card_changed",
    "environment": "production",
    "model": "credit-risk",
    "version": 3,
    "action": "predict",
    "caller": "scoring",
    "token": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
    "method": "POST",
    "door": "proxy",
    "request_id": "7f0c9b6e",
    "network": "10.0.0.7",
    "purpose": "",
    "payload_bytes": 512,
    "digest": "c07e" * 16,
    "batch": "0192f3c0-7a31-7c55-9f6e-000000000001",
}

RECEIPT = {
    "format": FORMAT,
    "decision": {name: value for name, value in DECISION.items() if name != "digest"} | {"form": 2},
    "digest": DECISION["digest"],
    "batch": {
        "id": DECISION["batch"],
        "count": 2,
        "root": "39c1" * 16,
        "writer": "host:17",
        "written_at": "2026-11-23T12:00:00.124800Z",
    },
    "place": 1,
    "path": [{"side": "left", "hash": "7be0" * 16}],
}


class DecisionFilter(serializers.Serializer[Any]):
    """Which decisions."""

    model = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="The slug asked for."
    )
    answer = serializers.ChoiceField(choices=["allowed", "refused"], required=False, allow_blank=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text="Reason code.")
    caller = serializers.CharField(
        required=False, allow_blank=True, max_length=150, help_text="Name of an account."
    )
    environment = serializers.ChoiceField(choices=Environment.choices, required=False, allow_blank=True)
    token = serializers.UUIDField(required=False, help_text="Id of a token.")
    network = serializers.IPAddressField(
        required=False, allow_blank=True, help_text="Address that the query came from."
    )
    door = serializers.ChoiceField(choices=[name for name, _ in DOORS], required=False, allow_blank=True)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


@extend_schema_serializer(examples=[OpenApiExample("A refusal", value=DECISION, response_only=True)])
class DecisionOut(serializers.ModelSerializer[Decision]):
    """One answer of the gate, with its reason code. Never a payload, never a secret."""

    batch = serializers.UUIDField(source="batch_id")

    class Meta:
        model = Decision
        fields = [
            "id", "decided_at", "allowed", "reason", "environment", "model", "version", "action", "caller",
            "token", "method", "door", "request_id", "network", "purpose", "payload_bytes", "digest", "batch",
        ]  # fmt: skip


class SealedBatchOut(serializers.Serializer[Any]):
    """The batch that holds a decision. Writer and time are told, not proven."""

    id = serializers.UUIDField()
    count = serializers.IntegerField(help_text="How many decisions it holds.")
    root = serializers.CharField(help_text="Its Merkle root, as the trail has it.")  # type: ignore[assignment]
    writer = serializers.CharField()
    written_at = serializers.DateTimeField()


class StepOut(serializers.Serializer[Any]):
    """One step of the way to the root."""

    side = serializers.ChoiceField(choices=("left", "right"), help_text="On which side the other stands.")
    hash = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A receipt", value=RECEIPT, response_only=True)])
class ReceiptOut(serializers.Serializer[Any]):
    """A decision and its way to the root of its batch: proof that needs no portal."""

    format = serializers.CharField(help_text=f"`{FORMAT}`.")
    decision = serializers.DictField(help_text="Each field that the digest covers.")
    digest = serializers.CharField()
    batch = SealedBatchOut()
    place = serializers.IntegerField(help_text="Where it stands in its batch, from 0.")
    path = StepOut(many=True, help_text="Empty where the batch does not add up to its root any more.")


class Decisions(Listing):
    """What the gate decided, newest first."""

    kind = Decision
    needs = "governance.view_decision"
    order = "-decided_at"
    serializer_class = DecisionOut

    @described(
        "decisions_list",
        "List decisions of the gate",
        "decisions",
        {200: DecisionOut(many=True)},
        declines=(400, 401, 403),
        parameters=[DecisionFilter],
    )
    def get(self, request: Request) -> Response:
        """Decisions on models shared with you, newest first."""
        given = {name: str(value) for name, value in self.chosen(DecisionFilter).items()}
        asked = replace(chosen(given), period="all")
        now = timezone.now()
        rows = newest.seen_by(self.user, asked, now=now)
        if newest.needs_sums(asked):
            rows = newest.page_of(rows, self.user, asked, request, by=self.order, size=LARGEST, now=now)
        return self.rows(rows)


class OneDecision(Door):
    """A decision by its id."""

    kind = Decision
    needs = "governance.view_decision"
    serializer_class = DecisionOut

    @described("decisions_read", "Read a decision", "decisions", {200: DecisionOut}, declines=(401, 403, 404))
    def get(self, request: Request, pk: str) -> Response:
        """One decision. Its digest covers all the other fields; its batch is sealed in the trail."""
        return Response(DecisionOut(self.one(pk=pk)).data)


class OneReceipt(Door):
    """The receipt of a decision."""

    kind = Decision
    needs = ""
    serializer_class = ReceiptOut

    @described(
        "decisions_receipt", "Download a receipt", "decisions", {200: ReceiptOut}, declines=(401, 403, 404)
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        """The proof of one decision, to be checked without the portal (`cardinal receipt FILE`).

        For whoever may read the decision, and for the account whose token asked the query.
        """
        found = file_of(self.user, pk)
        if found is None:
            raise Http404
        named = {"Content-Disposition": f'attachment; filename="{found.name}"'}
        return HttpResponse(found.written, content_type="application/json", headers=named)
