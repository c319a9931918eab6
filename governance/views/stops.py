"""Stops: what is stopped now, what was, and the way to make and to lift one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.actions import stops as verbs
from governance.forms import ReasonForm
from governance.models import Stop, Token
from governance.models.stops import StopQuerySet
from governance.permissions import STOP_ALL, may_lift
from registry.models import Model, User
from registry.paging import page
from registry.request import PortalRequest

MOST = 200  # in force; the list of tokens that are stopped may be long
STOPPED = "Stopped. Queries are refused within a second, until somebody lifts this."


def stops(request: PortalRequest) -> HttpResponse:
    """What is stopped now, and what was lifted."""
    rows = with_parts(Stop.objects.visible_to(request.user))
    now = list(rows.in_force().order_by("-stopped_at", "-pk")[:MOST])
    context = {
        "now": [(one, bool(may_lift(request.user, one))) for one in now],
        "all_stopped": any(one.reach == Stop.Reach.ALL for one in now),
        "page": page(rows.exclude(lifted_at=None), request, by="-stopped_at", size=20),
        "may_stop_all": request.user.has_perm(STOP_ALL),
        "form": ReasonForm(),
    }
    return render(request, "governance/stops.html", context)


@require_POST
def stop_all(request: PortalRequest) -> HttpResponse:
    """Stop every query to every model."""
    verbs.stop_all(reason=request.POST.get("reason", ""), by=request.user)
    messages.warning(request, STOPPED)
    return redirect("stops")


@require_POST
def stop_model(request: PortalRequest, slug: str) -> HttpResponse:
    """Stop every query to a model."""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    verbs.stop_model(model=one, reason=request.POST.get("reason", ""), by=request.user)
    messages.warning(request, STOPPED)
    return redirect(one)


@require_POST
def stop_token(request: PortalRequest, pk: str) -> HttpResponse:
    """Stop every query with a token."""
    one = get_object_or_404(Token.objects.visible_to(request.user).select_related("owner__service"), pk=pk)
    verbs.stop_token(token=one, reason=request.POST.get("reason", ""), by=request.user)
    messages.warning(request, STOPPED)
    return redirect(one)


@require_POST
def lift(request: PortalRequest, pk: int) -> HttpResponse:
    """Let queries pass again."""
    one = get_object_or_404(with_parts(Stop.objects.visible_to(request.user)), pk=pk)
    verbs.lift(stop=one, reason=request.POST.get("reason", ""), by=request.user)
    messages.success(request, "Lifted. Policy and clearance decide again, within a second.")
    return redirect(one.target or "stops")


def with_parts(rows: StopQuerySet) -> StopQuerySet:
    """Stops with what is shown of them."""
    return rows.select_related("model", "token__owner__service", "by", "lifted_by")


def stop_on(
    user: User, *, model: Model | None = None, token: Token | None = None
) -> tuple[Stop, bool] | None:
    """The stop of a model or a token that is in force, and whether `user` may lift it. One query."""
    one = with_parts(Stop.objects.in_force()).filter(model=model, token=token).first()
    return (one, bool(may_lift(user, one))) if one else None
