"""When reviews are reminded of, and that they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from governance.notices import DEFAULT_CADENCE, MOST_REMINDERS, Cadence

if TYPE_CHECKING:
    from registry.models import User

ESCALATED_TO = ("compliance", "admin")
LONGEST_PATIENCE = 90  # days


class ReminderDecisionQuerySet(models.QuerySet["ReminderDecision"]):
    def visible_to(self, user: User) -> Self:
        """Rules are for everybody who works here."""
        return self if user.is_active else self.none()


class ReminderDecision(models.Model):
    """Compliance decided when reviews are reminded of and who is told when nobody judges. The latest holds."""

    remind_after_days = models.PositiveSmallIntegerField()
    escalate_after_days = models.PositiveSmallIntegerField()
    escalate_to = ArrayField(models.CharField(max_length=12), default=list)
    working_days = models.BooleanField()
    rationale = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    objects = ReminderDecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remind_after_days__gte=1)
                & Q(escalate_after_days__gte=F("remind_after_days"))
                & Q(escalate_after_days__lte=LONGEST_PATIENCE),
                name="reminder_days",
            ),
            models.CheckConstraint(
                condition=Q(escalate_to__contained_by=list(ESCALATED_TO)), name="reminder_escalates_to_known"
            ),
            models.CheckConstraint(condition=~Q(rationale=""), name="reminder_says_why"),
        ]

    def __str__(self) -> str:
        return f"reminders every {self.remind_after_days} days"

    @property
    def cadence(self) -> Cadence:
        """As the reckoning takes it."""
        return Cadence(
            self.remind_after_days, self.escalate_after_days, tuple(self.escalate_to), self.working_days
        )


class ReviewReminder(models.Model):
    """That a review was reminded of for the n-th time, or that others were told (number 0). Each once."""

    review = models.ForeignKey("governance.Review", on_delete=models.PROTECT, related_name="reminders")
    number = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="reminder_once"),
            models.CheckConstraint(condition=Q(number__lte=MOST_REMINDERS), name="reminders_are_bounded"),
        ]

    def __str__(self) -> str:
        return f"reminder {self.number} of {self.review}"


def cadence_in_force() -> Cadence:
    """What was decided last, else the default. One query."""
    latest = ReminderDecision.objects.order_by("-pk").first()
    return latest.cadence if latest else DEFAULT_CADENCE
