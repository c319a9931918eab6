"""The list of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from registry.models import Dataset, DatasetSnapshot, User

DATASHEET = Criterion(
    "datasheet",
    "Datasheet",
    "Whether somebody has written it.",
    (("written", "Written"), ("missing", "Missing")),
)
CHANGED = Criterion(
    "changed_within",
    "Last change",
    "First seen or datasheet last saved: within so many days, or more than ninety ago.",
    WITHIN,
)


def matching(user: User, chosen: Chosen) -> QuerySet[Dataset]:
    """The visible datasets that fit."""
    found = chosen.rows(user).filter(within("indexed__changed_at", chosen["changed_within"]))
    if chosen["datasheet"]:
        written = Q(datasheet__head__isnull=False)
        found = found.filter(written if chosen["datasheet"] == "written" else ~written)
    return found


def dressed(user: User, _chosen: Chosen, keys: Sequence[int]) -> list[Any]:
    """Datasets with their datasheet and the number of their snapshots that visible models have used; two queries."""
    rows: list[Any] = list(
        Dataset.objects.filter(pk__in=keys)
        .select_related("datasheet__head__by")
        .annotate(changed_at=F("indexed__changed_at"))
    )
    snapshots = DatasetSnapshot.objects.visible_to(user).filter(dataset__in=rows)
    counted = dict(snapshots.values_list("dataset").annotate(n=Count("pk")))
    for row in rows:
        row.snapshot_count = counted.get(row.pk, 0)
    return rows


def _datasheet(dataset: Dataset) -> str:
    head = dataset.datasheet.head if hasattr(dataset, "datasheet") else None
    return f"Revision {head.number} by {head.by}" if head else "Missing"


COLUMNS = (
    Column("Dataset", lambda d: d.name),
    Column("Datasheet", _datasheet),
    Column("Snapshots", lambda d: str(d.snapshot_count)),
    Column("First seen (UTC)", lambda d: f"{d.first_seen_at:%Y-%m-%d %H:%M:%S}"),
    Column("Last change (UTC)", lambda d: f"{d.changed_at:%Y-%m-%d %H:%M:%S}" if d.changed_at else ""),
    Column("Address", lambda d: f"{settings.SITE_URL}{d.get_absolute_url()}"),
)

PLAN = Plan(
    page="datasets",
    kind=Dataset,
    noun="datasets",
    criteria=(DATASHEET, CHANGED),
    sorts={"name": "name", "changed": "changed_at", "seen": "first_seen_at"},
    matching=matching,
    dressed=dressed,
    columns=COLUMNS,
)
