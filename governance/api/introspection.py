"""Token introspection (RFC 7662), for gateways that are not ours."""

from __future__ import annotations

import json
from typing import Any, cast

from django.conf import settings
from django.db import connection
from django.http import QueryDict
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from governance import signin, tokens
from governance.gate import reasons, statement
from governance.gate.decide import weigh
from governance.gate.request import CHECK, Query
from governance.models import Token
from registry.api.bodies import In
from registry.api.doors import Door, OutOfScope
from registry.api.problems import described
from registry.models import Model


@extend_schema_serializer(
    examples=[OpenApiExample("A token", value={"token": "crd_p…", "model": "credit-risk"})]
)
class IntrospectIn(In):
    """The token that somebody has presented."""

    token = serializers.CharField(max_length=200)
    token_type_hint = serializers.CharField(required=False, allow_blank=True, max_length=40)
    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Ask the gate as well."
    )
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    alias = serializers.CharField(required=False, allow_blank=True, max_length=255)
    action = serializers.ChoiceField(choices=Token.Action.choices, required=False)
    address = serializers.IPAddressField(required=False, help_text="Where the caller is.")
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=80)


@extend_schema_serializer(
    examples=[OpenApiExample("Not active", value={"active": False}, response_only=True)]
)
class IntrospectOut(serializers.Serializer[Any]):
    """Whatever is not active is {"active": false} and nothing more."""

    active = serializers.BooleanField()
    scope = serializers.CharField(required=False, help_text="Actions and scopes of the portal.")
    client_id = serializers.CharField(required=False, help_text="The token's id.")
    username = serializers.CharField(required=False)
    token_type = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False)
    iat = serializers.IntegerField(required=False)
    sub = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    cardinal = serializers.DictField(
        required=False, help_text="environment, models that you see, versions, alias, purpose, networks; and with a model: allowed, reason."
    )  # fmt: skip


class Introspect(Door):
    """Whether a token is active, and what it may do."""

    kind = Token
    needs = ""
    writes_as = "introspect"
    parser_classes = [FormParser]
    serializer_class = IntrospectOut

    @described(
        "tokens_introspect", "Introspect a token", "tokens", {200: IntrospectOut}, declines=(400, 401, 403, 413, 415),
        request=IntrospectIn,
    )  # fmt: skip
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """For gateways: form-encoded, with a token that has the scope introspect. Counts no rate, and is no decision."""
        if not self.user.limit:
            raise OutOfScope("Introspection is asked by token, with the scope introspect.", "introspect")
        asked = IntrospectIn(data=cast("QueryDict", request.data).dict())
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        token = signin.in_force(given["token"])
        if token is None:
            return Response({"active": False})
        seen = token.reach().filter(pk__in=Model.objects.visible_to(self.user)).order_by("slug")
        extras: dict[str, Any] = {
            "environment": token.environment,
            "models": list(seen.values_list("slug", flat=True)[:100]),
            "versions": token.versions,
            "alias": token.alias,
            "purpose": token.purpose,
            "networks": token.networks,
        }
        if given.get("model"):
            extras |= _evaluated(given)
        name = token.owner.get_username()
        return Response(
            {
                "active": True,
                "scope": " ".join([*token.actions, *token.portal]),
                "client_id": str(token.pk),
                "username": name,
                "token_type": "Bearer",
                "exp": int(token.ends_at.timestamp()),
                "iat": int(token.issued_at.timestamp()),
                "sub": name,
                "aud": settings.GATE_URL,
                "iss": settings.SITE_URL,
                "cardinal": extras,
            }
        )


def _evaluated(given: dict[str, Any]) -> dict[str, Any]:
    """The gate's own statement and rule about this question; an unknown model reads as one out of scope."""
    number = given.get("version")
    query = Query(
        door=CHECK, request_id="", model=given["model"], alias="" if number else given.get("alias") or "champion",
        number=number, named=bool(number or given.get("alias")), action=given.get("action") or "predict",
        network=given.get("address") or "", purpose=given.get("purpose") or "",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            statement.STATEMENT,
            {
                "digests": tokens.digests(given["token"], settings.TOKEN_PEPPERS),
                "model": query.model, "alias": query.alias, "number": query.number,
            },
        )  # fmt: skip
        row = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
    for name in ("limits", "conditions"):  # Django leaves JSON as text
        row[name] = json.loads(row[name]) if isinstance(row[name], str) else row[name]
    answer, _ = weigh(query, statement.facts(row))
    return {
        "allowed": answer.allowed,
        "reason": reasons.told(answer.reason).code,
        "unmet": list(answer.unmet),
    }
