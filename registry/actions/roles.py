"""Roles: give one, take one, tidy up those whose time is over."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from registry.errors import Conflict, Invalid
from registry.events import RoleGiven, RoleLapsed, RoleTaken, publish
from registry.models import Role, RoleGrant, User
from registry.models.roles import LONGEST_AUDIT, administrators
from registry.permissions import require


@transaction.atomic
def give(
    *,
    user: User,
    role: str,
    reason: str,
    by: User,
    since: datetime | None = None,
    until: datetime | None = None,
) -> RoleGrant:
    """Give somebody else a role, from now or `since`, and until `until`; an auditor's ends within 180 days."""
    require(by, "registry.grant_role")
    administrators()  # this lock before that of a row, as whoever takes a role has it
    user = User.objects.select_for_update().get(pk=user.pk)  # two roles at the same time are given one by one
    now = timezone.now()
    starts = max(since or now, now)
    if problems := _problems(user, role, reason, by, starts, until):
        raise Invalid(fields=problems)
    # Of those whose time is over a row may still stand, until the sweep comes.
    for old in RoleGrant.objects.filter(user=user, ended_at=None, until__lte=now):
        _lapse(old)
    held = set(RoleGrant.objects.standing().filter(user=user).values_list("role", flat=True))
    if role in held:
        raise Conflict(f"{user} has the role {role} already; take it first to give it for another time.")
    if held and Role.AUDITOR in {role, *held}:
        raise Conflict("An auditor has no other role: whoever audits takes no part in what is audited.")
    grant = RoleGrant.objects.create(
        user=user, role=role, since=starts, until=until, reason=reason.strip(), by=by
    )
    grant.refresh_from_db()  # the database says since when
    user.groups.add(Group.objects.get(name=role))
    told = until.isoformat() if until else ""
    publish(
        RoleGiven(
            account=user, role=role, since=grant.since.isoformat(), until=told, reason=grant.reason, by=by
        )
    )
    return grant


@transaction.atomic
def take(*, grant: RoleGrant, by: User) -> RoleGrant:
    """End a role now. The last administrator keeps theirs."""
    require(by, "registry.grant_role")
    last = grant.role == Role.ADMIN and administrators() == {grant.user_id}
    if last and not grant.user.is_superuser:
        raise Conflict(
            "This is the last administrator. Make somebody else an administrator first, without an end."
        )
    changed = RoleGrant.objects.filter(pk=grant.pk, ended_at=None).update(
        ended_at=timezone.now(), ended_by=by
    )
    if not changed:
        raise Conflict("This role was taken already.")
    grant.refresh_from_db()
    grant.user.groups.remove(Group.objects.get(name=grant.role))
    publish(RoleTaken(account=grant.user, role=grant.role, by=by))
    return grant


@transaction.atomic
def tidy(*, by: User) -> int:
    """Bring memberships and the trail after roles whose time is over. They stopped to count when it was."""
    require(by, "registry.grant_role")
    administrators()  # as above
    over = RoleGrant.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user")
    lapsed = list(over.filter(ended_at=None, until__lte=timezone.now()).order_by("pk"))
    for grant in lapsed:
        _lapse(grant)
    return len(lapsed)


def _lapse(grant: RoleGrant) -> None:
    machine = User.machine()
    grant.ended_at, grant.ended_by = grant.until, machine
    grant.save(update_fields=["ended_at", "ended_by"])
    grant.user.groups.remove(Group.objects.get(name=grant.role))
    publish(RoleLapsed(account=grant.user, role=grant.role, by=machine))


def _problems(
    user: User, role: str, reason: str, by: User, starts: datetime, until: datetime | None
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if role not in Role.values:
        found["role"] = [f"Choose one of {', '.join(Role.values)}."]
    if user.pk == by.pk:
        found["user"] = ["Nobody gives themselves a role; ask another administrator."]
    elif user == User.machine():
        found["user"] = ["The portal's own account takes no role."]
    if not reason.strip() or len(reason) > 300:
        found["reason"] = ["Say why, in at most 300 characters."]
    if until and until <= starts:
        found["until"] = ["The end lies after the beginning, and in the future."]
    elif role == Role.AUDITOR and (until is None or until > starts + LONGEST_AUDIT):
        found["until"] = [f"An auditor's role ends, within {LONGEST_AUDIT.days} days."]
    return found
