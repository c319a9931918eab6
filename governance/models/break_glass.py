"""Breaking the glass: a version answers although it is not cleared, because two people take that upon themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from registry.models import Environment, visible_models

if TYPE_CHECKING:
    from registry.models import User

LONGEST = 60  # minutes


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "version__model"))

    def open(self) -> Self:
        """Asked for within the hour, or granted and not over, by this machine's clock. The gate asks the database's."""
        now = timezone.now()
        waits = Q(granted_at=None, asked_at__gt=now - timedelta(minutes=LONGEST))
        return self.filter(waits | Q(ends_at__gt=now), ended_at=None)

    def in_force(self) -> Self:
        """Granted and not over, by the database's clock."""
        return self.filter(granted_at__lte=Now(), ends_at__gt=Now(), ended_at=None)


class BreakGlass(models.Model):
    """One person asked, another granted: for at most 60 minutes the gate lets queries to this version pass in this
    environment, whatever its clearance says, but never when a system that uses it is a prohibited practice.

    The database sets the times, and holds the second person, the hour, and the course: asked, granted, ended.
    """

    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="broken_glass")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    reason = models.TextField()
    minutes = models.PositiveSmallIntegerField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    granted_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment"],
                condition=Q(ended_at__isnull=True),
                name="break_glass_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=LONGEST), name="break_glass_an_hour_at_most"
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(granted_by=F("asked_by")),
                name="break_glass_two_people",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True, granted_at__isnull=True, ends_at__isnull=True)
                | Q(granted_by__isnull=False, granted_at__isnull=False, ends_at__isnull=False),
                name="break_glass_granted_whole",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="break_glass_ended_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="break_glass_says_why"),
        ]
        permissions = [
            ("ask_break_glass", "Can ask to break the glass"),
            ("break_glass", "Can let the glass be broken for somebody else"),
        ]

    def __str__(self) -> str:
        return f"break-glass for {self.version} in {self.environment}"

    def kin(self) -> list[models.Model]:
        return [self, self.version, self.version.model]
