"""DVC pipelines: the stages that made the files of a version, as a `dvc.lock` records them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Max, OuterRef, Q, Subquery

from registry.models.visibility import visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class PipelineStageQuerySet(models.QuerySet["PipelineStage"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "version__model"))

    def current(self) -> Self:
        """The stages of the last edition of each version, in their order."""
        last = PipelineStage.objects.filter(version=OuterRef("version")).values("version")
        newest = Subquery(last.annotate(last=Max("edition")).values("last"))
        return self.filter(edition=newest).order_by("version", "position")


class PipelineStage(models.Model):
    """One stage of the pipeline of a version: its command, what it read, and what it wrote.

    A version has editions of its pipeline: the stages of one file belong together, and a later file replaces none of
    them but starts the next edition. `dependencies` and `outputs` are lists of {"path", "digest", "algorithm", "size"}.
    The database refuses to change or delete a stage (migration 0040).
    """

    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="stages")
    edition = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    command = models.TextField(blank=True)
    dependencies = models.JSONField(default=list)
    params = models.JSONField(default=dict)
    outputs = models.JSONField(default=list)
    source = models.CharField(max_length=64)  # SHA-256 of the file that was imported
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    objects = PipelineStageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "edition", "name"], name="stage_named_once"),
            models.UniqueConstraint(fields=["version", "edition", "position"], name="stage_placed_once"),
            models.CheckConstraint(
                condition=Q(source__regex=r"^[0-9a-f]{64}$"), name="stage_source_is_sha256"
            ),
            models.CheckConstraint(condition=Q(edition__gte=1) & ~Q(name=""), name="stage_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"stage {self.name} of {self.version}"

    @property
    def param_rows(self) -> list[tuple[str, Any]]:
        """Parameters by name."""
        return sorted(self.params.items())

    def kin(self) -> list[models.Model]:
        return self.version.kin()
