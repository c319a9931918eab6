"""Drafts: what somebody has typed into the editor of a document and not saved yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

LONGEST_DRAFT = 2_500_000  # characters; as much as a request may carry


class Draft(models.Model):
    """One person's unsaved text about one thing. Nobody else sees it; saving or discarding deletes it.

    `typed` is the form as it was sent, URL-encoded: also text that no document could hold is kept.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey("registry.Version", null=True, on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("registry.Dataset", null=True, on_delete=models.CASCADE, related_name="+")
    typed = models.TextField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=False, dataset__isnull=True)
                | Q(version__isnull=True, dataset__isnull=False),
                name="draft_about_one_thing",
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("typed"), LONGEST_DRAFT), name="draft_is_not_endless"
            ),
            models.UniqueConstraint(fields=["by", "version"], name="draft_once_per_person_and_version"),
            models.UniqueConstraint(fields=["by", "dataset"], name="draft_once_per_person_and_dataset"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.by}"
