"""What memory tells about one version: its history, and where it comes from."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe

from audit import charts
from audit.lineage import of_version
from audit.models import Entry
from audit.models.trail import EntryQuerySet
from audit.views import rows
from governance.models import Clearance
from governance.views.models import frame
from governance.views.tabs import find_version
from registry.models import Dataset, RunInput, System, User, Version
from registry.paging import page
from registry.request import PortalRequest

# Who sees a version sees its history, but tokens and refusals of others only with the role for them.
GUARDED = {"token.": "governance.view_token", "action.": "audit.view_entry"}
TOPICS = tuple((kind, kind.capitalize()) for kind in sorted(rows.ICONS) if kind not in ("action", "server"))
AFFECTED = 200


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


def lineage(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """From which data and run the version comes, where it serves, and what else learned from the same data."""
    one = find_version(request, slug, number)
    told = of_version(one)
    used = list(RunInput.objects.filter(run=one.run).select_related("snapshot__dataset")) if one.run else []
    hrefs = _hrefs(one, used, request.user)
    drawing = charts.lineage(told["nodes"], told["edges"], hrefs, title=f"Lineage of {one}")
    nodes = {node["id"]: node | {"url": hrefs.get(node["id"], "")} for node in told["nodes"]}
    training = {use.snapshot.dataset_id for use in used if use.context == RunInput.Context.TRAINING}
    context = frame(one, "version-lineage") | {
        "drawing": mark_safe(drawing),  # noqa: S308 - every word in it passed escape
        "links": [(nodes[start], word, nodes[end]) for start, end, word in told["edges"]],
        "nodes": list(nodes.values()),
        "training": sorted(
            {use.snapshot.dataset.name for use in used if use.snapshot.dataset_id in training}
        ),
        "affected": _affected(one, training, request.user),
    }
    return render(request, "audit/version_lineage.html", context)


def _readable(found: EntryQuerySet, user: User) -> EntryQuerySet:
    for start, permission in GUARDED.items():
        if not user.has_perm(permission):
            found = found.exclude(Q(kind__startswith=start) & ~Q(actor=user.get_username()))
    return found


def _hrefs(one: Version, used: list[RunInput], user: User) -> dict[str, str]:
    """Where each node of the drawing leads, as far as it leads somewhere for this person."""
    place = [one.model.slug, one.number]
    facts = reverse("version-facts", args=place)
    found = {f"version-{one.pk}": reverse("version", args=place)}
    if one.run_id:
        found[f"run-{one.run_id}"] = facts
    visible = set(
        Dataset.objects.visible_to(user)
        .filter(pk__in=[u.snapshot.dataset_id for u in used])
        .values_list("pk", flat=True)
    )
    for use in used:
        if use.snapshot.dataset_id in visible:
            found[f"dataset-{use.snapshot_id}"] = use.snapshot.dataset.get_absolute_url()
    for system in System.objects.visible_to(user).filter(models=one.model):
        found[f"system-{system.pk}"] = system.get_absolute_url()
    return found


def _affected(one: Version, datasets: set[int], user: User) -> list[Any]:
    """Other visible versions that were trained on the same datasets, in any state of them."""
    cleared = Clearance.objects.filter(version=OuterRef("pk"), environment="production", allowed=True)
    found = (
        Version.objects.visible_to(user)
        .filter(run__inputs__context=RunInput.Context.TRAINING, run__inputs__snapshot__dataset__in=datasets)
        .exclude(pk=one.pk)
        .annotate(dataset=F("run__inputs__snapshot__dataset__name"), cleared=Exists(cleared))
    )
    ordered = found.select_related("model").order_by("dataset", "model__name", "-number", "pk")
    return list(ordered.distinct()[:AFFECTED])
