"""Models and their versions, as in MLflow's registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Model as Row
from django.urls import reverse

from registry.addresses import by_slug
from registry.models.servers import TrackingServer
from registry.models.visibility import visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class Environment(models.TextChoices):
    """Where a version serves. The letter stands in every token of that environment."""

    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"

    @property
    def letter(self) -> str:
        """One lower-case letter: p or s."""
        return str(self.value)[0]


class ModelQuerySet(models.QuerySet["Model"]):
    def present(self) -> Self:
        """Those that their tracking server still has, as far as we know."""
        return self.filter(gone_at=None)

    def visible_to(self, user: User) -> Self:
        """Models shared with `user`, or all for those whose role sees everything."""
        return self.filter(visible_models(user))


class Model(models.Model):  # type: ignore[django-manager-missing]  # guardian's managers carry no types
    """A named model. MLflow has no id for it: the name on a server and its creation time are the key."""

    server = models.ForeignKey(TrackingServer, on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=256)
    slug = models.SlugField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()  # as the tracking server tells it
    first_seen_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)  # since when the tracking server no longer has it

    objects = ModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name", "created_at"], name="model_once_per_server"),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="model_by_name"),
            models.Index(fields=["-created_at"], name="model_newest"),
        ]
        permissions = [
            ("share_model", "Can decide who sees a model"),
            ("move_alias", "Can move an alias in the tracking server"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return by_slug("model", self.slug)

    def kin(self) -> list[Row]:
        return [self]


class VersionQuerySet(models.QuerySet["Version"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "model"))

    def named(self, model: str, number: int) -> Self:
        """The one version `number` of the model with this slug."""
        return self.filter(model__slug=model, number=number)

    def present(self) -> Self:
        """Those that their tracking server still has, as far as we know."""
        return self.filter(gone_at=None, model__gone_at=None)

    def moved(self) -> Self:
        """Hashed once, but their files are said to lie elsewhere since: to be hashed there."""
        return (
            self.present()
            .filter(moved_at__isnull=False, files_gone_at=None, manifests__isnull=False)
            .distinct()
        )

    def unread(self) -> Self:
        """Known, but what they consist of was never read whole: not hashed, so not cleared."""
        return self.present().filter(status="READY", manifests=None)


class Version(models.Model):
    """A numbered version of a model. Numbers are never used twice."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.CharField(max_length=500, blank=True)
    logged_model_id = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=40, blank=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict, blank=True)
    run = models.ForeignKey(
        "registry.Run", null=True, blank=True, on_delete=models.PROTECT, related_name="versions"
    )
    told_run_id = models.CharField(max_length=64, blank=True)  # of the run, before the run itself was read
    model_file = models.JSONField(default=dict, blank=True)  # flavours, signature and packages, from MLmodel
    proposals = models.JSONField(
        default=list, blank=True
    )  # {"path", "value", "source"}: what the server could say for a card
    registered_at = models.DateTimeField()
    stage = models.CharField(max_length=40, blank=True)  # MLflow's old way of promoting; read, never written
    gone_at = models.DateTimeField(null=True, blank=True)  # since when the tracking server no longer has it
    files_gone_at = models.DateTimeField(
        null=True, blank=True
    )  # since when the server denies to have its files
    moved_at = models.DateTimeField(
        null=True, blank=True
    )  # since when `source` is another one whose files were not hashed yet
    read_problem = models.TextField(blank=True)  # why it could not be read whole; empty when it could
    tried_at = models.DateTimeField(null=True, blank=True)  # when a worker last set out to read it whole
    tries = models.PositiveSmallIntegerField(default=0)

    objects = VersionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="version_number_once")]
        indexes = [models.Index(fields=["-registered_at", "id"], name="version_newest")]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("version", args=[self.model.slug, self.number])

    def kin(self) -> list[Row]:
        return [self, self.model]


class Alias(models.Model):
    """A movable name of one version, for example `champion`."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=256)
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="alias_once_per_model")]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.name}"
