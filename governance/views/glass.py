"""Breaking the glass: ask, grant, end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from governance.actions import glass as verbs
from governance.models import BreakGlass
from governance.review_forms import GlassForm
from governance.views.reviews import checked
from governance.views.tabs import find_version
from registry.request import PortalRequest


@require_POST
def ask(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Ask that a version may answer although it is not cleared."""
    one = find_version(request, slug, number)
    verbs.ask(version=one, **checked(GlassForm(request.POST)), by=request.user)
    messages.warning(request, "Asked. Somebody else has to grant it within the hour.")
    return redirect(one)


@require_POST
def grant(request: PortalRequest, pk: int) -> HttpResponse:
    """Break the glass that somebody else has asked for."""
    one = _visible(request, pk)
    verbs.grant(glass=one, by=request.user)
    messages.warning(request, "The glass is broken. It ends by itself.")
    return redirect(one.version)


@require_POST
def end(request: PortalRequest, pk: int) -> HttpResponse:
    """End it before its time, or turn it down."""
    one = _visible(request, pk)
    verbs.end(glass=one, by=request.user)
    messages.success(request, "Ended. Within a second the clearance alone decides.")
    return redirect(one.version)


def _visible(request: PortalRequest, pk: int) -> BreakGlass:
    rows = BreakGlass.objects.visible_to(request.user).select_related("version__model")
    return get_object_or_404(rows, pk=pk)
