"""Clearances: the stored answer to "may this version serve in this environment, now?"."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models import Environment, visible_models

if TYPE_CHECKING:
    from registry.models import User


class ClearanceQuerySet(models.QuerySet["Clearance"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "version__model"))


class Clearance(models.Model):
    """The last assessment of a version for an environment, recomputed in the transaction of every fact it rests on.

    `conditions` is a list of {"code", "label", "met", "reason", "why", "remedy", "since", "until", "then"}; `allowed` is
    true when all are met. From `valid_until` on it is no longer true, whatever stands here: the gate looks at the
    database's clock, and the sweep brings the row after.
    """

    version = models.ForeignKey("registry.Version", on_delete=models.CASCADE, related_name="clearances")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    allowed = models.BooleanField(default=False)
    conditions = models.JSONField(default=list)
    # The codes of the conditions that do not hold, narrow enough for an index to filter lists by
    unmet_codes = models.GeneratedField(
        expression=models.Func(
            models.F("conditions"),
            models.Value("$[*] ? (@.met == false).code"),
            function="jsonb_path_query_array",
        ),
        output_field=models.JSONField(),
        db_persist=True,
    )
    assessed_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)  # null: time alone does not end it

    objects = ClearanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "environment"], name="clearance_once_per_environment"),
        ]
        indexes = [
            models.Index(
                fields=["environment", "version"], condition=Q(allowed=True), name="clearance_allowed"
            ),
            models.Index(
                fields=["valid_until"], condition=Q(valid_until__isnull=False), name="clearance_ends_by_time"
            ),
            models.Index(
                fields=["environment", "version"],
                include=["unmet_codes"],
                condition=Q(allowed=False),
                name="clearance_unmet",
            ),
            models.Index(
                fields=["environment", "-assessed_at"],
                condition=Q(allowed=False),
                name="clearance_unmet_newest",
            ),
        ]

    def __str__(self) -> str:
        return f"{'cleared' if self.allowed else 'not cleared'}: {self.version} in {self.environment}"

    @property
    def holds(self) -> bool:
        """Whether it is allowed now: also when time has ended it and no sweep has been here yet."""
        return self.allowed and (self.valid_until is None or self.valid_until > timezone.now())

    @property
    def conditions_now(self) -> list[dict[str, Any]]:
        """The conditions, also those that time has ended and no sweep has brought after yet."""
        return [
            _ended(one) if one["met"] and _is_past(one.get("until", "")) else one for one in self.conditions
        ]

    @property
    def unmet(self) -> list[dict[str, str]]:
        """The conditions that do not hold."""
        return [condition for condition in self.conditions if not condition["met"]]


def _is_past(until: str) -> bool:
    return bool(until) and datetime.fromisoformat(until) <= timezone.now()


def _ended(condition: dict[str, Any]) -> dict[str, Any]:
    """What the next sweep will write, but for the sentence."""
    return condition | {
        "met": False,
        "reason": condition["then"],
        "why": f"It ended on {datetime.fromisoformat(condition['until']):%-d %B %Y, %H:%M} UTC.",
        "remedy": "See the review of the card.",
        "since": condition["until"],
        "until": "",
        "then": "",
    }


class Suspension(models.Model):
    """Somebody stopped a version by hand. It lasts until somebody lifts it."""

    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="suspensions")
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(lifted_at__isnull=True), name="suspension_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="suspension_lifted_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="suspension_says_why"),
        ]
        permissions = [("suspend_version", "Can suspend a version and lift a suspension")]

    def __str__(self) -> str:
        return f"suspension of {self.version}"
