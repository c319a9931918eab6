"""Saved filters: what somebody asks of a list again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

if TYPE_CHECKING:
    from registry.models import User


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: User) -> Self:
        """One's own: a filter may say what somebody is looking into."""
        return self.filter(owner=user.pk) if user.is_active else self.none()


class SavedFilter(models.Model):
    """A name for an address of a list. To share it, share the address: it shows each reader what that reader may see."""

    class Page(models.TextChoices):
        MODELS = "models", "Models"
        SYSTEMS = "systems", "Systems"
        DATASETS = "datasets", "Datasets"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_filters"
    )
    page = models.CharField(max_length=12, choices=Page.choices)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=4000)  # a query string with parameters that the list knows
    saved_at = models.DateTimeField(auto_now_add=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_filter_name_once"),
            models.CheckConstraint(
                condition=Q(page__in=["models", "systems", "datasets"]), name="saved_filter_page_known"
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="saved_filter_says_something"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse(self.page)}?{self.query}"

    def kin(self) -> list[models.Model]:
        return [self]
