"""Stops: somebody has stopped all queries, those to one model, or those with one token, until somebody lifts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from governance.models.tokens import Token
from registry.models import visible_models

if TYPE_CHECKING:
    from registry.models import Model, User


class StopQuerySet(models.QuerySet["Stop"]):
    def visible_to(self, user: User) -> Self:
        """That everything is stopped concerns everybody; the others, whoever sees the model or the token."""
        if not user.is_active:
            return self.none()
        of_model = Q(reach="model") & visible_models(user, "model")
        of_token = Q(reach="token", token__in=Token.objects.visible_to(user).values("pk"))
        return self.filter(Q(reach="all") | of_model | of_token)

    def in_force(self) -> Self:
        return self.filter(lifted_at=None)


class Stop(models.Model):
    """The gate refuses every query that it reaches, from the next one on: whatever policy, clearance and broken glass say.

    It never ends by itself. Written once, by a person; it is lifted once, with a reason, and stays on record. The
    database sets the times and holds the course, and of each target one stop at a time (migration 0080).
    """

    class Reach(models.TextChoices):
        ALL = "all", "All queries"
        MODEL = "model", "One model"
        TOKEN = "token", "One token"

    reach = models.CharField(max_length=5, choices=Reach.choices)
    model = models.ForeignKey(
        "registry.Model", null=True, blank=True, on_delete=models.PROTECT, related_name="stops"
    )
    token = models.ForeignKey(Token, null=True, blank=True, on_delete=models.PROTECT, related_name="stops")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_because = models.CharField(max_length=500, blank=True)

    objects = StopQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reach="all", model__isnull=True, token__isnull=True)
                | Q(reach="model", model__isnull=False, token__isnull=True)
                | Q(reach="token", model__isnull=True, token__isnull=False),
                name="stop_reaches_what_it_names",
            ),
            models.UniqueConstraint(
                fields=["reach"], condition=Q(reach="all", lifted_at__isnull=True), name="stop_all_once"
            ),
            models.UniqueConstraint(
                fields=["model"], condition=Q(reach="model", lifted_at__isnull=True), name="stop_model_once"
            ),
            models.UniqueConstraint(
                fields=["token"], condition=Q(reach="token", lifted_at__isnull=True), name="stop_token_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="stop_says_why"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lifted_because="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_because="")),
                name="stop_lifted_by_somebody_who_says_why",
            ),
        ]
        indexes = [models.Index(fields=["-stopped_at", "-id"], name="stop_newest")]
        permissions = [
            ("stop_all", "Can stop all queries, and lift that"),
            ("stop_model", "Can stop the queries to a model"),
            ("lift_stop", "Can lift what somebody else has stopped"),
        ]

    def __str__(self) -> str:
        return f"stop of {self.what}"

    @property
    def what(self) -> str:
        """What is stopped, in words."""
        if self.model:
            return f"queries to the model {self.model}"
        return f"queries with the token {self.token}" if self.token else "all queries"

    @property
    def target(self) -> Model | Token | None:
        """What it reaches; None for everything."""
        return self.model or self.token

    def get_absolute_url(self) -> str:
        return f"{reverse('stops')}#stop-{self.pk}"

    def kin(self) -> list[models.Model]:
        return [self, *([self.model] if self.model else self.token.kin() if self.token else [])]
