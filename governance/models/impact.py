"""What is affected, and how badly: versions that lineage found, with their clearances and where they serve."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch

from governance.models.clearances import Clearance
from registry.lineage.affected import Found
from registry.models import Endpoint, Environment, System, User, Version


@dataclass(frozen=True)
class Affected:
    """A version, why it is affected, the environments that it is cleared for, and where it is used."""

    version: Version
    why: str
    cleared: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    systems: tuple[System, ...]

    @property
    def urgency(self) -> int:
        """0 cleared for production, 1 cleared for staging, 2 neither: the order in which somebody has to look."""
        return 0 if Environment.PRODUCTION in self.cleared else 1 if self.cleared else 2


def weighed(found: Found, user: User) -> list[Affected]:
    """The versions of `found` with what control knows of them, cleared ones first, else in the order they were found."""
    allowed = Prefetch(
        "clearances", Clearance.objects.filter(allowed=True).order_by("environment"), to_attr="allowed"
    )
    endpoints = Prefetch("endpoints", Endpoint.objects.order_by("environment"))
    systems = Prefetch(
        "model__systems", System.objects.visible_to(user).order_by("name"), to_attr="seen_systems"
    )
    rows = (
        Version.objects.visible_to(user).select_related("model").prefetch_related(allowed, endpoints, systems)
    )
    by_key = rows.in_bulk(list(found.why))
    affected = [
        Affected(
            version=one,
            why=why,
            cleared=tuple(row.environment for row in one.allowed),  # type: ignore[attr-defined]
            endpoints=tuple(one.endpoints.all()),
            systems=tuple(one.model.seen_systems),  # type: ignore[attr-defined]
        )
        for key, why in found.why.items()
        if (one := by_key.get(key))
    ]
    return sorted(affected, key=lambda one: one.urgency)
