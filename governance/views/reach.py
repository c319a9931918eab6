"""Who sees a model, and where its versions answer."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from governance.forms import EndpointForm, ShareForm
from governance.views.tabs import find_version
from registry.actions import catalogue
from registry.errors import Invalid
from registry.models import Model, User
from registry.models.visibility import audience_named
from registry.permissions import require
from registry.request import PortalRequest


@dataclass(frozen=True)
class Audience:
    """One of those with whom a model is shared, beside those who see everything."""

    key: str  # "group:NAME" or "user:NAME"
    name: str
    kind: str  # role, team, archived team, person, service account
    url: str = ""


def audience_of(one: Model) -> list[Audience]:
    """Whom the model is shared with: roles and teams, then accounts, each by name. Two queries."""
    groups = one.modelgroupobjectpermission_set.values_list(
        "group__name", "group__team__name", "group__team__slug", "group__team__archived_at"
    )
    people = one.modeluserobjectpermission_set.values_list("user__username", "user__kind")
    kinds = dict(User.Kind.choices)
    return [
        *(
            Audience(
                f"group:{handle}", name, "archived team" if ended else "team", reverse("team", args=[slug])
            )
            if slug
            else Audience(f"group:{handle}", handle, "role")
            for handle, name, slug, ended in sorted(set(groups), key=lambda row: (row[2] or "", row[0]))
        ),
        *(Audience(f"user:{name}", name, kinds[kind].lower()) for name, kind in sorted(set(people))),
    ]


@require_POST
def share(request: PortalRequest, slug: str) -> HttpResponse:
    """Let a role, a team or an account see the model."""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    require(request.user, "registry.share_model", on=one)  # before the form: it knows every account
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise Invalid("Choose a role, a team or an account from the list.")
    audience = form.chosen()
    catalogue.share_model(model=one, audience=audience, by=request.user)
    messages.success(request, f"{audience} can see {one} now.")
    return redirect(one)


@require_POST
def unshare(request: PortalRequest, slug: str) -> HttpResponse:
    """Take the model out of the sight of a role, a team or an account."""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    require(request.user, "registry.share_model", on=one)
    audience = audience_named(request.POST.get("audience", ""))
    if audience is None:
        raise Invalid("Choose a role, a team or an account from the list.")
    catalogue.unshare_model(model=one, audience=audience, by=request.user)
    messages.success(request, f"{one} is no longer shared with {audience}.")
    return redirect(one)


@require_POST
def set_endpoint(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Say where the version answers queries."""
    one = find_version(request, slug, number)
    form = EndpointForm(request.POST)
    if not form.is_valid():
        raise Invalid(fields={name: [str(error) for error in errors] for name, errors in form.errors.items()})
    catalogue.set_endpoint(version=one, by=request.user, **form.cleaned_data)
    messages.success(request, "The gate sends allowed queries there.")
    return redirect(one)


@require_POST
def remove_endpoint(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Forget where the version answers queries."""
    one = find_version(request, slug, number)
    environment = request.POST.get("environment", "")
    catalogue.remove_endpoint(version=one, environment=environment, by=request.user)
    messages.success(request, f"The gate has nowhere to send queries for {environment} now.")
    return redirect(one)
