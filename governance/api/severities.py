"""How severe a finding in a document is: read every rule, decide one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import severities as verbs
from governance.models import SeverityDecision, decided_severities
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.findings import CODES
from registry.api.problems import described
from registry.documents.strictness import CLASSES, SEVERITIES, rules

SEVERITY = {
    "rule": "metric_without_slice",
    "risk_class": "high",
    "severity": "blocking",
    "default": "warning",
}


@extend_schema_serializer(
    examples=[
        OpenApiExample("Decide", value={"severity": "blocking", "rationale": "Policy 7 asks for groups."})
    ]
)
class SeverityIn(In):
    """A decision."""

    severity = serializers.ChoiceField(choices=SEVERITIES)
    rationale = serializers.CharField(max_length=5000, help_text="It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("A rule", value=SEVERITY, response_only=True)])
class SeverityOut(serializers.Serializer[Any]):
    """How severe findings of a rule are for documents of a risk class."""

    rule = serializers.ChoiceField(choices=CODES)
    risk_class = serializers.ChoiceField(choices=CLASSES)
    severity = serializers.ChoiceField(choices=SEVERITIES, help_text="What holds.")
    default = serializers.ChoiceField(choices=SEVERITIES, help_text="What would hold if nobody had decided.")


@extend_schema_serializer(
    many=False, examples=[OpenApiExample("Rules", value={"rules": [SEVERITY]}, response_only=True)]
)
class SeveritiesOut(serializers.Serializer[Any]):
    """Every rule for every risk class."""

    rules = SeverityOut(many=True)


class Severities(Door):
    """Every rule."""

    kind = SeverityDecision
    needs = ""
    serializer_class = SeveritiesOut

    @described(
        "severities_list", "List the document rules", "documents", {200: SeveritiesOut}, declines=(401,)
    )
    def get(self, request: Request) -> Response:
        """What is looked for in documents, and how severe it is for each risk class."""
        decided = decided_severities()
        return Response({"rules": [_row(code, one, decided) for code in rules() for one in CLASSES]})


class OneSeverity(Door):
    """A rule for a risk class."""

    kind = SeverityDecision
    needs = ""
    serializer_class = SeverityOut

    @described(
        "severities_decide",
        "Decide how severe a finding is",
        "documents",
        {200: SeverityOut},
        declines=(400, 401, 403, 404, 413, 415),
        request=SeverityIn,
    )
    def put(self, request: Request, rule: str, risk_class: str) -> Response:
        """Decide with a reason. It holds for whatever is submitted from then on."""
        if rule not in rules() or risk_class not in CLASSES:
            raise NotFound
        verbs.decide(rule=rule, risk_class=risk_class, **self.given(SeverityIn), by=self.user)
        return Response(_row(rule, risk_class, decided_severities()))


def _row(code: str, risk_class: str, decided: dict[tuple[str, str], str]) -> dict[str, str]:
    default = rules()[code].severity[risk_class]
    held = decided.get((code, risk_class), default)
    return {"rule": code, "risk_class": risk_class, "severity": held, "default": default}
