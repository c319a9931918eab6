"""What memory tells about one version: its history."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from audit.models import Entry
from audit.models.trail import EntryQuerySet
from audit.views import rows
from governance.views.models import frame
from governance.views.tabs import find_version
from registry.models import User
from registry.paging import page
from registry.request import PortalRequest

# Who sees a version sees its history, but tokens and refusals of others only with the role for them.
GUARDED = {"token.": "governance.view_token", "action.": "audit.view_entry"}
TOPICS = tuple((kind, kind.capitalize()) for kind in sorted(rows.ICONS) if kind not in ("action", "server"))


def history(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """What happened to the version and to its model, newest first."""
    one = find_version(request, slug, number)
    found = _readable(Entry.objects.about(one, one.model), request.user)
    topic = request.GET.get("topic", "")
    if topic in dict(TOPICS):
        found = found.filter(kind__startswith=f"{topic}.")
    entries = page(found, request, by="-created_at")
    reads_all, name = request.user.has_perm("audit.view_entry"), request.user.get_username()
    context = frame(one, "version-history") | {
        "page": entries,
        "entries": [
            rows.row(entry, url=reverse("entry", args=[entry.pk]) if reads_all or entry.actor == name else "")
            for entry in entries
        ],
        "count": found.count(),
        "topic": topic,
        "topics": TOPICS,
    }
    return render(request, "audit/version_history.html", context)


def _readable(found: EntryQuerySet, user: User) -> EntryQuerySet:
    for start, permission in GUARDED.items():
        if not user.has_perm(permission):
            found = found.exclude(Q(kind__startswith=start) & ~Q(actor=user.get_username()))
    return found
