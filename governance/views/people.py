"""One account: what it has and what it answers for; switched off with a hand-over, and on again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.account_forms import SwitchOffForm, SwitchOnForm
from governance.actions import accounts as verbs
from governance.models import Token
from registry.errors import Invalid
from registry.models import RoleGrant, TeamMember, User
from registry.permissions import require
from registry.request import PortalRequest

SEES = "registry.view_rolegrant"


def person(request: PortalRequest, username: str) -> HttpResponse:
    """Roles, teams, tokens, and what the account answers for: one's own, or for those who may see who holds which."""
    if username != request.user.username:
        require(request.user, SEES)
    return _shown(request, get_object_or_404(User, username=username))


@require_POST
def switch_off(request: PortalRequest, username: str) -> HttpResponse:
    """Nobody signs in with it any more; somebody else takes over what it answers for."""
    require(request.user, verbs.CHANGES)
    account, form = get_object_or_404(User, username=username), SwitchOffForm(request.POST)
    if form.is_valid():
        try:
            verbs.switch_off(account=account, **form.cleaned_data, by=request.user)
        except Invalid as error:
            form.take(error)
        else:
            messages.success(request, f"{account} is switched off, and its tokens are revoked.")
            return redirect("person", username)
    return _shown(request, account, off_form=form)


@require_POST
def switch_on(request: PortalRequest, username: str) -> HttpResponse:
    """Somebody may sign in with it again."""
    require(request.user, verbs.CHANGES)
    account, form = get_object_or_404(User, username=username), SwitchOnForm(request.POST)
    if form.is_valid():
        try:
            verbs.switch_on(account=account, **form.cleaned_data, by=request.user)
        except Invalid as error:
            form.take(error)
        else:
            messages.success(request, f"{account} is switched on again.")
            return redirect("person", username)
    return _shown(request, account, on_form=form)


def _shown(request: PortalRequest, account: User, **forms: Any) -> HttpResponse:
    may_change = request.user.has_perm(verbs.CHANGES) and account.pk != request.user.pk
    tokens = Token.objects.visible_to(request.user).filter(owner=account)
    context = {
        "account": account,
        "grants": RoleGrant.objects.standing()
        .filter(user=account)
        .select_related("by")
        .order_by("role", "pk"),
        "teams": TeamMember.objects.standing()
        .filter(user=account, team__archived_at=None)
        .select_related("team")
        .order_by("team__name", "pk"),
        "owed": verbs.owed_by(account),
        "token_count": tokens.open().count(),
        "may_change": may_change,
        "off_form": SwitchOffForm(),
        "on_form": SwitchOnForm(),
    } | forms
    return render(request, "governance/person.html", context, status=400 if forms else 200)
