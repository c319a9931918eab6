"""Absences: name somebody who is asked for reviews in one's place, or call that off."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from governance.events import AbsenceAnnounced, AbsenceEnded
from governance.models import Absence, judging_roles
from governance.models.absences import LONGEST_ABSENCE
from registry.errors import Conflict, Invalid, Missing
from registry.events import publish
from registry.models import User
from registry.permissions import require

JUDGE = "governance.judge_review"


@transaction.atomic
def announce(*, stand_in: User, since: datetime, until: datetime, by: User) -> Absence:
    """From `since` until `until`, `stand_in` is asked for reviews in place of `by`.

    The stand-in holds a role of `by` that judges, in their own right: this gives none. Nobody stands in for somebody
    while they are away themselves. A beginning in the past means now.
    """
    require(by, JUDGE)
    now = timezone.now()
    since = max(since, now)
    _refuse_wrong(stand_in, since, until, by)
    try:
        with transaction.atomic():
            absence = Absence.objects.create(person=by, stand_in=stand_in, since=since, until=until)
    except DatabaseError as error:
        raise _told(error, stand_in) from error
    publish(
        AbsenceAnnounced(
            absence=absence,
            person=by,
            stand_in=stand_in,
            since=since.astimezone(UTC).isoformat(),
            until=until.astimezone(UTC).isoformat(),
            by=by,
        )
    )
    return absence


@transaction.atomic
def end(*, absence: Absence, by: User) -> Absence:
    """Call an absence of one's own off, or end it before its time. What was judged meanwhile stays judged."""
    if absence.person_id != by.pk:
        raise Missing("You have announced no such absence.")
    changed = Absence.objects.standing().filter(pk=absence.pk).update(ended_at=timezone.now())
    if not changed:
        raise Conflict("This absence is over already.")
    absence.refresh_from_db()
    publish(AbsenceEnded(absence=absence, person=by, stand_in=absence.stand_in, by=by))
    return absence


def _refuse_wrong(stand_in: User, since: datetime, until: datetime, by: User) -> None:
    problems: dict[str, list[str]] = {}
    if stand_in.pk == by.pk:
        problems["stand_in"] = ["Name somebody else."]
    elif not stand_in.is_active or stand_in.kind != User.Kind.PERSON:
        problems["stand_in"] = ["Name a person whose account is active."]
    elif not set(judging_roles(by)) & set(judging_roles(stand_in)):
        mine = " or ".join(judging_roles(by))
        problems["stand_in"] = [f"{stand_in} does not hold your role ({mine}). An absence gives no rights."]
    if until <= since:
        problems["until"] = ["An absence ends after it begins, and in the future."]
    elif until - since > LONGEST_ABSENCE:
        problems["until"] = [f"An absence lasts at most {LONGEST_ABSENCE.days} days."]
    if problems:
        raise Invalid(fields=problems)


def _told(error: DatabaseError, stand_in: User) -> Exception:
    """What the database refused, for people; anything else as it came."""
    if isinstance(error, IntegrityError) and "absence_one_at_a_time" in str(error):
        return Conflict("You have announced an absence for a part of this time already. Call that off first.")
    if "no chains" in str(error):
        return Conflict(
            f"No chains: {stand_in} is away for a part of this time, or you stand in for somebody then. Name somebody"
            " else, or choose another time."
        )
    return error
