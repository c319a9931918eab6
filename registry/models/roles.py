"""Who holds which role, since when and until when. What a role may do is written in governance/roles.py."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

if TYPE_CHECKING:
    from registry.models.users import User

LONGEST_AUDIT = timedelta(days=180)


class Role(models.TextChoices):
    """The roles that are given to people and service accounts; the portal's own is never given."""

    VIEWER = "viewer", "Viewer"
    OWNER = "owner", "Owner"
    REVIEWER = "reviewer", "Reviewer"
    COMPLIANCE = "compliance", "Compliance"
    AUDITOR = "auditor", "Auditor"
    ADMIN = "admin", "Administrator"


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    def visible_to(self, user: User) -> Self:
        """One's own, and all for those who may see who holds which."""
        if not user.is_active:
            return self.none()
        return self if user.has_perm("registry.view_rolegrant") else self.filter(user_id=user.pk)

    def standing(self) -> Self:
        """Nobody has ended them, and their time is not over; they may begin later."""
        return self.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None)

    def in_force(self) -> Self:
        """What counts at this moment of the database's clock."""
        return self.standing().filter(since__lte=Now())


class RoleGrant(models.Model):
    """Somebody gave somebody else a role, from a time and, for an auditor always, until a time.

    Never changed but to be ended, once. An auditor has no other role (migration 0090).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=12, choices=Role.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="grant_role_known"),
            models.CheckConstraint(condition=~Q(user=F("by")), name="grant_by_somebody_else"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="grant_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.AUDITOR)
                | Q(until__isnull=False, until__lte=F("since") + LONGEST_AUDIT),
                name="grant_of_an_audit_ends",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="grant_ended_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(ended_at=None), name="grant_once_at_a_time"
            ),
        ]
        permissions = [("grant_role", "Can give and take roles")]

    def __str__(self) -> str:
        return f"{self.role} for {self.user}"

    def kin(self) -> list[models.Model]:
        """The account, whose history this belongs to."""
        return [self.user]


def administrators() -> set[int]:
    """The keys of the active administrators whose time has no end: those who may not all go.

    Whoever asks waits for whoever else is about to take one away, until their transaction is over (migration 0092).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cardinal_administrators()")
        return {key for (key,) in cursor.fetchall()}


def memberships(users: models.QuerySet[User]) -> list[tuple[int, str]]:
    """(account, name of a group) for each group that counts for one of `users` now. One query."""
    keys = list(users.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.user_id, g.name FROM registry_membership m JOIN auth_group g ON g.id = m.group_id"
            " WHERE m.user_id = ANY(%s)",
            [keys],
        )
        return [(user_id, name) for user_id, name in cursor.fetchall()]


def groups_of(user_id: int | None) -> models.QuerySet[Group]:
    """The groups that count for somebody now: a team always, a role while it is granted. None: nobody, no group."""
    counting = RawSQL("SELECT group_id FROM registry_membership WHERE user_id = %s", (user_id or 0,))
    return Group.objects.filter(pk__in=counting)
