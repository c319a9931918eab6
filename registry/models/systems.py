"""AI systems: what a model is used for, and in which role the organisation uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models as orm
from django.db.models.functions import Lower

from registry.addresses import by_slug
from registry.models.visibility import narrowed_to, sees_everything, visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class SystemQuerySet(orm.QuerySet["System"]):
    def visible_to(self, user: User) -> Self:
        """Systems with at least one model that `user` may see, and those that they registered."""
        return self if sees_everything(user) else self.seen_with(user, visible_models(user, "model"))

    def seen_with(self, user: User, models: orm.Q) -> Self:
        """Systems with one of `models`, a condition on the model of a use, and those that `user` registered."""
        own = orm.Q(created_by=user.pk) if user.is_active and narrowed_to(user) is None else orm.Q(pk__in=[])
        used = System.models.through.objects.filter(models)
        return self.filter(orm.Q(pk__in=used.values("system_id")) | own)


class System(orm.Model):
    """An AI system in the sense of the AI Act (Art. 3(1)): an intended purpose and the models in it.

    It is retired when it goes out of service, and never deleted: its records are owed for ten years (Art. 18). The
    database counts its editions, dates a change of purpose or role, and lets nothing about a retired one change.
    """

    class OperatorRole(orm.TextChoices):
        """Art. 3(3)-(8) of Regulation (EU) 2024/1689."""

        PROVIDER = "provider", "Provider"
        DEPLOYER = "deployer", "Deployer"
        IMPORTER = "importer", "Importer"
        DISTRIBUTOR = "distributor", "Distributor"

    slug = orm.SlugField(max_length=80, unique=True)
    name = orm.CharField(max_length=120)
    intended_purpose = orm.TextField()
    operator_role = orm.CharField(max_length=20, choices=OperatorRole.choices)
    team = orm.CharField(max_length=200, blank=True)  # who answers for it, and how to reach them
    edition = orm.PositiveIntegerField(
        default=1
    )  # one more with every change: nobody changes what they have not read
    redefined_at = orm.DateTimeField(
        null=True, blank=True
    )  # purpose or role changed; written by the database
    retired_at = orm.DateTimeField(null=True, blank=True)
    retired_because = orm.CharField(max_length=500, blank=True)
    models = orm.ManyToManyField("registry.Model", related_name="systems", blank=True)
    created_by = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="+")
    created_at = orm.DateTimeField(auto_now_add=True)

    objects = SystemQuerySet.as_manager()

    class Meta:
        constraints = [
            orm.CheckConstraint(
                condition=orm.Q(operator_role__in=["provider", "deployer", "importer", "distributor"]),
                name="system_operator_role_known",
            ),
            orm.CheckConstraint(condition=~orm.Q(intended_purpose=""), name="system_has_a_purpose"),
            orm.CheckConstraint(
                condition=orm.Q(retired_at__isnull=True, retired_because="")
                | orm.Q(retired_at__isnull=False) & ~orm.Q(retired_because=""),
                name="system_retired_for_a_reason",
            ),
            orm.UniqueConstraint(Lower("name"), name="system_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return by_slug("system", self.slug)

    def is_seen_whole_by(self, user: User) -> bool:
        """Whether `user` may see every model in it."""
        return sees_everything(user) or not self.models.exclude(visible_models(user)).exists()

    def kin(self) -> list[orm.Model]:
        """The objects whose history this belongs to."""
        return [self]
