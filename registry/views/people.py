"""People and service accounts: which role each holds, who gave it, since when and until when."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from registry.actions import roles as verbs
from registry.errors import Invalid
from registry.forms.roles import RoleForm
from registry.models import Role, RoleGrant, User
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

SEES = "registry.view_rolegrant"


def people(request: PortalRequest, form: RoleForm | None = None) -> HttpResponse:
    """Every account with its roles, for those who may see who holds which."""
    require(request.user, SEES)
    role, words = request.GET.get("role", ""), request.GET.get("q", "").strip()
    standing = RoleGrant.objects.standing().select_related("by").order_by("role", "pk")
    rows = User.objects.prefetch_related(Prefetch("grants", queryset=standing, to_attr="standing"))
    if words:
        rows = rows.filter(username__icontains=words)
    if role in Role.values:
        rows = rows.filter(pk__in=RoleGrant.objects.standing().filter(role=role).values("user"))
    context = {
        "page": page(rows, request, by="username"),
        "words": words,
        "role": role,
        "roles": Role.choices,
        "form": form or RoleForm(),
        "may_give": request.user.has_perm("registry.grant_role"),
    }
    return render(request, "registry/people.html", context, status=400 if form and form.errors else 200)


@require_POST
def give(request: PortalRequest) -> HttpResponse:
    """Give somebody a role."""
    require(request.user, "registry.grant_role")
    form = RoleForm(request.POST)
    if not form.is_valid():
        return people(request, form)
    given = form.cleaned_data
    account = User.objects.filter(username=given.pop("account")).first()
    if account is None:
        form.add_error("account", "There is no account of this name.")
        return people(request, form)
    try:
        grant = verbs.give(user=account, **given, by=request.user)
    except Invalid as error:
        form.take(error)
        return people(request, form)
    messages.success(request, f"{account} now has the role {grant.role}.")
    return redirect("people")


@require_POST
def take(request: PortalRequest, pk: int) -> HttpResponse:
    """End a role now."""
    grant = get_object_or_404(RoleGrant.objects.visible_to(request.user), pk=pk)
    verbs.take(grant=grant, by=request.user)
    messages.success(request, f"{grant.user} no longer has the role {grant.role}.")
    return redirect("people")
