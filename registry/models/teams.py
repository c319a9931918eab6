"""Teams: people and programs that share what they see. A team gives sight, never rights: those come by roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse

if TYPE_CHECKING:
    from registry.models.users import User


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> Self:
        """Those that one belongs to, and all for those who may see who belongs where."""
        if not user.is_active:
            return self.none()
        if user.has_perm("registry.view_team"):
            return self
        mine = TeamMember.objects.standing().filter(team=OuterRef("pk"), user=user.pk)
        return self.filter(Exists(mine))

    def standing(self) -> Self:
        """Nobody has archived them."""
        return self.filter(archived_at=None)


class Team(models.Model):
    """Models are shared with a team, and policies name it, by its handle: the name of its group.

    The handle stands in policies that never change, so it never changes and never passes to another team; the name that
    people read may. A team is archived for good, and never deleted. The database holds all of this (migration 0091), and
    that a role is no team.
    """

    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="team")
    slug = models.SlugField(max_length=80, unique=True)  # its address
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    archived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="team_name_once"),
            models.CheckConstraint(
                condition=Q(archived_at__isnull=True, archived_by__isnull=True)
                | Q(archived_at__isnull=False, archived_by__isnull=False),
                name="team_archived_by_somebody",
            ),
        ]
        permissions = [("manage_team", "Can make, change and archive teams")]

    def __str__(self) -> str:
        return self.name

    @property
    def handle(self) -> str:
        """How policies and shares name it, after "group:"."""
        return self.group.name

    def get_absolute_url(self) -> str:
        return reverse("team", args=[self.slug])

    @classmethod
    def named_in(cls, text: str, user: User) -> Team | None:
        """The team whose name or handle `text` begins with, up to a comma, if it exists for `user`. No text, no query."""
        name = text.partition(",")[0].strip()
        rows = cls.objects.visible_to(user).filter(Q(name__iexact=name) | Q(group__name__iexact=name))
        return rows.first() if name else None

    def is_led_by(self, user: User) -> bool:
        """Whether `user` leads it now."""
        return user.is_active and self.members.standing().filter(user=user.pk, is_lead=True).exists()

    def kin(self) -> list[models.Model]:
        """The objects whose history this belongs to."""
        return [self]


class TeamMemberQuerySet(models.QuerySet["TeamMember"]):
    def standing(self) -> Self:
        """Those that nobody has ended."""
        return self.filter(ended_at=None)


class TeamMember(models.Model):
    """Somebody put somebody else into a team. Never changed but to be ended, once, as it is with roles."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="teams")
    is_lead = models.BooleanField(default=False)  # adds and removes members
    since = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = TeamMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "team"], condition=Q(ended_at=None), name="team_member_once_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(user=F("by")), name="team_member_by_somebody_else"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="team_member_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

    def kin(self) -> list[models.Model]:
        """The team and the account, whose history this belongs to."""
        return [self.team, self.user]
