"""Who asks: the account, and the token that it came with."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models import Token
from registry.api.doors import Door
from registry.api.problems import described
from registry.models import RoleGrant, User

ME = {
    "username": "scoring",
    "kind": "service",
    "roles": ["viewer"],
    "token": {
        "id": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
        "name": "nightly pipeline",
        "environment": "production",
        "actions": [],
        "portal": ["read", "sync"],
        "ends_at": "2027-01-31T12:00:00Z",
    },
}


class OwnTokenOut(serializers.ModelSerializer[Token]):
    """The token of this request."""

    actions = serializers.ListField(child=serializers.CharField(), help_text="At the gate.")
    portal = serializers.ListField(child=serializers.CharField(), help_text="In this interface.")
    ends_at = serializers.DateTimeField()

    class Meta:
        model = Token
        fields = ["id", "name", "environment", "actions", "portal", "ends_at"]


@extend_schema_serializer(examples=[OpenApiExample("By token", value=ME, response_only=True)])
class MeOut(serializers.Serializer[Any]):
    """An account, the roles that count for it now, and the token that it came with; null for a session."""

    username = serializers.CharField()
    kind = serializers.ChoiceField(choices=User.Kind.choices)
    roles = serializers.ListField(child=serializers.CharField())
    token = OwnTokenOut(allow_null=True)


class Me(Door):
    """Whoever asks. A token needs no scope to learn whose it is."""

    kind = RoleGrant
    needs = ""
    serializer_class = MeOut

    def _within_scope(self, request: Request) -> None:
        """Any token of the portal may ask this."""

    @described("me", "Who am I", "accounts", {200: MeOut}, declines=(401,))
    def get(self, request: Request) -> Response:
        """The account that is signed in, its roles, and its token without the secret."""
        user = self.user
        roles = self.get_queryset().in_force().filter(user=user).order_by("role")  # type: ignore[attr-defined]
        told = {
            "username": user.get_username(),
            "kind": user.kind,
            "roles": list(roles.values_list("role", flat=True)),
            "token": user.limit.source if user.limit else None,
        }
        return Response(MeOut(told).data)
