"""Whom a model is shared with."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import catalogue
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Model, ModelGroupObjectPermission, ModelUserObjectPermission, User
from registry.models.visibility import VIEW_MODEL, audience_named
from registry.permissions import require

SHARED = {"model": "credit-risk", "audience": ["group:owner", "user:scoring"]}


@extend_schema_serializer(examples=[OpenApiExample("Two audiences", value=SHARED, response_only=True)])
class SharesOut(serializers.Serializer[Any]):
    """Who sees a model, beside those whose role sees every model."""

    model = serializers.CharField()
    audience = serializers.ListField(
        child=serializers.CharField(), help_text='"group:NAME" and "user:NAME", in this order and by name.'
    )


@extend_schema_serializer(examples=[OpenApiExample("A group", value={"audience": "group:owner"})])
class ShareIn(In):
    """Whom to share with: everybody with a role, the members of a team, or one account."""

    audience = serializers.CharField(
        max_length=160,
        help_text='"group:NAME" for everybody with a role or in a team, "user:NAME" for one account.',
    )


class Shares(Door):
    """Whom a model is shared with."""

    kind = Model
    needs = ""
    serializer_class = SharesOut

    @described("shares_read", "Read whom a model is shared with", "models", {200: SharesOut})
    def get(self, request: Request, slug: str) -> Response:
        """The roles and teams (`group:`) and the accounts (`user:`) that the model is shared with."""
        return Response(audience_of(self.one(slug=slug)))

    @described("shares_add", "Share a model", "models", {200: SharesOut}, declines=WRITE, request=ShareIn)
    def post(self, request: Request, slug: str) -> Response:
        """Let everybody with a role, the members of a team, or an account see the model and all that belongs to it."""
        model = self.one(slug=slug)
        require(self.user, "registry.share_model", on=model)
        audience = named(self.given(ShareIn)["audience"])
        catalogue.share_model(model=model, audience=audience, by=self.user)
        return Response(audience_of(model))


class Share(Door):
    """A model's share with one group or account."""

    kind = Model
    needs = ""
    serializer_class = SharesOut

    @described("shares_remove", "Stop sharing a model", "models", {204: None}, declines=(400, 401, 403, 404))
    def delete(self, request: Request, slug: str, audience: str) -> Response:
        """Take the model out of the sight of "group:NAME" or "user:NAME", as `audience` has it."""
        model = self.one(slug=slug)
        require(self.user, "registry.share_model", on=model)
        catalogue.unshare_model(model=model, audience=named(audience), by=self.user)
        return Response(status=204)


def audience_of(model: Model) -> dict[str, Any]:
    """Whom `model` is shared with: two queries."""
    shared = {"content_object": model, "permission__codename": VIEW_MODEL}
    groups = ModelGroupObjectPermission.objects.filter(**shared).values_list("group__name", flat=True)
    people = ModelUserObjectPermission.objects.filter(**shared).values_list("user__username", flat=True)
    found = [*(f"group:{name}" for name in sorted(groups)), *(f"user:{name}" for name in sorted(people))]
    return {"model": model.slug, "audience": found}


def named(audience: str) -> Group | User:
    """The group or account that `audience` names. Asked for those only who may share."""
    found = audience_named(audience)
    if found is None:
        raise Invalid(fields={"audience": ['Name a group or an account: "group:NAME" or "user:NAME".']})
    return found
