"""Questions about access: who can query a model, what somebody or a token reaches, why something was denied."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access import reach
from governance.access.asking import PERMISSION, account_of, question, token_reach
from governance.access.why import Explained, explain
from governance.models import Token
from registry.api.doors import Door
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import Environment, Model
from registry.permissions import require

WHO = {
    "name": "scoring",
    "service": True,
    "extent": "sometimes",
    "by": ["The service account scoring may predict from the network 10.0.0.0/8."],
    "unless": [],
    "token": True,
}

SENTENCE = "The service account scoring may predict from the network 10.0.0.0/8."
WHAT = {
    "model": "credit-risk",
    "environment": "production",
    "actions": {"predict": "sometimes"},
    "by": [SENTENCE],
    "unless": [],
    "tokens": ["predict"],
}
REASONED = {
    "allowed": False,
    "reason": "policy_network",
    "sentence": "The access policy allows this from other networks only.",
    "version": 2,
    "limited": False,
    "points": [{"label": "Account", "met": True, "said": "scoring is switched on."}],
    "rules": [
        {
            "rule": 1,
            "sentence": SENTENCE,
            "names_caller": True,
            "names_action": True,
            "applies": False,
            "conditions": [
                {"code": "policy_network", "words": "from the network 10.0.0.0/8", "holds": False}
            ],
        }
    ],
    "clearance": [],
}


class Chosen(serializers.Serializer[Any]):
    """Which action, where."""

    environment = serializers.ChoiceField(choices=Environment.choices, required=False)
    action = serializers.ChoiceField(choices=Token.Action.choices, required=False)


class WhoOut(serializers.Serializer[Any]):
    """One account that may."""

    name = serializers.CharField()
    service = serializers.BooleanField(help_text="A service account.")
    extent = serializers.ChoiceField(choices=["always", "sometimes"])
    by = serializers.ListField(child=serializers.CharField(), help_text="The rules that allow, as sentences.")
    unless = serializers.ListField(child=serializers.CharField(), help_text="The rules that deny at times.")
    token = serializers.BooleanField(help_text="Whether it holds a token that does this.")


@extend_schema_serializer(
    examples=[OpenApiExample("One", value={"count": 1, "results": [WHO]}, response_only=True)]
)
class WhoCanOut(serializers.Serializer[Any]):
    """Everybody who may, by name: complete, in one answer."""

    count = serializers.IntegerField()
    results = WhoOut(many=True)


class WhatOut(serializers.Serializer[Any]):
    """What may be done with one model in one environment."""

    model = serializers.CharField(source="slug")
    environment = serializers.CharField()
    actions = serializers.DictField(child=serializers.CharField(), help_text="Action → always or sometimes.")
    by = serializers.ListField(child=serializers.CharField())
    unless = serializers.ListField(child=serializers.CharField())
    tokens = serializers.ListField(
        child=serializers.CharField(), help_text="Actions that a token is there for."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("One", value={"count": 1, "results": [WHAT]}, response_only=True)]
)
class ReachOut(serializers.Serializer[Any]):
    """Everything that is reached, by model: complete, in one answer."""

    count = serializers.IntegerField()
    results = WhatOut(many=True)


class Asked(serializers.Serializer[Any]):
    """A question to the gate. What is left out is as unknown as it would be there."""

    caller = serializers.CharField(required=False, max_length=150, allow_blank=True)
    token = serializers.UUIDField(required=False, help_text="The id of a token; its owner is the caller.")
    model = serializers.CharField(max_length=120)
    version = serializers.CharField(
        required=False, max_length=255, allow_blank=True, help_text="Number or alias."
    )
    action = serializers.ChoiceField(choices=Token.Action.choices, default="predict")
    environment = serializers.ChoiceField(choices=Environment.choices, default="production")
    network = serializers.IPAddressField(required=False)
    purpose = serializers.CharField(required=False, max_length=80, allow_blank=True)
    payload_bytes = serializers.IntegerField(required=False, min_value=0, max_value=1_073_741_824)
    at = serializers.DateTimeField(required=False, help_text="Now without it.")


class CheckOut(serializers.Serializer[Any]):
    """One condition of one rule."""

    code = serializers.CharField()
    words = serializers.CharField()
    holds = serializers.BooleanField(allow_null=True, help_text="null when the question does not carry it.")


class RuleStepOut(serializers.Serializer[Any]):
    """What one rule made of the question."""

    rule = serializers.IntegerField()
    sentence = serializers.CharField()
    names_caller = serializers.BooleanField()
    names_action = serializers.BooleanField()
    applies = serializers.BooleanField()
    conditions = CheckOut(many=True)


class PointOut(serializers.Serializer[Any]):
    """A condition of account or token."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field called as a part of every field
    met = serializers.BooleanField()
    said = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("Denied", value=REASONED, response_only=True)])
