"""Tokens after they were issued: replaced, countersigned, revoked together; and how long they live."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from governance.actions import revocations, token_lives
from governance.actions import tokens as verbs
from governance.models import Token, TokenLife
from governance.token_forms import LifeForm, RevokeTogetherForm, RotateForm
from governance.views.tokens import shown, using_once
from registry.errors import Invalid
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest


@never_cache
@require_POST
@sensitive_variables("secret")
def rotate(request: PortalRequest, pk: str) -> HttpResponse:
    """Replace a token and show the new secret, once."""
    one = get_object_or_404(Token.objects.visible_to(request.user), pk=pk)
    require(request.user, "governance.issue_token")
    form = RotateForm(request.POST)
    if not form.is_valid():
        raise Invalid(fields={"overlap": ["Choose how long the old token works on."]})
    overlap = timedelta(hours=int(form.cleaned_data["overlap"]))
    with using_once(request, form.cleaned_data["once"]):
        new, secret = verbs.rotate(token=one, overlap=overlap, by=request.user)
    return shown(request, new, secret)


@require_POST
def countersign(request: PortalRequest, pk: str) -> HttpResponse:
    """A second person stands for a token, or declines."""
    one = get_object_or_404(Token.objects.visible_to(request.user), pk=pk)
    if "accept" in request.POST:
        verbs.countersign(token=one, by=request.user)
        messages.success(request, "Countersigned. The token works within a second.")
    else:
        verbs.decline(token=one, reason=request.POST.get("reason", ""), by=request.user)
        messages.success(request, "Declined. The token is over.")
    return redirect(one)


def revoke_together(request: PortalRequest) -> HttpResponse:
    """End many tokens within a second: of an account, of a model, or all there are."""
    form = RevokeTogetherForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            count = _revoked(request, form)
        except Invalid as error:
            for name, sentences in error.fields.items():
                form.add_error(name, sentences)
        else:
            messages.success(
                request, f"Revoked {count}. Queries with any of them are refused within a second."
            )
            return redirect("tokens")
    context = {
        "form": form,
        "may_revoke": request.user.has_perm("governance.revoke_token"),
        "may_all": request.user.has_perm("governance.revoke_every_token"),
        "sentence": revocations.EVERYTHING,
    }
    return render(request, "governance/token_revocations.html", context, status=400 if form.errors else 200)


def _revoked(request: PortalRequest, form: RevokeTogetherForm) -> int:
    given, what = form.cleaned_data, request.POST.get("what")
    if what == "account" and given["account"]:
        return revocations.revoke_all_of(account=given["account"], by=request.user)
    if what == "model" and given["model"]:
        return revocations.revoke_reaching(model=given["model"], by=request.user)
    if what == "everything":
        return revocations.revoke_everything(confirmed=given["confirmed"], by=request.user)
    raise Invalid(fields={"account": ["Choose an account or a model first."]})


def lives(request: PortalRequest) -> HttpResponse:
    """How many days tokens live, for each risk class. Read by everybody, decided by compliance."""
    form = LifeForm(request.POST if request.method == "POST" else None)
    may_decide = request.user.has_perm("governance.decide_token_life")
    if request.method == "POST":
        require(request.user, "governance.decide_token_life")
        if form.is_valid():
            with transaction.atomic():
                made = [
                    token_lives.decide(
                        risk_class=one, days=days, rationale=form.cleaned_data["rationale"], by=request.user
                    )
                    for one, days in form.changed().items()
                ]
            messages.success(request, f"Decided: {len(made)} changed." if made else "Nothing was changed.")
            return redirect("token-lives")
    context = {
        "form": form,
        "rows": [(one.capitalize(), days, form[one]) for one, days in form.now.items()],
        "page": page(TokenLife.objects.select_related("by"), request, by="-decided_at", size=20),
        "may_decide": may_decide,
    }
    return render(request, "governance/token_lives.html", context, status=400 if form.errors else 200)
