"""The trail: what happened, as bytes that never change."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registry import canonical
from registry.models import narrowed_to

if TYPE_CHECKING:
    from registry.models import User


class EntryQuerySet(models.QuerySet["Entry"]):
    def about(self, *subjects: models.Model) -> Self:
        """The history of these objects."""
        return self.filter(subjects__overlap=[reference(subject) for subject in subjects])

    def visible_to(self, user: User) -> Self:
        """All for those who may read the trail; one's own deeds for everybody else."""
        if narrowed_to(user) is not None:  # an entry may speak of other models than a token names
            return self.none()
        if user.has_perm("audit.view_entry"):
            return self
        return self.filter(actor=user.get_username())

    def newest(self) -> Self:
        return self.order_by("-created_at", "-pk")

    def update(self, **kwargs: Any) -> int:
        raise TypeError("An entry of the trail is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("An entry of the trail is never deleted.")


class Entry(models.Model):
    """One event. `body` holds the canonical JSON bytes and is the truth; the other columns are an index to it.

    No foreign keys: live data may go, the trail stays. The time is the database's. Triggers (migration 0002) refuse
    UPDATE, DELETE and TRUNCATE, whoever asks.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    kind = models.CharField(max_length=60)
    actor = models.CharField(max_length=150)
    subjects = ArrayField(models.CharField(max_length=80), default=list)
    body = models.BinaryField()

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="entry_newest"),
            models.Index(fields=["actor", "-created_at"], name="entry_of_actor"),
            GinIndex(fields=["subjects"], name="entry_of_subject"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(kind=""), name="entry_has_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def facts(self) -> dict[str, Any]:
        """The event, parsed from the stored bytes."""
        facts: dict[str, Any] = canonical.parse(self.body)
        return facts

    @property
    def digest(self) -> str:
        """SHA-256 of the stored bytes."""
        return canonical.digest(bytes(self.body))


class SealedBatch(models.Model):
    """A batch of gate decisions that the trail has an entry for."""

    batch = models.UUIDField(primary_key=True)
    sealed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"sealed {self.batch}"


def reference(subject: models.Model) -> str:
    """How an entry points at an object: "registry.version:12"."""
    return f"{subject._meta.label_lower}:{subject.pk}"
