"""Runs: how a version came to be."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from registry.models.servers import TrackingServer


class Run(models.Model):
    """One training run on a tracking server: parameters, metrics, code, and the data that went in."""

    server = models.ForeignKey(TrackingServer, on_delete=models.PROTECT, related_name="runs")
    run_id = models.CharField(max_length=64)
    user_name = models.CharField(
        max_length=256, blank=True
    )  # as the tracking server tells it; not one of our accounts
    status = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    params = models.JSONField(default=dict, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=dict, blank=True)
    model_inputs = models.JSONField(default=list, blank=True)  # ids of the logged models it started from
    git_commit = models.CharField(max_length=64, blank=True)
    git_repository = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["server", "run_id"], name="run_once_per_server")]
        indexes = [
            models.Index(fields=["git_commit"], name="run_by_commit", opclasses=["varchar_pattern_ops"]),
            GinIndex(fields=["model_inputs"], name="run_by_model_input"),
        ]

    def __str__(self) -> str:
        return f"run {self.run_id[:8]}"

    @property
    def metric_rows(self) -> list[tuple[str, float]]:
        """Metrics by name."""
        return sorted(self.metrics.items())

    @property
    def param_rows(self) -> list[tuple[str, str]]:
        """Parameters by name."""
        return sorted(self.params.items())


class RunInput(models.Model):
    """A run used a dataset snapshot (prov:used), for training or for evaluation."""

    class Context(models.TextChoices):
        TRAINING = "training", "Training"
        EVALUATION = "evaluation", "Evaluation"
        OTHER = "other", "Other"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="inputs")
    snapshot = models.ForeignKey("registry.DatasetSnapshot", on_delete=models.PROTECT, related_name="uses")
    context = models.CharField(max_length=12, choices=Context.choices, default=Context.OTHER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "snapshot", "context"], name="run_input_once")]

    def __str__(self) -> str:
        return f"{self.run} used {self.snapshot} for {self.context}"
