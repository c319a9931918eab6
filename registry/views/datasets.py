"""Datasets and their datasheets."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from registry.documents.content import completeness
from registry.models import Dataset, Version
from registry.request import PortalRequest
from registry.views.documents import findings_in


def dataset(request: PortalRequest, slug: str) -> HttpResponse:
    """One dataset: its snapshots, who learned from it, its datasheet."""
    one = get_object_or_404(
        Dataset.objects.visible_to(request.user).select_related("datasheet__head__by"), slug=slug
    )
    head = one.datasheet.head if hasattr(one, "datasheet") else None
    filled, total = completeness("datasheet", head.content) if head else completeness("datasheet", {})
    versions = Version.objects.visible_to(request.user).filter(run__inputs__snapshot__dataset=one).distinct()
    context = {
        "dataset": one,
        "head": head,
        "filled": filled,
        "total": total,
        "findings": findings_in(one, "datasheet", head.content) if head else [],
        "snapshots": one.snapshots.visible_to(request.user).order_by("pk"),
        "versions": versions.select_related("model").order_by("model__name", "number"),
        "may_write": request.user.has_perm("registry.write_document"),
    }
    return render(request, "registry/dataset.html", context)
