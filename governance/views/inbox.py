"""The inbox: what waits for me, then what I was told."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from governance.actions import notices as verbs
from governance.inbox import tasks
from governance.models import Notice
from governance.notices import KIND, KINDS
from registry.errors import Invalid
from registry.paging import page
from registry.request import PortalRequest

VIEWS = (("unread", "Unread"), ("all", "All"))


def inbox(request: PortalRequest) -> HttpResponse:
    """What waits is derived from the facts; notices are only told. Marked as read by hand, and put back by one click."""
    show = "all" if request.GET.get("show") == "all" else "unread"
    kind = request.GET.get("kind", "")
    rows = Notice.objects.visible_to(request.user).shown().select_related("by")
    if show == "unread":
        rows = rows.unread()
    if kind in KIND:
        rows = rows.filter(kind=kind)
    context = {
        "tasks": tasks(request.user),
        "page": page(rows, request, by="-made_at", size=20),
        "show": show,
        "views": VIEWS,
        "kind": kind if kind in KIND else "",
        "kinds": KINDS,
        "undo": _moment(request.GET.get("undo", "")),
        "count": request.GET.get("count", "")[:4],
    }
    return render(request, "governance/inbox.html", context)


@require_POST
def read(request: PortalRequest, pk: int) -> HttpResponse:
    """Mark one as read."""
    marked = verbs.read(notice=_own(request, pk), by=request.user)
    return _back(request, undo=marked.read_at, count=1)


@require_POST
def unread(request: PortalRequest, pk: int) -> HttpResponse:
    """Take that back."""
    verbs.unread(notice=_own(request, pk), by=request.user)
    return _back(request)


@require_POST
def read_all(request: PortalRequest) -> HttpResponse:
    """Mark all as read, or all of the kind that is shown."""
    count, at = verbs.read_all(kind=request.GET.get("kind", ""), by=request.user)
    return _back(request, undo=at if count else None, count=count)


@require_POST
def undo(request: PortalRequest) -> HttpResponse:
    """Put back what was marked as read together."""
    at = _moment(request.POST.get("at", ""))
    if at is None:
        raise Invalid(fields={"at": ["Say when it was marked, as the page does."]})
    verbs.put_back(at=at, by=request.user)
    return _back(request)


def _own(request: PortalRequest, pk: int) -> Notice:
    return get_object_or_404(Notice.objects.visible_to(request.user), pk=pk)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text[:40])
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _back(request: PortalRequest, *, undo: datetime | None = None, count: int = 0) -> HttpResponseRedirect:
    """To the inbox as it was filtered, with the way to undo."""
    query = QueryDict(mutable=True)
    query.update({name: request.GET[name] for name in ("show", "kind") if request.GET.get(name)})
    if undo:
        query.update({"undo": undo.isoformat(), "count": str(count)})
    return redirect(f"{reverse('inbox')}?{query.urlencode()}" if query else reverse("inbox"))