class WhyOut(serializers.Serializer[Any]):
    """The gate's reasoning, by the facts of now."""

    allowed = serializers.BooleanField()
    reason = serializers.CharField()
    sentence = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    limited = serializers.BooleanField(
        help_text="Whether rate or quota decide; they count as having something left."
    )
    points = PointOut(many=True)
    rules = RuleStepOut(many=True)
    clearance = serializers.ListField(child=serializers.DictField(), help_text="Conditions of the clearance.")


class ModelAccess(Door):
    """Who can query a model."""

    kind = Model
    needs = ""
    serializer_class = WhoCanOut

    @described(
        "access_model",
        "Who can query a model",
        "access",
        {200: WhoCanOut},
        declines=(400, 401, 403, 404),
        parameters=[Chosen],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Everybody whom the policy in force lets do `action` (predict) in `environment` (production)."""
        model = self.one(slug=slug)
        require(self.user, PERMISSION, on=model)
        chosen = self.chosen(Chosen)
        found = reach.who(model, chosen.get("environment", "production"), chosen.get("action", "predict"))
        return Response({"count": len(found), "results": [one._asdict() for one in found]})


class PersonAccess(Door):
    """What an account reaches."""

    kind = Model
    needs = ""
    serializer_class = ReachOut

    @described("access_person", "What an account reaches", "access", {200: ReachOut})
    def get(self, request: Request, username: str) -> Response:
        """One's own reach always; that of others with the permission to see tokens. Among the models that one sees."""
        account = account_of(self.user, username)
        return _reached(reach.what(account, self.get_queryset()))


class TokenAccess(Door):
    """What a token reaches."""

    kind = Token
    needs = ""
    serializer_class = ReachOut

    @described("access_token", "What a token reaches", "access", {200: ReachOut})
    def get(self, request: Request, pk: str) -> Response:
        """What the token allows of what its owner may do."""
        return _reached(token_reach(self.user, self.one(pk=pk)))


class Why(Door):
    """Why something was denied."""

    kind = Model
    needs = ""
    serializer_class = WhyOut

    @described(
        "access_why",
        "Why something was denied",
        "access",
        {200: WhyOut},
        declines=(400, 401),
        parameters=[Asked],
    )
    def get(self, request: Request) -> Response:
        """The gate's reasoning about one question: account, token, policy rule by rule, clearance."""
        given = self.chosen(Asked)
        if not (given.get("caller") or given.get("token")):
            raise Invalid(fields={"caller": ["Name an account or a token."]})
        asked, errors = question(self.user, given)
        if asked is None:
            raise Invalid(fields={name: [sentence] for name, sentence in errors.items()})
        return Response(explained(explain(asked)))


def _reached(found: list[reach.What]) -> Response:
    rows = [
        {
            "model": one.slug,
            "environment": one.environment,
            "actions": one.actions,
            "by": one.by,
            "unless": one.unless,
            "tokens": sorted(one.tokens),
        }
        for one in found
    ]
    return Response({"count": len(rows), "results": rows})


def explained(found: Explained) -> dict[str, Any]:
    """The reasoning in the shape of `WhyOut`."""
    return {
        "allowed": found.answer.allowed,
        "reason": found.answer.reason,
        "sentence": found.told.sentence,
        "version": found.version,
        "limited": found.limited,
        "points": [vars(point) for point in found.points],
        "rules": [
            {
                "rule": step.rule.number,
                "sentence": said,
                "names_caller": step.names_caller,
                "names_action": step.names_action,
                "applies": step.applies,
                "conditions": [
                    {"code": check.code, "words": check.words, "holds": check.holds} for check in step.checks
                ],
            }
            for step, said in found.steps
        ],
        "clearance": list(found.conditions),
    }
