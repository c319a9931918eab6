"""Tokens: issue one and show its secret once, list them, end one."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import tokens as verbs
from governance.api.policy_bodies import QuotaIn, RateIn
from governance.models import Token
from governance.models.tokens import TokenQuerySet
from governance.scopes import Scope
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import Environment, Model, User
from registry.permissions import require

STATES = ("active", "waiting", "expired", "revoked")
ASKED = {
    "name": "scoring service",
    "models": ["credit-risk"],
    "alias": "champion",
    "networks": ["10.0.0.0/8"],
    "rate": {"limit": 60, "per": "minute"},
    "environment": "production",
    "expires_at": "2027-01-31T12:00:00Z",
}
TOKEN = {
    "id": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
    **ASKED,
    "prefix": "crd_p3Fk",
    "tag": "",
    "actions": ["predict"],
    "portal": [],
    "versions": [],
    "alias": "champion",
    "purpose": "",
    "networks": ["10.0.0.0/8"],
    "rate": {"limit": 60, "per": "minute"},
    "quota": None,
    "owner": "owner",
    "issued_by": "owner",
    "issued_at": "2026-11-23T12:00:00Z",
    "needs_second": False,
    "countersigned_by": None,
    "countersigned_at": None,
    "replaces": None,
    "overlap_ends_at": None,
    "revoked_at": None,
    "ended_as": "",
    "state": "active",
    "sentence": "owner may predict with credit-risk (the version called champion) in production, from the network "
    "10.0.0.0/8, at most 60 times a minute, until 2027-01-31 12:00 UTC.",
}


class TokenFilter(serializers.Serializer[Any]):
    """Which tokens."""

    state = serializers.ChoiceField(choices=STATES, required=False, allow_blank=True)
    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug of a model."
    )


class TokenQuotaIn(QuotaIn):
    """How much in all."""

    zone = serializers.CharField(max_length=64, default="UTC", help_text="Whose midnight counts.")


@extend_schema_serializer(examples=[OpenApiExample("A token", value=ASKED)])
class TokenIn(In):
    """A new token. What is left out does not limit it, but for actions and portal."""

    name = serializers.CharField(max_length=80, help_text="What uses it.")
    owner = serializers.CharField(
        required=False, max_length=150, help_text="Whose queries these are; you, if left out."
    )
    models = serializers.ListField(
        child=serializers.SlugField(max_length=120), max_length=100, required=False, help_text="Slugs."
    )
    tag = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=501,
        help_text="key=value, instead of models: every model with this tag that its owner sees when the query comes.",
    )
    environment = serializers.ChoiceField(choices=Environment.choices)
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=Token.Action.choices), max_length=10, required=False,
        help_text="At the gate; predict, if neither this nor portal is given.",
    )  # fmt: skip
    portal = serializers.ListField(
        child=serializers.ChoiceField(choices=Token.Portal.choices), max_length=10, required=False,
        help_text="In this interface.",
    )  # fmt: skip
    versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**31 - 1), max_length=100, required=False,
        help_text="Numbers, of exactly one model.",
    )  # fmt: skip
    alias = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="Only the version that has this alias."
    )
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=80)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=49), max_length=100, required=False, help_text="In CIDR form."
    )
    rate = RateIn(required=False, allow_null=True)
    quota = TokenQuotaIn(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(
        help_text="In the future and within 90 days; sooner for high risk."
    )


@extend_schema_serializer(examples=[OpenApiExample("A token", value=TOKEN, response_only=True)])
class TokenOut(serializers.ModelSerializer[Token]):
    """A token without its secret. `models` names those that you may see."""

    owner = serializers.CharField(source="owner.username")
    models = serializers.SlugRelatedField[Model]("slug", many=True, read_only=True)
    tag = serializers.SerializerMethodField()
    actions = serializers.ListField(child=serializers.CharField())
    portal = serializers.ListField(child=serializers.CharField())
    versions = serializers.ListField(child=serializers.IntegerField())
    networks = serializers.ListField(child=serializers.CharField())
    rate = serializers.SerializerMethodField()
    quota = serializers.SerializerMethodField()
    issued_by = serializers.CharField(source="issued_by.username")
    countersigned_by = serializers.CharField(
        source="countersigned_by.username", allow_null=True, default=None
    )
    ended_as = serializers.CharField(help_text="revoked, declined or leaked.")
    state = serializers.ChoiceField(choices=STATES)
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Token
        fields = [
            "id", "name", "prefix", "environment", "owner", "models", "tag", "actions", "portal", "versions", "alias",
            "purpose", "networks", "rate", "quota", "issued_by", "issued_at", "expires_at", "needs_second",
            "countersigned_by", "countersigned_at", "replaces", "overlap_ends_at", "revoked_at", "ended_as", "state",
            "sentence",
        ]  # fmt: skip

    def get_tag(self, one: Token) -> str:
        """key=value, or empty."""
        return f"{one.tag_key}={one.tag_value}" if one.tag_key else ""

    @extend_schema_field(RateIn(allow_null=True))
    def get_rate(self, one: Token) -> Any:
        """How often, if that is limited."""
        return one.limits.get("rate")

    @extend_schema_field(QuotaIn(allow_null=True))
    def get_quota(self, one: Token) -> Any:
        """How much in all, if that is limited."""
        return one.limits.get("quota")

    def get_sentence(self, one: Token) -> str:
        """What it can do and until when."""
        return one.said([model.name for model in one.models.all()])


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
    writes_as = "token"
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
        found, chosen = with_parts(self), self.chosen(TokenFilter)
        if model := chosen.get("model"):
            one = Model.objects.visible_to(self.user).filter(slug=model).first()
            found = found.reaching(one) if one else found.none()
        if state := chosen.get("state"):
            found = found.in_state(state)
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
            models=_models(self.user, given.get("models") or []),
            scope=_scope(given),
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
    writes_as = "token"
    serializer_class = TokenOut

    @described("tokens_read", "Read a token", "tokens", {200: TokenOut})
    def get(self, request: Request, pk: str) -> Response:
        """What a token can do, and until when."""
        return Response(TokenOut(self.one(with_parts(self), pk=pk)).data)

    @described("tokens_revoke", "Revoke a token", "tokens", {204: None}, declines=(401, 403, 404, 409))
    def delete(self, request: Request, pk: str) -> Response:
        """End a token within a second. It stays in the list, revoked."""
        verbs.revoke(token=self.one(pk=pk), by=self.user)
        return Response(status=204)


def with_parts(view: Door) -> TokenQuerySet:
    """Tokens with what is shown of them."""
    models = Model.objects.visible_to(view.user).order_by("slug")
    found = cast("TokenQuerySet", view.get_queryset())
    found = found.select_related("owner", "issued_by", "countersigned_by")
    return found.prefetch_related(Prefetch("models", models))


def _scope(given: dict[str, Any]) -> Scope:
    key, _, value = given.get("tag", "").partition("=")
    limits = {name: dict(given[name]) for name in ("rate", "quota") if given.get(name)}
    portal = tuple(given.get("portal") or ())
    return Scope(
        actions=tuple(given.get("actions") or (() if portal else (Token.Action.PREDICT.value,))),
        portal=portal,
        tag=(key.strip(), value.strip()),
        versions=tuple(given.get("versions") or ()),
        alias=given.get("alias", ""),
        purpose=given.get("purpose", ""),
        networks=tuple(given.get("networks") or ()),
        limits=limits,
    )


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
