"""Who could do both halves of what two people should do."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.duties import DUTIES, overlaps
from registry.permissions import require
from registry.request import PortalRequest
from registry.spreadsheets import answer

SEES = "registry.view_rolegrant"
MOST = 500  # rows on the page; the table for spreadsheets has all


def duties(request: PortalRequest) -> HttpResponse:
    """Everybody who could both author and approve, issue and use, classify and own."""
    require(request.user, SEES)
    found = overlaps()
    parts = [
        {"duty": duty, "rows": rows[:MOST], "count": len(rows)}
        for duty in DUTIES
        for rows in [[one for one in found if one.duty is duty]]
    ]
    return render(request, "governance/duties.html", {"parts": parts, "count": len(found)})


def duties_csv(request: PortalRequest) -> StreamingHttpResponse:
    """All of it, for spreadsheets."""
    require(request.user, SEES)
    head = ["account", "duty", "count", "of", "first names", "since", "what stands in the way"]
    rows = (
        [
            one.user.username,
            one.duty.label,
            str(one.number),
            one.kind,
            ", ".join(one.names),
            one.since.isoformat() if one.since else "",
            one.duty.guard,
        ]
        for one in overlaps()
    )
    return answer("duties", timezone.now().date(), head, rows)
