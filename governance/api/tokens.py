"""Tokens: issue one and show its secret once, list them, end one."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import tokens as verbs
from governance.models import Token
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import Environment, Model, User
from registry.permissions import require

STATES = ("active", "expired", "revoked")
ASKED = {
    "name": "scoring service",
    "models": ["credit-risk"],
    "environment": "production",
    "expires_at": "2027-01-31T12:00:00Z",
}
TOKEN = {
    "id": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
    **ASKED,
    "prefix": "crd_p3Fk",
    "actions": ["predict"],
    "owner": "owner",
    "issued_by": "owner",
    "issued_at": "2026-11-23T12:00:00Z",
    "revoked_at": None,
    "state": "active",
}


class TokenFilter(serializers.Serializer[Any]):
    """Which tokens."""

    state = serializers.ChoiceField(choices=STATES, required=False, allow_blank=True)
    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug of a model."
    )


@extend_schema_serializer(examples=[OpenApiExample("A token", value=ASKED)])
class TokenIn(In):
    """A new token."""

    name = serializers.CharField(max_length=80, help_text="What uses it.")
    owner = serializers.CharField(
        required=False, max_length=150, help_text="Whose queries these are; you, if left out."
    )
    models = serializers.ListField(
        child=serializers.SlugField(max_length=120), max_length=100, help_text="Slugs."
    )
    environment = serializers.ChoiceField(choices=Environment.choices)
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=Token.Action.choices), max_length=10, required=False
    )
    expires_at = serializers.DateTimeField(help_text="In the future and within 90 days.")


@extend_schema_serializer(examples=[OpenApiExample("A token", value=TOKEN, response_only=True)])
class TokenOut(serializers.ModelSerializer[Token]):
    """A token without its secret. `models` names those that you may see."""

    owner = serializers.CharField(source="owner.username")
    models = serializers.SlugRelatedField[Model]("slug", many=True, read_only=True)
    actions = serializers.ListField(child=serializers.CharField())
    issued_by = serializers.CharField(source="issued_by.username")
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = Token
        fields = [
            "id", "name", "prefix", "environment", "owner", "models", "actions",
            "issued_by", "issued_at", "expires_at", "revoked_at", "state",
        ]  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("A new token", value=TOKEN | {"secret": "crd_p3Fk…"}, response_only=True)]
)
class IssuedOut(TokenOut):
    """A new token with its secret, which is shown here and never again."""

    secret = serializers.CharField(help_text="Shown once. Only a keyed digest of it is kept.")

    class Meta(TokenOut.Meta):
        fields = [*TokenOut.Meta.fields, "secret"]


class Tokens(Listing):
    """One's own tokens, and those on models whose tokens one manages."""

    kind = Token
    needs = ""
    shows_secret = True
    order = "-issued_at"
    serializer_class = TokenOut

    @described(
        "tokens_list",
        "List tokens",
        "tokens",
        {200: TokenOut(many=True)},
        declines=(400, 401),
        parameters=[TokenFilter],
    )
    def get(self, request: Request) -> Response:
        """Your tokens, and those on models whose tokens you manage, newest first. Never a secret."""
        found, chosen, now = _with_parts(self), self.chosen(TokenFilter), timezone.now()
        if model := chosen.get("model"):
            found = found.filter(models__in=Model.objects.visible_to(self.user).filter(slug=model))
        if state := chosen.get("state"):
            revoked = Q(revoked_at__isnull=False)
            ended = Q(expires_at__lte=now)
            found = found.filter(
                {"active": ~revoked & ~ended, "expired": ~revoked & ended, "revoked": revoked}[state]
            )
        return self.rows(found)

    @described(
        "tokens_issue",
        "Issue a token",
        "tokens",
        {201: IssuedOut},
        declines=(400, 401, 403, 404, 413, 415),
        request=TokenIn,
    )
    @method_decorator(sensitive_variables("secret", "shown"))
    def post(self, request: Request) -> Response:
        """Issue a token. The answer holds the secret, once; nobody issues more than they hold."""
        require(
            self.user, "governance.issue_token"
        )  # first, so that nobody else learns which accounts there are
        given = self.given(TokenIn)
        token, secret = verbs.issue(
            name=given["name"],
            owner=_owner(given.get("owner") or self.user.username),
            models=_models(self.user, given["models"]),
            actions=given.get("actions") or [Token.Action.PREDICT.value],
            environment=given["environment"],
            expires_at=given["expires_at"],
            by=self.user,
        )
        shown = TokenOut(token).data | {"secret": secret.text}
        there = reverse("api-token", args=[token.pk])
        return Response(shown, status=201, headers={"Location": there})


class OneToken(Door):
    """A token by its id."""

    kind = Token
    needs = ""
    serializer_class = TokenOut

    @described("tokens_read", "Read a token", "tokens", {200: TokenOut})
    def get(self, request: Request, pk: str) -> Response:
        """What a token can do, and until when."""
        return Response(TokenOut(self.one(_with_parts(self), pk=pk)).data)

    @described("tokens_revoke", "Revoke a token", "tokens", {204: None}, declines=(401, 403, 404, 409))
    def delete(self, request: Request, pk: str) -> Response:
        """End a token with the next query. It stays in the list, revoked."""
        verbs.revoke(token=self.one(pk=pk), by=self.user)
        return Response(status=204)


def _with_parts(view: Door) -> QuerySet[Token]:
    models = Model.objects.visible_to(view.user).order_by("slug")
    found: QuerySet[Token] = view.get_queryset().select_related("owner", "issued_by")
    return found.prefetch_related(Prefetch("models", models))


def _owner(name: str) -> User:
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise Invalid(fields={"owner": ["There is no account of this name."]})
    return found


def _models(user: User, slugs: list[str]) -> list[Model]:
    found = {model.slug: model for model in Model.objects.visible_to(user).filter(slug__in=slugs)}
    if missing := sorted(set(slugs) - set(found)):
        raise Invalid(
            fields={"models": [f"There is no model {', '.join(missing)}, or it is not shared with you."]}
        )
    return list(found.values())
