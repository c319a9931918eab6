"""Cards and datasheets: documents whose every edit makes an immutable revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from registry import canonical
from registry.models.datasets import Dataset
from registry.models.visibility import sees_everything, visible_models

if TYPE_CHECKING:
    from registry.models.model import Version
    from registry.models.users import User


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: User) -> Self:
        """Cards of visible versions, datasheets of visible datasets."""
        if sees_everything(user):
            return self
        cards = Document.objects.filter(visible_models(user, "version__model")).values("pk")
        sheets = Document.objects.filter(dataset__in=Dataset.objects.visible_to(user).values("pk"))
        # One set and not two alternatives, as for models
        return self.filter(pk__in=cards.union(sheets.values("pk")))


class Document(models.Model):
    """A structured document about exactly one thing. Its content lives in its revisions."""

    class Kind(models.TextChoices):
        CARD = "card", "Model card"
        DATASHEET = "datasheet", "Datasheet"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    version = models.OneToOneField(
        "registry.Version", null=True, blank=True, on_delete=models.PROTECT, related_name="card"
    )
    dataset = models.OneToOneField(
        "registry.Dataset", null=True, blank=True, on_delete=models.PROTECT, related_name="datasheet"
    )
    head = models.ForeignKey(
        "registry.Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # the latest revision; moved by compare-and-set so that two savers cannot both win
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="card", version__isnull=False, dataset__isnull=True)
                | Q(kind="datasheet", version__isnull=True, dataset__isnull=False),
                name="document_about_one_thing",
            ),
        ]
        permissions = [("write_document", "Can write cards and datasheets")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.about}"

    @property
    def about(self) -> Version | Dataset:
        """The version or the dataset that the document describes."""
        subject = self.version or self.dataset
        assert subject is not None  # noqa: S101 - the CHECK constraint says so
        return subject

    def get_absolute_url(self) -> str:
        return reverse("document", args=[self.pk])

    def kin(self) -> list[models.Model]:
        return [self, *self.about.kin()]


class RevisionQuerySet(models.QuerySet["Revision"]):
    def visible_to(self, user: User) -> Self:
        if sees_everything(user):
            return self
        return self.filter(document__in=Document.objects.visible_to(user))


class Revision(models.Model):
    """One state of a document: canonical JSON, its SHA-256, who saved it and on top of what.

    The database refuses to change or delete a revision (migration 0002).
    """

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="revision_number_once"),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="revision_digest_is_sha256"
            ),
            models.CheckConstraint(
                condition=Q(number=1, parent__isnull=True) | Q(number__gt=1, parent__isnull=False),
                name="revision_stands_on_its_parent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document}, revision {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        """The document's fields, parsed from the stored bytes."""
        content: dict[str, Any] = canonical.parse(self.body)
        return content

    def is_intact(self) -> bool:
        """Whether the stored bytes still have the digest that was recorded."""
        return canonical.digest(bytes(self.body)) == self.digest

    def get_absolute_url(self) -> str:
        return reverse("revision", args=[self.document_id, self.number])

    def kin(self) -> list[models.Model]:
        return [self, *self.document.kin()]
