"""Figures: pictures that documents show, each kept once under the digest of its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from registry.models.documents import Document
from registry.models.visibility import narrowed_to, sees_everything

if TYPE_CHECKING:
    from registry.models.users import User


class FigureQuerySet(models.QuerySet["Figure"]):
    def visible_to(self, user: User) -> Self:
        """Figures of visible documents, and those that `user` has uploaded."""
        if sees_everything(user):
            return self
        if not user.is_active:
            return self.none()
        shown = Q(documents__in=Document.objects.visible_to(user).values("pk"))
        own = Q(holders=user.pk) if narrowed_to(user) is None else Q(pk__in=[])
        return self.filter(shown | own).distinct()


class Figure(models.Model):
    """A picture. Its row is written once (migration 0010); its bytes lie in the file storage, named by their digest."""

    class MediaType(models.TextChoices):
        PNG = "image/png", "PNG"
        JPEG = "image/jpeg", "JPEG"

    digest = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the bytes as they are stored
    media_type = models.CharField(max_length=10, choices=MediaType.choices)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # in bytes
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    holders = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="+"
    )  # who has uploaded these bytes
    documents = models.ManyToManyField(
        Document, related_name="figures"
    )  # those with a revision that shows it

    objects = FigureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="figure_digest_is_sha256"
            ),
            models.CheckConstraint(
                condition=Q(media_type__in=["image/png", "image/jpeg"]), name="figure_is_png_or_jpeg"
            ),
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0, size__gt=0), name="figure_is_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"figure {self.digest[:12]}"

    @property
    def place(self) -> str:
        """Where its bytes lie in the file storage."""
        return f"figures/{self.digest[:2]}/{self.digest}"

    def get_absolute_url(self) -> str:
        return reverse("figure", args=[self.digest])

    def kin(self) -> list[models.Model]:
        """The objects whose history this belongs to."""
        return [self]
