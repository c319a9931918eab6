"""Tokens: issue, show once, revoke."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from governance.actions import tokens as verbs
from governance.forms import TokenForm
from governance.models import Decision, Token
from registry.errors import Conflict, Invalid
from registry.models import Model
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

DAY = 86_400
STATES = (("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked"))


def index(request: PortalRequest) -> HttpResponse:
    """My tokens, and those on models whose tokens I manage."""
    query, state, now = request.GET.get("q", "").strip(), request.GET.get("state", ""), timezone.now()
    rows = Token.objects.visible_to(request.user)
    if query:
        rows = rows.filter(
            Q(name__icontains=query) | Q(owner__username__icontains=query) | Q(prefix=query[:10])
        )
    if state == "active":
        rows = rows.filter(revoked_at=None, expires_at__gt=now)
    elif state == "expired":
        rows = rows.filter(revoked_at=None, expires_at__lte=now)
    elif state == "revoked":
        rows = rows.filter(revoked_at__isnull=False)
    reached = Prefetch("models", queryset=Model.objects.visible_to(request.user).order_by("name"))
    context = {
        "page": page(rows.select_related("owner").prefetch_related(reached), request, by="-issued_at"),
        "count": rows.count(),
        "query": query,
        "state": state,
        "states": STATES,
        "may_issue": request.user.has_perm("governance.issue_token"),
    }
    return render(request, "governance/tokens.html", context)


@never_cache
@sensitive_variables("secret")
def issue(request: PortalRequest) -> HttpResponse:
    """Issue a token and show it, once."""
    require(request.user, "governance.issue_token")
    form = TokenForm(request.user, request.POST or None, initial={"models": request.GET.getlist("model")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if not cache.add(f"token-form:{request.user.pk}:{given['once']}", 1, timeout=DAY):
            raise Conflict(
                "This form was used already. Its token was shown once; issue a new one if it is lost."
            )
        try:
            token, secret = verbs.issue(
                name=given["name"],
                owner=given["owner"],
                models=list(given["models"]),
                actions=given["actions"],
                environment=given["environment"],
                expires_at=form.expires_at(),
                by=request.user,
            )
        except Invalid as error:
            for name, sentences in error.fields.items():
                form.add_error(name if name in form.fields else None, sentences)
        else:
            context = {
                "token": token,
                "secret": secret.text,
                "models": given["models"],
                "gate": settings.GATE_URL,
            }
            return render(request, "governance/token_shown.html", context, status=201)
    return render(request, "governance/token_new.html", {"form": form})


def token(request: PortalRequest, pk: str) -> HttpResponse:
    """One token: what it can do, until when, and what it did."""
    rows = Token.objects.visible_to(request.user).select_related("owner", "issued_by", "revoked_by")
    one = get_object_or_404(rows, pk=pk)
    used = Decision.objects.filter(token=str(one.pk))
    if one.owner_id != request.user.pk:  # what one's own token did is one's own to see
        used = used.visible_to(request.user)
    context = {
        "token": one,
        "models": Model.objects.visible_to(request.user).filter(tokens=one).order_by("name"),
        "page": page(used, request, by="-decided_at", size=20),
        "use_count": used.count(),
        "may_revoke": one.revoked_at is None
        and (
            request.user.pk in (one.owner_id, one.issued_by_id)
            or request.user.has_perm("governance.revoke_token")
        ),
    }
    return render(request, "governance/token.html", context)


@require_POST
def revoke(request: PortalRequest, pk: str) -> HttpResponse:
    """End a token with the next query."""
    one = get_object_or_404(Token.objects.visible_to(request.user), pk=pk)
    verbs.revoke(token=one, by=request.user)
    messages.success(request, "Revoked. The next query with it is refused.")
    return redirect(one)
