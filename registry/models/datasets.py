"""Datasets and the snapshots of them that runs have used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from registry.addresses import by_slug
from registry.models.readings import Reading
from registry.models.visibility import sees_everything, visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User) -> Self:
        """Datasets that a model visible to `user` has used."""
        return self if sees_everything(user) else self.used_by(visible_models(user, "model"))

    def used_by(self, models: models.Q) -> Self:
        """Datasets that a version of `models`, a condition on its model, has learned from or was tested with."""
        return self.filter(pk__in=Reading.objects.filter(models).values("dataset"))


class Dataset(models.Model):
    """A named body of data. Its datasheet belongs to the dataset; a run uses one snapshot of it."""

    name = models.CharField(max_length=256, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return by_slug("dataset", self.slug)

    def kin(self) -> list[models.Model]:
        return [self]


class DatasetSnapshotQuerySet(models.QuerySet["DatasetSnapshot"]):
    def visible_to(self, user: User) -> Self:
        """States of a dataset that a model visible to `user` has used."""
        if sees_everything(user):
            return self
        return self.filter(pk__in=Reading.objects.filter(visible_models(user, "model")).values("snapshot"))


class DatasetSnapshot(models.Model):
    """One state of a dataset as a tracking server saw it.

    MLflow's digest is weak: eight hexadecimal digits of an MD5 over at most 10 000 rows. It tells snapshots
    apart; it proves nothing.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="snapshots")
    weak_digest = models.CharField(max_length=64)
    source_type = models.CharField(max_length=60, blank=True)
    source = models.TextField(blank=True)
    schema = models.JSONField(default=dict, blank=True)
    profile = models.JSONField(default=dict, blank=True)

    objects = DatasetSnapshotQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "weak_digest"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.dataset.name} ({self.weak_digest})"

    @property
    def row_count(self) -> int | None:
        """Rows, where the tracking server counted them."""
        rows = self.profile.get("num_rows") if isinstance(self.profile, dict) else None
        return int(rows) if rows is not None else None
