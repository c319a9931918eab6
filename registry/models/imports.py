"""Files that were imported: the raw bytes by digest, what became of every value in them, and what they led to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models
from django.db.models import Q
from django.urls import reverse

from registry.models.visibility import narrowed_to, sees_everything, visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class ImportQuerySet(models.QuerySet["Import"]):
    def visible_to(self, user: User) -> Self:
        """What `user` imported, and what was imported for a version or dataset that they see."""
        if sees_everything(user):
            return self
        if not user.is_active:
            return self.none()
        runs = "dataset__readings__model"
        about = visible_models(user, "version__model") | visible_models(user, runs)
        own = Q(by=user) if narrowed_to(user) is None else Q(pk__in=[])
        return self.filter(pk__in=self.model.objects.filter(own | about).values("pk"))


class Import(models.Model):
    """One file as it was taken. It waits until somebody uses it for a version or a dataset, once.

    The database refuses to change what was taken, and to use it twice (migration 0020).
    """

    class Kind(models.TextChoices):
        CARD = "card", "Model card"
        DATASHEET = "datasheet", "Datasheet"
        PIPELINE = "pipeline", "Pipeline"

    name = models.CharField(max_length=255)  # of the file, as it came
    format = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    digest = models.CharField(max_length=64)  # SHA-256 of the raw bytes
    size = models.PositiveIntegerField()  # bytes
    report = models.JSONField()  # [{path, outcome, field, reason, value}], every value of the file
    unmapped = models.JSONField(default=dict)  # pointer → value, what no field took
    proposals = models.JSONField(default=list)  # [{path, value, source}]
    notes = models.JSONField(default=list)  # what was repaired to read it
    subject = models.JSONField(default=dict)  # {name, version}, what the file says it is about
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField(auto_now_add=True)
    version = models.ForeignKey(
        "registry.Version", null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )
    dataset = models.ForeignKey(
        "registry.Dataset", null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )
    revision = models.ForeignKey(
        "registry.Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )

    objects = ImportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="import_digest_is_sha256"
            ),
            models.CheckConstraint(
                condition=Q(version__isnull=True) | Q(dataset__isnull=True), name="import_about_one_thing"
            ),
            models.CheckConstraint(
                condition=Q(dataset__isnull=True) | Q(kind="datasheet"),
                name="import_for_a_dataset_is_a_datasheet",
            ),
            models.CheckConstraint(
                condition=Q(version__isnull=True) | ~Q(kind="datasheet"),
                name="import_for_a_version_is_no_datasheet",
            ),
        ]
        indexes = [models.Index(fields=["-taken_at", "-id"], name="import_newest")]

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:8]})"

    @property
    def about(self) -> models.Model | None:
        """The version or dataset that it was used for."""
        return self.version or self.dataset

    @property
    def place(self) -> str:
        """Where the raw bytes lie in the storage of files: once for each digest."""
        return place_of(self.digest)

    def raw(self) -> bytes:
        """The bytes as they came."""
        with default_storage.open(self.place, "rb") as file:
            return bytes(file.read())

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    def kin(self) -> list[models.Model]:
        about = self.about
        return [self, *(about.kin() if about else [])]  # type: ignore[attr-defined]


def place_of(digest: str) -> str:
    """Where bytes with this digest lie."""
    return f"imports/{digest[:2]}/{digest}"
