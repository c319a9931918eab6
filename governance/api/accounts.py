"""One account: what it has and what it answers for; switched off with a hand-over, and on again."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import accounts as verbs
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import RoleGrant, TeamMember, User
from registry.permissions import require

SEES = "registry.view_rolegrant"
SHOWN = {
    "account": "paula",
    "kind": "person",
    "active": True,
    "roles": ["owner"],
    "teams": ["fraud"],
    "service_accounts": ["scoring"],
    "open_conditions": 1,
}
OFF = {"active": False, "reason": "She left.", "successor": "anna"}


@extend_schema_serializer(examples=[OpenApiExample("Switched off", value=OFF, request_only=True)])
class AccountStateIn(In):
    """Off or on, and why."""

    active = serializers.BooleanField()
    reason = serializers.CharField(max_length=300)
    successor = serializers.CharField(
        max_length=150,
        required=False,
        help_text="Takes over what the account answers for; needed where it does.",
    )


@extend_schema_serializer(examples=[OpenApiExample("An account", value=SHOWN, response_only=True)])
class WholeAccountOut(serializers.Serializer[Any]):
    """An account, the roles and teams that count while it is active, and what it answers for."""

    account = serializers.CharField()
    kind = serializers.ChoiceField(choices=User.Kind.choices)
    active = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())
    teams = serializers.ListField(child=serializers.SlugField())
    service_accounts = serializers.ListField(child=serializers.CharField())
    open_conditions = serializers.IntegerField(help_text="Conditions of approvals that are not fulfilled.")


class OneAccount(Door):
    """An account."""

    kind = RoleGrant
    needs = ""
    serializer_class = WholeAccountOut

    @described(
        "accounts_read", "Read about an account", "accounts", {200: WholeAccountOut}, declines=(401, 403, 404)
    )
    def get(self, request: Request, username: str) -> Response:
        """One's own, and everybody's for those who may see who holds which role."""
        if username != self.user.username:
            require(self.user, SEES)
        return Response(WholeAccountOut(_told(get_object_or_404(User, username=username))).data)

    @described(
        "accounts_switch", "Switch an account off or on", "accounts", {200: WholeAccountOut},
        declines=WRITE, request=AccountStateIn,
    )  # fmt: skip
    def patch(self, request: Request, username: str) -> Response:
        """Off: its sessions and tokens end at once, and `successor` takes over. The last administrator stays."""
        require(self.user, verbs.CHANGES)
        account, given = get_object_or_404(User, username=username), self.given(AccountStateIn)
        if given["active"]:
            account = verbs.switch_on(account=account, reason=given["reason"], by=self.user)
        else:
            successor = _successor(given.get("successor", ""))
            account = verbs.switch_off(
                account=account, reason=given["reason"], successor=successor, by=self.user
            )
        return Response(WholeAccountOut(_told(account)).data)


def _successor(name: str) -> User | None:
    found = User.objects.filter(username=name).first() if name else None
    if name and found is None:
        raise Invalid(fields={"successor": ["There is no account of this name."]})
    return found


def _told(account: User) -> dict[str, Any]:
    owed = verbs.owed_by(account)
    grants = RoleGrant.objects.in_force().filter(user=account).order_by("role")
    teams = TeamMember.objects.standing().filter(user=account, team__archived_at=None).order_by("team__slug")
    return {
        "account": account.username,
        "kind": account.kind,
        "active": account.is_active,
        "roles": list(grants.values_list("role", flat=True)),
        "teams": list(teams.values_list("team__slug", flat=True)),
        "service_accounts": [str(one) for one in owed.services],
        "open_conditions": len(owed.conditions),
    }
