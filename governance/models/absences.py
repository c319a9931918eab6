"""Absences: for a time somebody else is asked for reviews in one's place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

if TYPE_CHECKING:
    from registry.models import User

LONGEST_ABSENCE = timedelta(days=366)


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def visible_to(self, user: User) -> Self:
        """One's own, those in which one stands in, and all for those who may see who holds which role."""
        if not user.is_active:
            return self.none()
        if user.has_perm("registry.view_rolegrant"):
            return self
        return self.filter(Q(person=user.pk) | Q(stand_in=user.pk))

    def standing(self) -> Self:
        """Neither over nor called off; they may begin later."""
        return self.filter(ended_at=None, until__gt=Now())

    def in_force(self) -> Self:
        """What counts at this moment of the database's clock."""
        return self.standing().filter(since__lte=Now())


class Absence(models.Model):
    """From `since` until `until`, `stand_in` is asked for reviews in place of `person`. It ends by itself.

    It gives no right: the stand-in judges in a role of their own, and four eyes hold for them. One stand-in at a time,
    nobody for themselves, and nobody who is away then or is stood in for: no chains, no loops (migration 0056).
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="absences")
    stand_in = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stands_in")
    since = models.DateTimeField()
    until = models.DateTimeField()
    announced_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="absence_one_at_a_time",
                # A range of one key: equality by means that PostgreSQL brings without an extension.
                expressions=[
                    (Func(F("person"), F("person"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (
                        Func(
                            F("since"), F("until"), RangeBoundary(), function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(condition=~Q(person=F("stand_in")), name="absence_by_somebody_else"),
            models.CheckConstraint(
                condition=Q(until__gt=F("since")) & Q(until__lte=F("since") + LONGEST_ABSENCE),
                name="absence_ends_within_a_year",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["stand_in"], condition=Q(ended_at__isnull=True), name="absence_stand_in")
        ]

    def __str__(self) -> str:
        return f"absence of {self.person}"

    def kin(self) -> list[models.Model]:
        return [self.person, self.stand_in]
