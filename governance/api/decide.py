"""How the gate would decide about a token that somebody has presented, and why: for whoever looks for a fault."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from governance import tokens
from governance.access.why import Question, explain
from governance.api.access import REASONED, WhyOut, explained
from governance.gate import reasons
from governance.models import Token
from registry.api.bodies import In
from registry.api.doors import Door, OutOfScope
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import Environment, Model


@extend_schema_serializer(
    examples=[OpenApiExample("A question", value={"token": "crd_p…", "model": "credit-risk"})]
)
class DecideIn(In):
    """A query as the gate would see it. What is left out is as unknown as it would be there."""

    token = serializers.CharField(max_length=200)
    model = serializers.SlugField(max_length=120)
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    alias = serializers.CharField(required=False, allow_blank=True, max_length=255)
    environment = serializers.ChoiceField(
        choices=Environment.choices, required=False, help_text="That of the token; another is refused (400)."
    )
    action = serializers.ChoiceField(choices=Token.Action.choices, required=False)
    address = serializers.IPAddressField(required=False, help_text="Where the caller is.")
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=80)
    payload_bytes = serializers.IntegerField(required=False, min_value=0, max_value=1_073_741_824)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Denied",
            value=REASONED | {"environment": "production", "caller": "scoring", "token": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11"},
            response_only=True,
        )
    ]
)  # fmt: skip
class DecideOut(WhyOut):
    """The answer that the gate would give now, and all that it rests on."""

    environment = serializers.CharField(help_text="Of the token; empty for one that nobody knows.")
    caller = serializers.CharField(help_text="Whose token it is; empty for one that nobody knows.")
    token = serializers.CharField(help_text="Its id; empty for one that nobody knows.")


class Decide(Door):
    """How the gate would decide, and why."""

    kind = Token
    needs = ""
    writes_as = "introspect"
    parser_classes = [FormParser]
    serializer_class = DecideOut

    @described(
        "decide", "How the gate would decide", "access", {200: DecideOut}, declines=(400, 401, 403, 413, 415),
        request=DecideIn,
    )  # fmt: skip
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Form-encoded, with a token that has the scope introspect. Counts no rate, and is no decision of the journal.

        Of a model that you do not see nothing is said but what its caller would hear.
        """
        if not self.user.limit:
            raise OutOfScope(
                "The gate's reasoning is asked by token, with the scope introspect.", "introspect"
            )
        asked = DecideIn(data=cast("QueryDict", request.data).dict())
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if not tokens.is_well_formed(given["token"]):
            return Response(_bare("token_malformed", None))
        digests = tokens.digests(given["token"], settings.TOKEN_PEPPERS)
        token = Token.objects.select_related("owner").filter(digest__in=digests).first()
        if token is None:
            return Response(_bare("token_unknown", None))
        if given.get("environment", token.environment) != token.environment:
            raise Invalid(
                fields={"environment": [f"The token is of {token.environment}; it decides where it counts."]}
            )
        model = Model.objects.visible_to(self.user).filter(slug=given["model"]).first()
        return Response(_bare("scope_model", token) if model is None else _whole(token, model, given))


def _whole(token: Token, model: Model, given: dict[str, Any]) -> dict[str, Any]:
    number = given.get("version")
    found = explain(
        Question(
            caller=token.owner,
            model=model,
            environment=token.environment,
            action=given.get("action") or "predict",
            at=timezone.now(),
            token=token,
            version=number,
            alias="" if number else given.get("alias") or "",
            network=given.get("address") or "",
            purpose=given.get("purpose") or "",
            payload_bytes=given.get("payload_bytes"),
        )
    )
    return explained(found) | _whose(token)


def _bare(code: str, token: Token | None) -> dict[str, Any]:
    """What can be said without a model to speak of: the reason, as its caller hears it."""
    reason = reasons.told(code)
    said = {"label": "Token" if token is None else "Scope: model", "met": False, "said": reason.sentence}
    nothing: dict[str, Any] = {"version": None, "limited": False, "rules": [], "clearance": []}
    answer = {"allowed": False, "reason": reason.code, "sentence": reason.sentence, "points": [said]}
    return nothing | answer | _whose(token)


def _whose(token: Token | None) -> dict[str, str]:
    if token is None:
        return {"environment": "", "caller": "", "token": ""}
    return {"environment": token.environment, "caller": token.owner.username, "token": str(token.pk)}
