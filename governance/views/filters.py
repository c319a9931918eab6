"""One's saved filters: keep the filter of a list under a name, give it another, forget it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from governance.actions import filters as verbs
from governance.models import SavedFilter
from registry.request import PortalRequest


@require_POST
def save(request: PortalRequest) -> HttpResponse:
    """Keep what a list shows under a name."""
    given = {name: request.POST.get(name, "") for name in ("page", "name", "query")}
    saved = verbs.save(**given, by=request.user)
    messages.success(request, f"Saved as {saved.name}. To share it, share this page's address.")
    return redirect(saved)


@require_POST
def rename(request: PortalRequest, pk: int) -> HttpResponse:
    """Give a filter another name."""
    saved = get_object_or_404(SavedFilter.objects.visible_to(request.user), pk=pk)
    verbs.rename(saved=saved, name=request.POST.get("name", ""), by=request.user)
    messages.success(request, f"The filter is named {saved.name} now.")
    return redirect(saved)


@require_POST
def delete(request: PortalRequest, pk: int) -> HttpResponse:
    """Forget a filter."""
    saved = get_object_or_404(SavedFilter.objects.visible_to(request.user), pk=pk)
    verbs.delete(saved=saved, by=request.user)
    messages.success(request, f"The filter {saved.name} is deleted.")
    return redirect(saved.page)
