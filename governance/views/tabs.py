"""The tabs of a model and of a version: pages of several floors under one head."""

from __future__ import annotations

from dataclasses import dataclass

from django.shortcuts import get_object_or_404
from django.urls import reverse

from registry.models import Model, Version
from registry.request import PortalRequest

TABS = (
    ("version", "Clearance", "clearance"),
    ("version-facts", "Facts", "model"),
    ("version-card", "Card", "card"),
    ("version-lineage", "Lineage", "lineage"),
    ("version-bom", "Materials", "folder"),
    ("version-access", "Access", "policy"),
    ("version-decisions", "Decisions", "decision"),
    ("version-history", "History", "trail"),
)
OF_MODEL = (
    ("model", "Overview", "model"),
    ("model-traffic", "Traffic", "chart"),
)


@dataclass(frozen=True)
class Tab:
    """A link to one aspect of a version or model."""

    label: str
    url: str
    icon: str
    current: bool
    count: int | None = None


def version_tabs(version: Version, current: str) -> list[Tab]:
    """The tabs, with the one named `current` marked."""
    place = [version.model.slug, version.number]
    return [Tab(label, reverse(name, args=place), icon, name == current) for name, label, icon in TABS]


def model_tabs(model: Model, current: str) -> list[Tab]:
    """The tabs, with the one named `current` marked."""
    return [
        Tab(label, reverse(name, args=[model.slug]), icon, name == current) for name, label, icon in OF_MODEL
    ]


def find_version(request: PortalRequest, slug: str, number: int) -> Version:
    """The version, if it exists for this person."""
    rows = Version.objects.visible_to(request.user).select_related(
        "model__server", "run__server", "card__head__by"
    )
    return get_object_or_404(rows.named(slug, number))
