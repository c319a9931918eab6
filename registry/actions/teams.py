"""Teams: make one, say what it is, put somebody in, take somebody out, archive it."""

from __future__ import annotations

import re

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry.errors import Conflict, Invalid, Missing
from registry.events import TeamArchived, TeamEdited, TeamJoined, TeamLeft, TeamMade, publish
from registry.models import Team, TeamMember, User
from registry.permissions import require
from registry.wording import required, within

MANAGES = "registry.manage_team"
HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{1,79}\Z", re.ASCII)
LONGEST_NAME, LONGEST_DESCRIPTION = 120, 2_000


@transaction.atomic
def make(*, handle: str, name: str, description: str = "", by: User) -> Team:
    """Make a team without members. `handle` is what policies and shares call it; it is taken for good."""
    require(by, MANAGES)
    problems: dict[str, list[str]] = {}
    if not HANDLE.match(handle):
        problems["handle"] = ["Use 2 to 80 small letters, digits and hyphens."]
    elif Group.objects.filter(name=handle).exists():
        problems["handle"] = ["A role or a team has this handle, or had it; choose another."]
    facts = _checked(name, description, problems)
    try:
        with transaction.atomic():
            group = Group.objects.create(name=handle)
            team = Team.objects.create(group=group, slug=handle, created_by=by, **facts)
    except IntegrityError as error:
        raise Invalid(fields={"name": ["There is a team of this name or handle already."]}) from error
    publish(TeamMade(team=team, handle=handle, by=by))
    return team


@transaction.atomic
def edit(*, team: Team, name: str, description: str, by: User) -> Team:
    """Call a team something else, or describe it in other words. Shares and policies name its handle, and go on to."""
    require(by, MANAGES)
    facts = _checked(name, description, {})
    locked = _locked(team, by)
    before = {field: getattr(locked, field) for field in facts}
    for field, value in facts.items():
        setattr(locked, field, value)
    try:
        with transaction.atomic():
            locked.save(update_fields=list(facts))
    except IntegrityError as error:
        raise Invalid(fields={"name": ["There is a team of this name already."]}) from error
    for field, value in facts.items():
        if before[field] != value:
            publish(TeamEdited(team=locked, field=field, before=before[field], after=value, by=by))
    return locked


@transaction.atomic
def add(*, team: Team, user: User, lead: bool = False, by: User) -> TeamMember:
    """Put somebody else into a team. A lead puts in members; only who manages teams makes somebody a lead.

    Whoever is put in sees within a second what is shared with the team: nobody puts themselves in.
    """
    locked = _locked(team, by)
    if lead or not _leads(by, locked):
        require(by, MANAGES)
    if problem := _problem(user, by, lead=lead):
        raise Invalid(fields={"account": [problem]})
    held = locked.members.standing().filter(user=user).first()
    if held and held.is_lead == lead:
        raise Conflict(f"{user} {'leads' if lead else 'belongs to'} {locked} already.")
    if held:
        if held.is_lead:
            require(by, MANAGES)
        _end(held, by)
    made = TeamMember.objects.create(team=locked, user=user, is_lead=lead, since=timezone.now(), by=by)
    made.refresh_from_db()  # the database says since when
    publish(TeamJoined(team=locked, account=user, lead=lead, by=by))
    return made


@transaction.atomic
def remove(*, team: Team, user: User, by: User) -> TeamMember:
    """Take somebody out of a team, within a second; everybody may leave. A lead does not take out another lead."""
    locked = _locked(team, by)
    held = locked.members.standing().filter(user=user).first()
    if held is None:
        raise Missing(f"{user} does not belong to {locked}.")
    leaves = user.pk == by.pk and by.limit is None
    if not leaves and (held.is_lead or not _leads(by, locked)):
        require(by, MANAGES)
    _end(held, by)
    publish(TeamLeft(team=locked, account=user, by=by))
    return held


@transaction.atomic
def archive(*, team: Team, reason: str, by: User) -> Team:
    """End a team for good: within a second nobody sees or may do anything by it. Its handle stays taken."""
    require(by, MANAGES)
    said = required(reason, field="reason", missing="Say why the team ends.", longest=500)
    locked = _locked(team, by)
    locked.archived_at, locked.archived_by = timezone.now(), by
    locked.save(update_fields=["archived_at", "archived_by"])
    count = locked.members.standing().count()
    publish(TeamArchived(team=locked, reason=said, count=count, by=by))
    return locked


def _locked(team: Team, by: User) -> Team:
    """The team, locked, if it exists for `by` and still stands."""
    rows = Team.objects.visible_to(by).select_for_update(of=("self",)).select_related("group")
    locked = rows.filter(pk=team.pk).first()
    if locked is None:
        raise Missing("There is no such team, or you do not belong to it.")
    if locked.archived_at:
        raise Conflict(f"{locked} is archived and stays as it is.")
    return locked


def _leads(by: User, team: Team) -> bool:
    """By session only: what a token may do is in its scope, and this is in none."""
    return by.limit is None and team.is_led_by(by)


def _end(member: TeamMember, by: User) -> None:
    member.ended_at, member.ended_by = timezone.now(), by
    member.save(update_fields=["ended_at", "ended_by"])


def _problem(user: User, by: User, *, lead: bool) -> str:
    if user.pk == by.pk:
        return "Nobody puts themselves into a team; ask a lead of it, or another administrator."
    if not user.is_active:
        return "This account is switched off."
    if user == User.machine():
        return "The portal's own account belongs to no team."
    if lead and user.kind != User.Kind.PERSON:
        return "A person leads a team, not a program."
    return ""


def _checked(name: str, description: str, problems: dict[str, list[str]]) -> dict[str, str]:
    """What was given, without margins; `Invalid` with these problems and every field that cannot be taken."""
    given = {"name": name.strip(), "description": description.strip()}
    if not given["name"]:
        problems["name"] = ["Give the team a name."]
    for field, longest in (("name", LONGEST_NAME), ("description", LONGEST_DESCRIPTION)):
        try:
            within(given[field], field=field, longest=longest)
        except Invalid as error:
            problems |= error.fields
    if problems:
        raise Invalid(fields=problems)
    return given
