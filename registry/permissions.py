"""May this person? Two questions, both must be answered yes: does the role allow it, and is the model visible?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import Model as Row

from registry.errors import Missing, Refused
from registry.models import Dataset, Document, Figure, Import, Model, Reading, System, User, Version
from registry.models.sight import Set, seeing
from registry.verdict import ALLOWED, Verdict, denied


def can(user: User, permission: str) -> Verdict:
    """Whether the role of `user` holds `permission` ("app.codename")."""
    if user.is_active and user.has_perm(permission):
        return ALLOWED
    return denied(
        "role_missing",
        f"Your role does not allow this ({permission.partition('.')[2].replace('_', ' ')}).",
        "Ask an administrator for a role that does.",
    )


def can_see(user: User, subject: Row) -> bool:
    """Whether `subject` exists for `user`."""
    for kind in (Model, Version, System, Dataset, Document, Figure, Import):
        if isinstance(subject, kind):
            return kind.objects.visible_to(user).filter(pk=subject.pk).exists()
    raise TypeError(f"visibility of {type(subject).__name__} is not defined")


def who_can_see(people: Collection[int], subjects: Iterable[Version | Document]) -> set[tuple[int, Row]]:
    """(account, subject) for each of `people` (keys) for whom the subject exists. Three queries, whatever there is.

    It is what `can_see` says of accounts without a limit, one by one (a test compares).
    """
    subjects = list(subjects)
    if not people or not subjects:
        return set()
    behind = _models_behind(subjects)
    seen = seeing(people, behind.values())
    return {(person, one) for one in subjects for person in people if (person, behind[one]) in seen}


def _models_behind(subjects: Iterable[Version | Document]) -> dict[Row, Set]:
    """The models of which one has to be visible: that of a version or its card, those that have read a dataset."""
    documents = [one for one in subjects if isinstance(one, Document)]
    cards = dict(
        Document.objects.filter(pk__in=[one.pk for one in documents if one.version_id]).values_list(
            "pk", "version__model"
        )
    )
    read: dict[int | None, set[int]] = defaultdict(set)
    sheets = [one.dataset_id for one in documents if one.dataset_id]
    rows = Reading.objects.filter(dataset__in=sheets).values_list("dataset", "model").distinct()
    for dataset, model in rows:
        read[dataset].add(model)
    return {
        one: frozenset(
            {one.model_id}
            if isinstance(one, Version)
            else {cards[one.pk]}
            if one.version_id
            else read[one.dataset_id]
        )
        for one in subjects
    }


def require(user: User, permission: str, *, on: Row | None = None) -> None:
    """Let the verb go on, or raise `Missing` (invisible) or `Refused` (visible, but the role forbids it)."""
    if on is not None and not can_see(user, on):
        raise Missing("There is no such object, or it is not shared with you.")
    verdict = can(user, permission)
    if not verdict:
        raise Refused(verdict, action=permission, subject=on)


def require_whole(user: User, system: System) -> None:
    """Raise `Refused` unless `user` sees every model in `system`. It names and counts none of the others.

    Whoever sees a part of a system may change that part. What holds for the whole of it would stop models whose owners
    were not asked, and which do not exist for this person.
    """
    if not system.is_seen_whole_by(user):
        verdict = denied(
            "system_seen_in_part",
            "A system is retired, and its purpose or role changed, by somebody who sees all of its models; you do not.",
            "Ask its owner, or ask an administrator to share the rest with you.",
        )
        raise Refused(verdict, action="registry.change_system", subject=system)
