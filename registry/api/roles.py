"""Roles: who holds which, give one, take one."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import roles as verbs
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import READ, WRITE, described
from registry.errors import Invalid
from registry.models import Role, RoleGrant, User
from registry.permissions import require

GIVEN = {
    "account": "paula",
    "role": "auditor",
    "until": "2027-03-31T00:00:00Z",
    "reason": "Audit of the year.",
}
SHOWN = {"id": 7, **GIVEN, "since": "2027-01-02T08:00:00Z", "by": "admin", "ended_at": None}


@extend_schema_serializer(examples=[OpenApiExample("An auditor", value=GIVEN, request_only=True)])
class RoleIn(In):
    """A role for somebody."""

    account = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices)
    since = serializers.DateTimeField(required=False, help_text="From now when not given.")
    until = serializers.DateTimeField(required=False, help_text="Needed for an auditor: within 180 days.")
    reason = serializers.CharField(max_length=300)


@extend_schema_serializer(examples=[OpenApiExample("An auditor", value=SHOWN, response_only=True)])
class RoleOut(serializers.ModelSerializer[RoleGrant]):
    """A role that was given."""

    account = serializers.CharField(source="user.username")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = RoleGrant
        fields = ["id", "account", "role", "since", "until", "reason", "by", "ended_at"]


class Roles(Listing):
    """Every role that was given, also those that ended."""

    kind = RoleGrant
    needs = ""
    order = "-since"
    serializer_class = RoleOut

    @described("roles_list", "List roles", "accounts", {200: RoleOut(many=True)}, declines=(400, 401))
    def get(self, request: Request) -> Response:
        """The newest first: one's own, and everybody's for those who may see who holds which."""
        return self.rows(self.get_queryset().select_related("user", "by"))

    @described("roles_give", "Give a role", "accounts", {201: RoleOut}, declines=WRITE, request=RoleIn)
    def post(self, request: Request) -> Response:
        """Give somebody else a role, with a reason; nobody gives themselves one, and an auditor has no other."""
        require(self.user, "registry.grant_role")
        given = self.given(RoleIn)
        account = User.objects.filter(username=given.pop("account")).first()
        if account is None:
            raise Invalid(fields={"account": ["There is no account of this name."]})
        grant = verbs.give(user=account, **given, by=self.user)
        there = reverse("api-role", args=[grant.pk])
        return Response(RoleOut(grant).data, status=201, headers={"Location": there})


class OneRole(Door):
    """A role that was given."""

    kind = RoleGrant
    needs = ""
    serializer_class = RoleOut

    @described("roles_read", "Read about a role that was given", "accounts", {200: RoleOut}, declines=READ)
    def get(self, request: Request, pk: int) -> Response:
        """Who gave it, since when, until when, and why."""
        return Response(RoleOut(self.one(self.get_queryset().select_related("user", "by"), pk=pk)).data)

    @described("roles_take", "Take a role", "accounts", {204: None}, declines=(401, 403, 404, 409))
    def delete(self, request: Request, pk: int) -> Response:
        """End it now. The last administrator keeps theirs."""
        verbs.take(grant=self.one(pk=pk), by=self.user)
        return Response(status=204)
