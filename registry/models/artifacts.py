"""Artifact manifests: which bytes a version consists of."""

from __future__ import annotations

from typing import Any

from django.db import models

from registry.models.model import Version


class Manifest(models.Model):
    """Our own SHA-256 of every file of a version at one moment. Never changed; a new look makes a new manifest.

    `files` is a list of {"path", "sha256", "size"} by path; `digest` is the SHA-256 of its RFC 8785 JSON.
    """

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="manifests")
    digest = models.CharField(max_length=64)
    files = models.JSONField()
    taken_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = ("taken_at", "pk")
        indexes = [models.Index(fields=["version", "-taken_at"], name="manifest_latest")]

    def __str__(self) -> str:
        return f"manifest of {self.version}"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The files by path."""
        return list(self.files)
