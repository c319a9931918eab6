"""What happens to tokens after they were issued: replaced, countersigned, revoked together, found where they should not be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import revocations
from governance.actions import tokens as verbs
from governance.api.tokens import IssuedOut, TokenOut, with_parts
from governance.models import Token
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import Model, User
from registry.permissions import require


@extend_schema_serializer(examples=[OpenApiExample("A day", value={"overlap_hours": 24})])
class RotationIn(In):
    """How a token is replaced."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=168, default=24, help_text="How long the old one works on."
    )
    expires_at = serializers.DateTimeField(
        required=False, help_text="The end of the new one; as long a life as the old one had, if left out."
    )


@extend_schema_serializer(examples=[OpenApiExample("Stand for it", value={"accept": True})])
class CountersignatureIn(In):
    """A second person's word."""

    accept = serializers.BooleanField()
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Needed to decline."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("All that reach a model", value={"of": "model", "name": "credit-risk"})]
)
class RevocationsIn(In):
    """Which tokens end."""

    of = serializers.ChoiceField(choices=("account", "model", "everything"))
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=150, help_text="Of the account, or the model's slug."
    )
    confirmed = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text=f"For everything: “{revocations.EVERYTHING}”.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Revoked", value={"revoked": 3}, response_only=True)])
class RevocationsOut(serializers.Serializer[Any]):
    """How many tokens have ended."""

    revoked = serializers.IntegerField()


class Rotation(Door):
    """The successor of a token."""

    kind = Token
    needs = ""
    writes_as = "token"
    shows_secret = True
    serializer_class = TokenOut

    @described(
        "tokens_rotate", "Rotate a token", "tokens", {201: IssuedOut},
        declines=(400, 401, 403, 404, 409, 413, 415), request=RotationIn,
    )  # fmt: skip
    @method_decorator(sensitive_variables("secret", "shown"))
    def post(self, request: Request, pk: str) -> Response:
        """Issue a successor with the same scope and a new secret, which is told once. The old one works on for a while."""
        given = self.given(RotationIn)
        new, secret = verbs.rotate(
            token=self.one(pk=pk),
            overlap=timedelta(hours=given["overlap_hours"]),
            expires_at=given.get("expires_at"),
            by=self.user,
        )
        shown = TokenOut(with_parts(self).get(pk=new.pk)).data | {"secret": secret.text}
        return Response(shown, status=201, headers={"Location": reverse("api-token", args=[new.pk])})


class Countersignature(Door):
    """The second person's word on a token for high-risk models."""

    kind = Token
    needs = ""
    serializer_class = TokenOut

    @described(
        "tokens_countersign", "Countersign a token or decline", "tokens", {200: TokenOut},
        declines=(400, 401, 403, 404, 409, 413, 415), request=CountersignatureIn,
    )  # fmt: skip
    def post(self, request: Request, pk: str) -> Response:
        """Stand for a token that somebody else has issued, or decline: then it is over."""
        given, one = self.given(CountersignatureIn), self.one(pk=pk)
        if given["accept"]:
            verbs.countersign(token=one, by=self.user)
        else:
            verbs.decline(token=one, reason=given.get("reason", ""), by=self.user)
        return Response(TokenOut(with_parts(self).get(pk=pk)).data)


class Revocations(Door):
    """Many tokens at once."""

    kind = Token
    needs = ""
    writes_as = "token"
    serializer_class = RevocationsOut

    @described(
        "tokens_revoke_together", "Revoke tokens together", "tokens", {200: RevocationsOut},
        declines=(400, 401, 403, 404, 413, 415), request=RevocationsIn,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """End all tokens of an account, all that reach a model, or every one there is, within a second."""
        given = self.given(RevocationsIn)
        of, name = given["of"], given.get("name", "")
        if of == "everything":
            count = revocations.revoke_everything(confirmed=given.get("confirmed", ""), by=self.user)
        elif of == "model":
            model = self.one(Model.objects.visible_to(self.user), slug=name)
            count = revocations.revoke_reaching(model=model, by=self.user)
        else:
            count = revocations.revoke_all_of(account=_account(name, self.user), by=self.user)
        return Response({"revoked": count})


def _account(name: str, by: User) -> User:
    """One's own or one's service account; for any other the role comes first, so that nobody learns which names there are."""
    known = User.objects.filter(username=name).first()
    if known is None or (known.pk != by.pk and not known.tokens.visible_to(by).exists()):
        require(by, "governance.revoke_token")
    if known is None:
        raise Invalid(fields={"name": ["There is no account of this name."]})
    return known
