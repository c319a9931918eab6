"""Reports: rendered documents from frozen evidence."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from registry import canonical
from registry.models import visible_models

if TYPE_CHECKING:
    from registry.models import User


class Snapshot(models.Model):
    """Evidence, frozen: canonical JSON and its SHA-256. The same snapshot gives the same document, byte for byte."""

    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"snapshot {self.digest[:12]}"

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = canonical.parse(self.body)
        return content


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "version__model"))


class Report(models.Model):
    """A document about a version that somebody ordered, on its way or ready."""

    class State(models.TextChoices):
        ORDERED = "ordered", "Waiting for a worker"
        RENDERING = "rendering", "Rendering"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="reports")
    snapshot = models.ForeignKey(
        Snapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="reports"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.ORDERED)
    percent = models.PositiveSmallIntegerField(default=0)
    step = models.CharField(max_length=120, blank=True)
    problem = models.TextField(blank=True)
    file = models.FileField(upload_to="reports/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    size_bytes = models.PositiveIntegerField(null=True, blank=True)
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ordered_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__lte=100), name="report_percent"),
            models.CheckConstraint(
                condition=~Q(state="ready") | (~Q(sha256="") & ~Q(file="") & Q(snapshot__isnull=False)),
                name="report_ready_has_a_file",
            ),
        ]
        permissions = [("order_report", "Can order reports")]

    def __str__(self) -> str:
        return f"report on {self.version}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.ORDERED, self.State.RENDERING)

    def get_absolute_url(self) -> str:
        return reverse("report", args=[self.pk])

    def kin(self) -> list[models.Model]:
        return [self, *self.version.kin()]
