"""Service accounts: who answers for each, made, passed on, ended."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import service_accounts as verbs
from governance.models import ServiceAccount
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import User
from registry.permissions import require

ACCOUNT = {
    "id": 7,
    "name": "scoring",
    "sponsor": "owner",
    "purpose": "Scores loans at night.",
    "active": True,
    "made_by": "admin",
    "made_at": "2026-11-21T10:00:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("An account", value=ACCOUNT, response_only=True)])
class ServiceAccountOut(serializers.ModelSerializer[ServiceAccount]):
    """A program that asks in its own name, and the person who answers for it."""

    name = serializers.CharField(source="account.username")
    sponsor = serializers.CharField(source="sponsor.username")
    active = serializers.BooleanField(source="account.is_active")
    made_by = serializers.CharField(source="made_by.username")

    class Meta:
        model = ServiceAccount
        fields = ["id", "name", "sponsor", "purpose", "active", "made_by", "made_at"]


@extend_schema_serializer(
    examples=[OpenApiExample("An account", value={"name": "scoring", "purpose": "Scores loans at night."})]
)
class ServiceAccountIn(In):
    """A new account for a program."""

    name = serializers.CharField(max_length=80)
    purpose = serializers.CharField(max_length=200, help_text="What it is for.")
    sponsor = serializers.CharField(
        required=False, max_length=150, help_text="Who answers; you, if left out."
    )


@extend_schema_serializer(examples=[OpenApiExample("To a colleague", value={"sponsor": "mira"})])
class SponsorIn(In):
    """Who answers from now on."""

    sponsor = serializers.CharField(max_length=150)


class ServiceAccounts(Listing):
    """Those that one may know of."""

    kind = ServiceAccount
    needs = ""
    order = "-made_at"
    serializer_class = ServiceAccountOut

    @described(
        "service_accounts_list", "List service accounts", "accounts", {200: ServiceAccountOut(many=True)},
        declines=(400, 401),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """One's own, and all for those who issue or watch tokens or look after accounts."""
        return self.rows(_with_parts(self))

    @described(
        "service_accounts_make", "Make a service account", "accounts", {201: ServiceAccountOut}, declines=WRITE,
        request=ServiceAccountIn,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Make an account for a program. It sees nothing until something is shared with it."""
        require(self.user, "governance.make_serviceaccount")
        given = self.given(ServiceAccountIn)
        made = verbs.make(
            name=given["name"],
            sponsor=_person(given.get("sponsor") or self.user.username),
            purpose=given["purpose"],
            by=self.user,
        )
        there = reverse("api-service-account", args=[made.pk])
        return Response(ServiceAccountOut(made).data, status=201, headers={"Location": there})


class OneServiceAccount(Door):
    """A service account."""

    kind = ServiceAccount
    needs = ""
    serializer_class = ServiceAccountOut

    @described("service_accounts_read", "Read a service account", "accounts", {200: ServiceAccountOut})
    def get(self, request: Request, pk: int) -> Response:
        """What it is for, and who answers for it."""
        return Response(ServiceAccountOut(self.one(_with_parts(self), pk=pk)).data)

    @described(
        "service_accounts_end",
        "End a service account",
        "accounts",
        {204: None},
        declines=(401, 403, 404, 409),
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Switch it off and revoke its tokens. Its name stays taken."""
        verbs.end(account=self.one(_with_parts(self), pk=pk), by=self.user)
        return Response(status=204)


class Sponsor(Door):
    """Who answers for a service account."""

    kind = ServiceAccount
    needs = ""
    serializer_class = ServiceAccountOut

    @described(
        "service_accounts_pass_on", "Pass a service account on", "accounts", {200: ServiceAccountOut}, declines=WRITE,
        request=SponsorIn,
    )  # fmt: skip
    def put(self, request: Request, pk: int) -> Response:
        """From now on somebody else answers for it. Its tokens reach what both see, within a second."""
        account = self.one(_with_parts(self), pk=pk)
        given = self.given(SponsorIn)
        if account.sponsor_id != self.user.pk:  # before the name: nobody else learns which accounts there are
            for needed in verbs.PASSING_ON:
                require(self.user, needed)
        return Response(
            ServiceAccountOut(
                verbs.pass_on(account=account, sponsor=_person(given["sponsor"]), by=self.user)
            ).data
        )


def _with_parts(door: Door) -> Any:
    return door.get_queryset().select_related("account", "sponsor", "made_by")


def _person(name: str) -> User:
    found = User.objects.filter(username=name, kind=User.Kind.PERSON, is_active=True).first()
    if found is None:
        raise Invalid(fields={"sponsor": ["There is no active person of this name."]})
    return found
