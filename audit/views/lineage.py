"""Lineage as a picture with everything behind it as tables: of a version, of a dataset, of a system."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe

from audit import charts
from audit.lineage import picture, plain
from governance.models import Clearance
from governance.models.impact import weighed
from governance.views.models import frame
from governance.views.tabs import find_version
from registry import lineage
from registry.lineage import Graph
from registry.lineage.affected import learned_from
from registry.models import Dataset, DatasetSnapshot, RunInput, System, User, Version
from registry.request import PortalRequest

MOST_AFFECTED = 200
DIRECTIONS = {"upstream": "What it came from", "downstream": "What came of it"}


def version(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """From which data, code and run the version comes, where it serves, and what else learned from the same data."""
    one = find_version(request, slug, number)
    graph = lineage.of_version(one, request.user)
    training = Dataset.objects.filter(
        snapshots__uses__run=one.run_id, snapshots__uses__context=RunInput.Context.TRAINING
    )
    datasets = list(training.distinct().order_by("name")) if one.run_id else []
    context = frame(one, "version-lineage") | {
        **_shown(request, graph, f"Lineage of {one}"),
        "training": datasets,
        "affected": _siblings(one, datasets, request.user),
    }
    return render(request, "audit/version_lineage.html", context)


def dataset(request: PortalRequest, slug: str) -> HttpResponse:
    """Who learned from the dataset, or from one snapshot of it, what is cleared, and where it serves."""
    one = get_object_or_404(Dataset.objects.visible_to(request.user), slug=slug)
    snapshots = list(one.snapshots.visible_to(request.user).defer("schema").order_by("pk"))
    chosen = _chosen(request, snapshots)
    found = learned_from(one, request.user, chosen)
    context = {
        **_shown(request, lineage.of_dataset(one, request.user), f"Lineage of {one.name}"),
        "dataset": one,
        "snapshots": snapshots,
        "chosen": chosen,
        "found": weighed(found, request.user),
        "more_found": found.more,
    }
    return render(request, "audit/dataset_lineage.html", context)


def system(request: PortalRequest, slug: str) -> HttpResponse:
    """Which versions matter to the system, and what they came from."""
    one = get_object_or_404(System.objects.visible_to(request.user), slug=slug)
    shown = _shown(request, lineage.of_system(one, request.user), f"Lineage of {one.name}")
    return render(request, "audit/system_lineage.html", {**shown, "system": one})


def _shown(request: PortalRequest, graph: Graph, title: str) -> dict[str, Any]:
    """The drawing and its tables; ?focus= and ?direction= narrow both to one side of a node."""
    focus, direction = request.GET.get("focus", ""), request.GET.get("direction", "")
    node = graph.by_id.get(focus)
    part = graph
    if node and direction in DIRECTIONS:
        part = graph.upstream(focus) if direction == "upstream" else graph.downstream(focus)
    drawn = plain(picture(part))
    hrefs = {one.id: f"#{one.id}" for one in part.nodes}
    drawing = charts.lineage(
        drawn["nodes"], drawn["edges"], hrefs, title=title, more=dict(part.more), focus=focus if node else ""
    )
    return {
        "drawing": mark_safe(drawing),  # noqa: S308 - every word in it passed escape
        "nodes": part.nodes,
        "links": [(part.by_id[edge.target], edge.words, part.by_id[edge.source]) for edge in part.edges],
        "more": part.more,
        "focus": node,
        "direction": DIRECTIONS.get(direction, "") if node else "",
    }


def _chosen(request: PortalRequest, snapshots: list[DatasetSnapshot]) -> DatasetSnapshot | None:
    return next((one for one in snapshots if str(one.pk) == request.GET.get("snapshot", "")), None)


def _siblings(one: Version, datasets: list[Dataset], user: User) -> list[Any]:
    """Other visible versions that were trained on the same datasets, in any state of them; cleared ones first."""
    cleared = Clearance.objects.filter(version=OuterRef("pk"), environment="production", allowed=True)
    found = (
        Version.objects.visible_to(user)
        .filter(run__inputs__context=RunInput.Context.TRAINING, run__inputs__snapshot__dataset__in=datasets)
        .exclude(pk=one.pk)
        .annotate(dataset=F("run__inputs__snapshot__dataset__name"), cleared=Exists(cleared))
    )
    ordered = found.select_related("model").order_by("-cleared", "dataset", "model__name", "-number", "pk")
    return list(ordered.distinct()[:MOST_AFFECTED])
