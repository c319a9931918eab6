"""Tracking servers, and what they told us by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Model as Row
from django.db.models import Q, TextChoices
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from registry import certificates
from registry.models.visibility import sees_everything

if TYPE_CHECKING:
    from registry.models.users import User

STALE = timedelta(minutes=15)  # three reads in a row did not come to their end


class TrackingServerQuerySet(models.QuerySet["TrackingServer"]):
    def visible_to(self, user: User) -> Self:
        """All for those who see everything or whose role reads tracking servers, none for everybody else."""
        reads = user.is_active and user.has_perm("registry.sync_trackingserver")
        return self if reads or sees_everything(user) else self.none()


class TrackingServer(models.Model):
    """An MLflow server that the registry follows.

    With a user name the sealed secret is a password, without one it is a bearer token. Sealed secrets are opened by
    `registry.ciphers` where a worker needs them, and shown nowhere.
    """

    class Hook(TextChoices):
        NONE = "none", "Not set up"
        ORDERED = "ordered", "Being set up"
        ACTIVE = "active", "Active"
        FAILED = "failed", "Could not be set up"

    name = models.SlugField(max_length=60, unique=True)
    uri = models.CharField(max_length=400, unique=True)
    username = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField(blank=True)
    authority = models.TextField(
        blank=True
    )  # certificates (PEM) that its own has to lead to; empty for the system's
    paused_at = models.DateTimeField(null=True, blank=True)  # since when it is not read; empty when followed
    synced_at = models.DateTimeField(null=True, blank=True)  # when it was last read to its end
    problem = models.TextField(blank=True)  # why the last read failed, with the remedy; empty when it worked
    problem_since = models.DateTimeField(null=True, blank=True)
    in_doubt = models.PositiveIntegerField(default=0)  # models whose sudden absence is not believed
    believed_at = models.DateTimeField(null=True, blank=True)  # somebody said that the next absence is true
    hook = models.CharField(max_length=10, choices=Hook.choices, default=Hook.NONE)
    hook_id = models.CharField(max_length=64, blank=True)  # the name that the tracking server gave it
    hook_problem = models.TextField(blank=True)
    sealed_hook_secret = models.TextField(blank=True)

    objects = TrackingServerQuerySet.as_manager()

    class Meta:
        permissions = [("sync_trackingserver", "Can read a tracking server into the registry")]
        constraints = [
            models.CheckConstraint(
                condition=Q(hook__in=["none", "ordered", "active", "failed"]), name="server_hook_known"
            ),
            # A Fernet token begins with its version byte and the high bytes of its time: never a plain password.
            models.CheckConstraint(
                condition=Q(sealed_secret="") | Q(sealed_secret__startswith="gAAAA"),  # noqa: S106
                name="server_secret_is_sealed",
            ),
            models.CheckConstraint(
                condition=Q(sealed_hook_secret="") | Q(sealed_hook_secret__startswith="gAAAA"),  # noqa: S106
                name="server_hook_secret_is_sealed",
            ),
            models.CheckConstraint(
                condition=Q(authority="")
                | Q(authority__startswith="-----BEGIN CERTIFICATE-----")
                & ~Q(authority__contains="PRIVATE KEY"),
                name="server_authority_is_certificates",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("server", args=[self.name])

    def kin(self) -> list[Row]:
        return [self]

    @property
    def is_stale(self) -> bool:
        """What the registry knows of it is older than three reads, and nobody paused it."""
        return not self.paused_at and (not self.synced_at or timezone.now() - self.synced_at > STALE)

    @property
    def credentials_in_words(self) -> str:
        """What we log in with, never the secret itself."""
        if not self.sealed_secret:
            return "none"
        return f"user name {self.username} and a password" if self.username else "a bearer token"

    @property
    def authority_in_words(self) -> str:
        """Whose certificates are trusted for it beside nobody else's, and until when they are valid."""
        return certificates.in_words(self.authority) or "those of the system"


class Delivery(models.Model):
    """A webhook as it came, verified, once per delivery id. It says "go and re-read"; nobody reads facts from it."""

    server = models.ForeignKey(TrackingServer, on_delete=models.PROTECT, related_name="deliveries")
    delivery_id = models.CharField(max_length=100)
    event = models.CharField(max_length=80, blank=True)  # "model_version_alias.created"
    model_name = models.CharField(max_length=256, blank=True)
    body = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["server", "delivery_id"], name="delivery_once"),
        ]
        indexes = [models.Index(fields=["server", "-id"], name="delivery_newest")]

    def __str__(self) -> str:
        return f"{self.event} of {self.model_name} from {self.server}"
