"""Notices: write them, read them, choose which one wants.

They are no events. What they tell of stands in the trail already, and when somebody reads what they were told is
nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.audience import Done
from governance.audience.base import Told
from governance.models import Letter, MailRhythm, Notice, Switch, Token
from governance.notices import KIND, KINDS, next_digest
from governance.permissions import who_sees_token
from registry.errors import Invalid, Missing
from registry.models import Document, User, Version
from registry.permissions import who_can_see

ASKING = [one.key for one in KINDS if one.asks]
LONGEST_TEXT = 400


@transaction.atomic
def tell(*, told: Sequence[Told], by: User) -> int:
    """Write a notice for each person and cause that has none, and a letter where they want one; returns how many.

    Never to whoever did it, to an account that is no person's or is switched off, nor to whoever does not see what it is
    about. What was told once is not told again.
    """
    rows = list(_rows(told, by))
    if not rows:
        return 0
    Notice.objects.bulk_create([row for row, _ in rows], ignore_conflicts=True, batch_size=1_000)
    letters = _letters([row for row, by_mail in rows if by_mail])
    Letter.objects.bulk_create(letters)
    if any(not one.daily for one in letters):
        transaction.on_commit(lambda: current_app.send_task("governance.send_letters"), robust=True)
    return len(rows)


@transaction.atomic
def settle(*, done: Sequence[Done], by: User) -> None:
    """What asked for an act that nobody has to do any more counts as read."""
    now = timezone.now()
    unread = Notice.objects.unread().filter(kind__in=ASKING)
    unread.filter(about__in=[about for about, whose in done if whose is None]).update(read_at=now)
    for about, whose in done:
        if whose is not None:
            unread.filter(about=about, person=whose).update(read_at=now)


@transaction.atomic
def read(*, notice: Notice, by: User) -> Notice:
    """Mark a notice of one's own as read."""
    return _marked(notice, timezone.now(), by)


@transaction.atomic
def unread(*, notice: Notice, by: User) -> Notice:
    """Take that back."""
    return _marked(notice, None, by)


@transaction.atomic
def read_all(*, kind: str = "", by: User) -> tuple[int, datetime]:
    """Mark all of one's notices as read, or those of one kind; returns how many, and the moment that they now bear."""
    now = timezone.now()
    rows = Notice.objects.filter(person=by).shown().unread()
    if kind:
        rows = rows.filter(kind=_known(kind))
    return rows.update(read_at=now), now


@transaction.atomic
def put_back(*, at: datetime, by: User) -> int:
    """Take back what was marked as read at that very moment; returns how many."""
    return Notice.objects.filter(person=by, read_at=at).update(read_at=None)


@transaction.atomic
def switch(*, kind: str, in_app: bool, by_mail: bool, by: User) -> None:
    """Choose for oneself whether notices of a kind come into the inbox, and whether they are mailed."""
    default = KIND[_known(kind)]
    if (in_app, by_mail) == (True, default.is_mailed):
        Switch.objects.filter(person=by, kind=kind).delete()
        return
    Switch.objects.update_or_create(person=by, kind=kind, defaults={"in_app": in_app, "by_mail": by_mail})


@transaction.atomic
def set_rhythm(*, daily: bool, by: User) -> None:
    """Choose for oneself whether mail comes at once or once a day."""
    MailRhythm.objects.update_or_create(person=by, defaults={"daily": daily})


def _rows(told: Sequence[Told], by: User) -> Iterator[tuple[Notice, bool]]:
    """Each notice that somebody wants, and whether by mail."""
    now = timezone.now()
    people = {person.pk for one in told for person in one.people}
    chosen = {
        (one.person_id, one.kind): one
        for one in Switch.objects.filter(person__in=people, kind__in={one.kind for one in told})
    }
    seen = _seen(told)
    for one in told:
        for person in one.people:
            wants = chosen.get((person.pk, one.kind))
            in_app = wants.in_app if wants else True
            by_mail = wants.by_mail if wants else KIND[one.kind].is_mailed
            by_mail = by_mail and settings.MAIL_ENABLED and bool(person.email)
            is_somebody = person.pk != by.pk and person.is_active and person.kind == User.Kind.PERSON
            sees = one.subject is None or (person.pk, one.subject) in seen
            if is_somebody and sees and (in_app or by_mail):
                yield _notice(one, person, by, in_app=in_app, now=now), by_mail


def _notice(told: Told, person: User, by: User, *, in_app: bool, now: datetime) -> Notice:
    subject = told.subject
    return Notice(
        person=person,
        kind=told.kind,
        cause=told.cause,
        about=told.about,
        text=told.text if len(told.text) <= LONGEST_TEXT else f"{told.text[: LONGEST_TEXT - 1]}…",
        path=told.path,
        by=by,
        document=subject if isinstance(subject, Document) else None,
        version=subject if isinstance(subject, Version) else None,
        token=subject if isinstance(subject, Token) else None,
        in_app=in_app,
        made_at=now,
    )


def _seen(told: Sequence[Told]) -> set[tuple[int, object]]:
    """Who sees what of all that is told: some queries for each kind of thing, however many people and things there are."""
    people = {person.pk for one in told if one.subject for person in one.people}
    tokens = {one.subject for one in told if isinstance(one.subject, Token)}
    others = {one.subject for one in told if isinstance(one.subject, (Document, Version))}
    return {*who_can_see(people, others), *(who_sees_token(people, [*tokens]) if tokens else ())}


def _letters(rows: Sequence[Notice]) -> list[Letter]:
    """A letter for each notice that was written just now; what conflicted was told before, and has had its letter."""
    if not rows:
        return []
    now = rows[0].made_at
    people = {row.person_id for row in rows}
    written = Notice.objects.filter(
        made_at=now,
        person__in=people,
        kind__in={row.kind for row in rows},
        cause__in={row.cause for row in rows},
    )
    wanted = {(row.person_id, row.kind, row.cause) for row in rows}
    patient = set(MailRhythm.objects.filter(person__in=people, daily=True).values_list("person", flat=True))
    found = []
    for one in written:
        if (one.person_id, one.kind, one.cause) in wanted:
            daily = one.person_id in patient and not one.sort.urgent
            found.append(Letter(notice=one, daily=daily, due_at=next_digest(now) if daily else now))
    return found


def _marked(notice: Notice, at: datetime | None, by: User) -> Notice:
    if not Notice.objects.visible_to(by).filter(pk=notice.pk).update(read_at=at):
        raise Missing("You have no such notice.")
    notice.read_at = at
    return notice


def _known(kind: str) -> str:
    if kind not in KIND:
        raise Invalid(fields={"kind": [f"Choose one of {', '.join(KIND)}."]})
    return kind
