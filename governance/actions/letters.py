"""Letters: take what is due, and write down what became of it. What a letter tells of stands in the trail already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from governance.models import Letter, Notice, Switch
from governance.notices import KIND, LETTER_AGE, LETTER_TRIES, patience
from registry.models import User

State = Letter.State
MOST_TOGETHER = 200  # in one daily mail; the rest goes with the next round
FORGET_BATCH = 5_000


@transaction.atomic
def claim(*, by: User) -> list[Letter]:
    """The letter that is due longest, with the others of the same person's daily mail; [] when none is due.

    Claimed ones are due again only after a while, longer with each try: whoever claims at the same moment gets others,
    and what a worker that dies had claimed is sent later.
    """
    now = timezone.now()
    due = Letter.objects.filter(state=State.WAITING, due_at__lte=now).order_by("due_at", "pk")
    rows = due.select_for_update(of=("self",), skip_locked=True).select_related(
        "notice__person", "notice__by"
    )
    first = rows.first()
    if first is None:
        return []
    claimed = [first]
    if first.daily:
        others = rows.filter(daily=True, notice__person=first.notice.person_id).exclude(pk=first.pk)
        claimed += others[: MOST_TOGETHER - 1]
    for one in claimed:
        one.tries += 1
        one.due_at = now + patience(one.tries)
    Letter.objects.bulk_update(claimed, ["tries", "due_at"])
    return claimed


@transaction.atomic
def sift(*, letters: Sequence[Letter], by: User) -> list[Letter]:
    """Those that are still worth sending. Dropped are those whose notice was read, whose object is no longer visible,
    and those that are no longer wanted; given up, those that are too old.
    """
    if not letters:
        return []
    person = letters[0].notice.person
    keys = [one.notice_id for one in letters]
    seen = set(Notice.objects.visible_to(person).unread().filter(pk__in=keys).values_list("pk", flat=True))
    chosen = dict(Switch.objects.filter(person=person).values_list("kind", "by_mail"))
    kept, dropped, old = [], [], []
    for one in letters:
        wanted = chosen.get(one.notice.kind, KIND[one.notice.kind].is_mailed)
        if not (person.email and wanted and one.notice_id in seen):
            dropped.append(one)
        elif timezone.now() - one.notice.made_at > LETTER_AGE:
            old.append(one)
        else:
            kept.append(one)
    _close(dropped, State.DROPPED)
    _close(old, State.GIVEN_UP, problem="too old")
    return kept


@transaction.atomic
def sent(*, letters: Sequence[Letter], by: User) -> None:
    """The mail server has taken them."""
    _close(letters, State.SENT)


@transaction.atomic
def failed(*, letters: Sequence[Letter], problem: str, is_final: bool, by: User) -> None:
    """The mail server has not. They are tried again, unless it said never, or it was the last try."""
    over = [one for one in letters if is_final or one.tries >= LETTER_TRIES]
    _close(over, State.GIVEN_UP, problem=problem)
    again = [one.pk for one in letters if one not in over]
    Letter.objects.filter(pk__in=again, state=State.WAITING).update(problem=problem[:80])


@transaction.atomic
def forget(*, days: int, by: User) -> int:
    """Delete notices that are older than so many days, with their letters, at most 5000; returns how many."""
    before = timezone.now() - timedelta(days=days)
    old = Notice.objects.filter(made_at__lt=before).order_by("pk").values_list("pk", flat=True)[:FORGET_BATCH]
    count, _ = Notice.objects.filter(pk__in=list(old)).delete()
    return count


def _close(letters: Sequence[Letter], state: str, *, problem: str = "") -> None:
    keys = [one.pk for one in letters]
    Letter.objects.filter(pk__in=keys, state=State.WAITING).update(
        state=state, problem=problem[:80], done_at=timezone.now()
    )
