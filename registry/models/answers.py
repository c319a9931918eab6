"""Answers that are kept, so that a write which is sent twice is done once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class KeptAnswer(models.Model):
    """What was answered to one account's write with one Idempotency-Key. Written in the write's own transaction.

    `place` is the SHA-256 of method, path and key: together with the account it names the attempt. `body` is null
    where the answer must not be told twice, because it showed a secret.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    place = models.CharField(max_length=64)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=400)  # for whoever reads the table; cut off
    fingerprint = models.CharField(max_length=64)  # SHA-256 of what was sent
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "place"], name="answer_kept_once"),
            models.CheckConstraint(
                condition=Q(status__gte=200, status__lt=500), name="answer_kept_is_no_failure"
            ),
            models.CheckConstraint(
                condition=Q(place__regex=r"^[0-9a-f]{64}$", fingerprint__regex=r"^[0-9a-f]{64}$"),
                name="answer_kept_under_digests",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="answer_kept_for_a_while"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"
