"""Absences: who is asked for reviews in my place, and in whose place I am."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.actions import absences as verbs
from governance.deputies import could_stand_in
from governance.models import Absence
from governance.notice_forms import AbsenceForm
from registry.errors import Conflict, Invalid
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

JUDGE = "governance.judge_review"


def absence(request: PortalRequest) -> HttpResponse:
    """Name somebody for a time. For whoever judges; for others there is nothing to stand in for."""
    user, form = request.user, None
    if request.method == "POST":
        require(user, JUDGE)
    if user.has_perm(JUDGE):
        form = AbsenceForm(could_stand_in(user), request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                made = verbs.announce(**form.cleaned_data, by=user)
            except (Invalid, Conflict) as error:
                for name, sentences in getattr(error, "fields", {}).items() or [(None, [str(error)])]:
                    form.add_error(name, sentences)
            else:
                messages.success(request, f"{made.stand_in} is asked in your place for that time.")
                return redirect("absence")
    rows = Absence.objects.filter(Q(person=user) | Q(stand_in=user)).select_related("person", "stand_in")
    context = {"form": form, "page": page(rows, request, by="-since", size=20), "now": timezone.now()}
    return render(request, "registration/absence.html", context, status=400 if form and form.errors else 200)


@require_POST
def end(request: PortalRequest, pk: int) -> HttpResponse:
    """Call one of one's own off."""
    one = get_object_or_404(
        Absence.objects.visible_to(request.user).select_related("person", "stand_in"), pk=pk
    )
    verbs.end(absence=one, by=request.user)
    messages.success(request, "Ended. Reviews are asked of you again.")
    return redirect("absence")
