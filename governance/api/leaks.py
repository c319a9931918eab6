"""Where secret-scanning partners tell which tokens they have found: each that is known is revoked at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from governance import tokens
from governance.actions import revocations
from governance.gate.origin import Origins
from governance.models import Token
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.limits import PerNetwork
from registry.api.problems import described
from registry.models import User

MOST = 100


@extend_schema_serializer(
    examples=[
        OpenApiExample("One", value={"tokens": [{"token": "crd_p…", "url": "https://example.org/x", "source": "commit"}]})
    ]
)  # fmt: skip
class LeakedIn(In):
    """Tokens that were found. A bare list, as GitHub's partner program sends it, is taken as well."""

    tokens = serializers.ListField(child=serializers.DictField(), max_length=MOST, allow_empty=False)


@extend_schema_serializer(
    examples=[OpenApiExample("Thank you", value={"received": 1}, response_only=True, status_codes=["202"])]
)
class LeakedOut(serializers.Serializer[Any]):
    """The same whether a token was known or not."""

    received = serializers.IntegerField()


class PerCaller(PerNetwork):
    """Counts whom a trusted proxy names (TRUSTED_PROXIES): behind one, everybody would else share the proxy's limit."""

    def address(self, request: Request) -> str:
        here, via = super().address(request), request.META.get("HTTP_X_FORWARDED_FOR", "")
        said = via.encode("latin-1", "replace")
        return Origins(settings.TRUSTED_PROXIES).network(here, said, False) or here


class Leaked(Door):
    """Open to anybody: whoever holds a token may end it. Nothing in the answer tells whether it was known."""

    kind = Token
    needs = ""
    authentication_classes = []
    permission_classes = []
    throttle_classes = [PerCaller]  # type: ignore[misc]
    serializer_class = LeakedOut

    @described(
        "tokens_leaked", "Tell of leaked tokens", "tokens", {202: LeakedOut}, declines=(400, 401, 403, 413, 415),
        request=LeakedIn, auth=[],
    )  # fmt: skip
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Every token in the list that is known is revoked, and its owner can read where it was found."""
        body = request.data if isinstance(request.data, dict) else {"tokens": request.data}
        given = LeakedIn(data=body)
        given.is_valid(raise_exception=True)
        found = [
            (one.get("token"), f"{one.get('url') or ''} {one.get('source') or ''}".strip())
            for one in given.validated_data["tokens"]
        ]
        if not all(isinstance(text, str) and len(text) <= 200 for text, _ in found):
            raise ValidationError({"tokens": ["Each has a text “token”, and perhaps “url” and “source”."]})
        # Padded to the same number of digests and the same one statement, whatever was well-formed or known.
        wanted = [
            (str(text), place.replace("\x00", ""))
            for text, place in found
            if tokens.is_well_formed(str(text))
        ]
        revocations.end_leaked(found=wanted, by=User.machine())
        return Response({"received": len(found)}, status=202)
