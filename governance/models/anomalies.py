"""Anomalies of the gate: what was unusual about a token or a model, and what is usual of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from governance.models.tokens import Token
from registry.models import Model, visible_models

if TYPE_CHECKING:
    from registry.models import User

ONE_OF_BOTH = Q(token__isnull=True, model__isnull=False) | Q(token__isnull=False, model__isnull=True)


class AnomalyQuerySet(models.QuerySet["Anomaly"]):
    def visible_to(self, user: User) -> Self:
        """Those of models and tokens that one sees."""
        if not user.is_active:
            return self.none()
        of_model = Q(token__isnull=True) & visible_models(user, "model")
        of_token = Q(model__isnull=True, token__in=Token.objects.visible_to(user).values("pk"))
        return self.filter(of_model | of_token)

    def open(self) -> Self:
        return self.filter(dismissed_at=None)


class Anomaly(models.Model):
    """Something unusual that the gate has seen about a token or a model (`governance.anomalies` has the rules).

    While one is open, the same again adds to it. Somebody dismisses it once, with a reason. The database holds that it is
    about one thing, and that nothing else about it changes (migration 0084).
    """

    class Kind(models.TextChoices):
        NEW_NETWORK = "new_network", "New network"
        DENIALS = "denials", "Burst of denials"
        SCRAPING = "scraping", "Far more queries than usual"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    token = models.ForeignKey(
        Token, null=True, blank=True, on_delete=models.PROTECT, related_name="anomalies"
    )
    model = models.ForeignKey(
        "registry.Model", null=True, blank=True, on_delete=models.PROTECT, related_name="anomalies"
    )
    network = models.CharField(max_length=49, blank=True)
    count = models.PositiveBigIntegerField()  # of decisions, the most that was counted at once
    usual = models.FloatField(default=0)  # what would have been usual, where that is known
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    seen_at = models.DateTimeField(auto_now_add=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_because = models.CharField(max_length=500, blank=True)

    objects = AnomalyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "anomalies"
        constraints = [
            models.CheckConstraint(condition=ONE_OF_BOTH, name="anomaly_about_one_thing"),
            models.UniqueConstraint(
                fields=["kind", "token", "network"],
                condition=Q(dismissed_at__isnull=True, token__isnull=False),
                name="anomaly_of_token_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "model"],
                condition=Q(dismissed_at__isnull=True, model__isnull=False),
                name="anomaly_of_model_once",
            ),
            models.CheckConstraint(
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True, dismissed_because="")
                | (Q(dismissed_at__isnull=False, dismissed_by__isnull=False) & ~Q(dismissed_because="")),
                name="anomaly_dismissed_by_somebody_who_says_why",
            ),
        ]
        indexes = [models.Index(fields=["-seen_at", "-id"], name="anomaly_newest")]

    def __str__(self) -> str:
        return f"anomaly of {self.target}: {self.get_kind_display()}"

    @property
    def target(self) -> Token | Model:
        """What it is about."""
        found = self.token or self.model
        assert found  # noqa: S101 - a constraint says so
        return found

    @property
    def what(self) -> str:
        """As a sentence without its full stop."""
        which = "The token" if self.token else "The model"
        if self.kind == self.Kind.NEW_NETWORK:
            return f"{which} {self.target} was used from {self.network}, a network it never came from before"
        if self.kind == self.Kind.DENIALS:
            return f"{self.count} queries {'with' if self.token else 'to'} {which.lower()} {self.target} were denied within five minutes"
        return f"{which} {self.target} asked {self.count} times within an hour; about {round(self.usual)} are usual"

    def get_absolute_url(self) -> str:
        return f"{reverse('anomalies')}#anomaly-{self.pk}"

    def kin(self) -> list[models.Model]:
        return [self, *(self.token.kin() if self.token else [self.target])]


class Habit(models.Model):
    """What is usual of a token or a model, in the numbers of `governance.anomalies.Usual`: one row, however much it is asked."""

    token = models.OneToOneField(Token, null=True, on_delete=models.CASCADE, related_name="habit")
    model = models.OneToOneField("registry.Model", null=True, on_delete=models.CASCADE, related_name="habit")
    hour = models.DateTimeField(null=True)
    queries = models.PositiveBigIntegerField(default=0)
    usual = models.FloatField(default=0)
    hours = models.PositiveIntegerField(default=0)
    slot = models.DateTimeField(null=True)
    asked = models.PositiveBigIntegerField(default=0)
    denied = models.PositiveBigIntegerField(default=0)
    decisions = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=ONE_OF_BOTH, name="habit_of_one_thing")]

    def __str__(self) -> str:
        return f"habit of {self.token or self.model}"


class SeenNetwork(models.Model):
    """A network that a token came from: /24 of IPv4, /64 of IPv6."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="seen_networks")
    network = models.CharField(max_length=49)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "network"], name="seen_network_once")]

    def __str__(self) -> str:
        return f"{self.network} of {self.token}"


class LookedUntil(models.Model):
    """Up to when decisions were looked through for anomalies. One row, which whoever looks holds."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="looked_until_once")]

    def __str__(self) -> str:
        return f"looked until {self.at}"
