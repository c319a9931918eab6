"""Search over everything."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from governance.finding.everywhere import search as find
from registry.request import PortalRequest
from registry.search.query import LONGEST, parse


def search(request: PortalRequest) -> HttpResponse:
    """Models, systems, datasets and documents that fit and that one may see, by kind, best first."""
    query = parse(request.GET.get("q", ""))
    groups = find(request.user, query)
    context = {
        "query": query,
        "groups": [group for group in groups if group.hits],
        "count": sum(group.count for group in groups),
        "longest": LONGEST,
    }
    return render(request, "governance/search.html", context)
