"""When reviews are reminded of, and whether mail goes out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render

from governance.actions import reminders as verbs
from governance.models import Letter, ReminderDecision, cadence_in_force
from governance.notice_forms import ReminderForm
from registry.errors import Invalid
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

DECIDE = "governance.set_review_rule"
WATCH = "registry.view_rolegrant"


def reminders(request: PortalRequest) -> HttpResponse:
    """What holds, for everybody to read; compliance decides. How mail fares is for those who watch."""
    held = cadence_in_force()
    form = ReminderForm(request.POST if request.method == "POST" else None, initial=held.as_facts())
    if request.method == "POST":
        require(request.user, DECIDE)
        if form.is_valid():
            try:
                made = verbs.decide(
                    cadence=form.cadence(), rationale=form.cleaned_data["rationale"], by=request.user
                )
            except Invalid as error:
                for name, sentences in error.fields.items():
                    form.add_error(name, sentences)
            else:
                messages.success(request, "Decided." if made else "Nothing was changed.")
                return redirect("reminders")
    context = {
        "held": held,
        "form": form,
        "may_decide": request.user.has_perm(DECIDE),
        "page": page(ReminderDecision.objects.select_related("by"), request, by="-decided_at", size=20),
        "mail": settings.MAIL_ENABLED,
        "letters": letters() if request.user.has_perm(WATCH) else None,
    }
    return render(request, "governance/reminders.html", context, status=400 if form.errors else 200)


def letters() -> dict[str, object]:
    """How mail fares: how many letters wait and since when, and how many were given up. No names. One query."""
    waiting, given_up = Q(state=Letter.State.WAITING), Q(state=Letter.State.GIVEN_UP)
    return Letter.objects.aggregate(
        waiting=Count("pk", filter=waiting),
        since=Min("notice__made_at", filter=waiting & Q(tries__gt=0)),
        given_up=Count("pk", filter=given_up),
    )
