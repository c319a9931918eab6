"""Service accounts: list, make, pass on, switch off."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.actions import service_accounts as verbs
from governance.models import ServiceAccount
from governance.token_forms import ServiceAccountForm, SponsorForm
from registry.errors import Invalid
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest


def index(request: PortalRequest) -> HttpResponse:
    """Those that one may know of, and a form for those who make them."""
    may_make = request.user.has_perm("governance.make_serviceaccount")
    form = (
        ServiceAccountForm(request.user, request.POST if request.method == "POST" else None)
        if may_make
        else None
    )
    if request.method == "POST":
        require(request.user, "governance.make_serviceaccount")
        if form and form.is_valid():
            try:
                made = verbs.make(**form.cleaned_data, by=request.user)
            except Invalid as error:
                for name, sentences in error.fields.items():
                    form.add_error(name, sentences)
            else:
                messages.success(request, f"{made} is made. Share with it what it shall reach.")
                return redirect("service-accounts")
    rows = ServiceAccount.objects.visible_to(request.user).select_related("account", "sponsor")
    context = {
        "page": page(rows, request, by="-made_at"),
        "form": form,
        "may_pass_on": all(request.user.has_perm(needed) for needed in verbs.PASSING_ON),
        "may_end": request.user.has_perm("governance.revoke_token"),
    }
    return render(
        request, "governance/service_accounts.html", context, status=400 if form and form.errors else 200
    )


def pass_on(request: PortalRequest, pk: int) -> HttpResponse:
    """Let somebody else answer for one."""
    rows = ServiceAccount.objects.visible_to(request.user).select_related("account", "sponsor")
    one = get_object_or_404(rows, pk=pk)
    if one.sponsor_id != request.user.pk:
        for needed in verbs.PASSING_ON:
            require(request.user, needed)
    form = SponsorForm(one.sponsor, request.POST if request.method == "POST" else None)
    if form.is_valid():
        passed = verbs.pass_on(account=one, sponsor=form.cleaned_data["sponsor"], by=request.user)
        messages.success(request, f"{passed.sponsor} answers for {passed} from now on.")
        return redirect("service-accounts")
    context = {"account": one, "form": form}
    return render(
        request, "governance/service_account_pass_on.html", context, status=400 if form.errors else 200
    )


@require_POST
def end(request: PortalRequest, pk: int) -> HttpResponse:
    """Switch one off; its tokens are revoked."""
    one = get_object_or_404(ServiceAccount.objects.visible_to(request.user), pk=pk)
    verbs.end(account=one, by=request.user)
    messages.success(request, f"{one} is switched off, and its tokens are revoked.")
    return redirect("service-accounts")
