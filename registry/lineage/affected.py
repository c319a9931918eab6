"""What is affected: the visible versions that learned from data, contain a package, ran a commit, or stand on a base model.

Each answer is {version's primary key: why}, in the order of reading, at most MOST of them; whoever may see a version
learns why it is affected, and nobody learns of one that they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from registry.lineage import bases, packages
from registry.models import Dataset, DatasetSnapshot, RunInput, User, Version

MOST = 500
ABBREVIATED = 7  # digits of a commit, as git abbreviates it at least


@dataclass(frozen=True)
class Found:
    """Which versions and why, and how many more there are than were looked at."""

    why: dict[int, str]
    more: int = 0


def learned_from(dataset: Dataset, user: User, snapshot: DatasetSnapshot | None = None) -> Found:
    """Versions whose run used the dataset (or that snapshot of it) for training, and those derived from them."""
    inputs = RunInput.objects.filter(snapshot__dataset=dataset, context=RunInput.Context.TRAINING)
    if snapshot:
        inputs = inputs.filter(snapshot=snapshot)
    rows = Version.objects.visible_to(user).filter(run__in=inputs.values("run"))
    found = _first(rows)
    used = inputs.filter(run__in={one.run_id for one in found}).order_by("snapshot__pk")
    digests: dict[Any, list[str]] = {}
    for run, digest in used.values_list("run", "snapshot__weak_digest"):
        digests.setdefault(run, []).append(digest)
    why = {one.pk: f"Learned from snapshot {', '.join(digests[one.run_id])}" for one in found if one.run_id}
    return _with_derived(rows, found, why, user)


def containing(package: str, number: str, user: User) -> Found:
    """Versions whose environment names `package`; with a `number`, those that pin it, and those that leave it open."""
    name = packages.normal(package)
    wanted = [f"{name}=={number}", f"{name}=={packages.OPEN}"] if number else [name]
    rows = (
        Version.objects.visible_to(user)
        .alias(named=packages.Keys("model_file"))
        .filter(named__overlap=wanted)
    )
    found = _first(rows)
    why = {}
    for one in found:
        lines = [each for each in packages.parse(one.model_file.get("packages")) if each.key == name]
        exact = [each.line for each in lines if not number or each.number == number]
        said = exact or [each.line for each in lines if not each.number]
        why[one.pk] = f"Names {', '.join(said)}" if exact else f"Leaves the version open: {', '.join(said)}"
    return Found(why, _beyond(rows, found))


def from_commit(commit: str, user: User) -> Found:
    """Versions whose run ran this commit, given whole or by its first seven digits or more, and those derived from them."""
    known = Q(run__git_commit=commit.lower())
    if len(commit) >= ABBREVIATED:
        known |= Q(run__git_commit__startswith=commit.lower())
    rows = Version.objects.visible_to(user).filter(known)
    found = _first(rows)
    why = {one.pk: f"Ran commit {one.run.git_commit[:12]}" for one in found if one.run}
    return _with_derived(rows, found, why, user)


def standing_on(name: str, user: User) -> Found:
    """Versions that name this base model, or that stand on the version of this registry that it means, at any remove."""
    meant = [
        one
        for condition in bases.meaning(name)
        for one in bases.whole(Version.objects.visible_to(user).filter(condition)).order_by("pk")[
            : bases.MOST
        ]
    ]
    rows = Version.objects.visible_to(user).filter(bases.saying([name]))
    found = _first(rows)
    why = {one.pk: f"Names {name} as its base model" for one in found}
    widened = _with_derived(rows, [*meant, *found], why, user)
    itself = {one.pk for one in meant}
    return Found({key: told for key, told in widened.why.items() if key not in itself}, widened.more)


def _first(rows: QuerySet[Version]) -> list[Version]:
    return list(bases.whole(rows).order_by("model__name", "-number", "pk")[:MOST])


def _beyond(rows: QuerySet[Version], found: list[Version]) -> int:
    return rows.count() - MOST if len(found) == MOST else 0


def _with_derived(
    rows: QuerySet[Version], found: Iterable[Version], why: dict[int, str], user: User
) -> Found:
    """`why`, and after them the versions that were derived from them, each with what it was derived from."""
    start = list({one.pk: one for one in found}.values())
    after, links = bases.descendants(start, user)
    named = {one.pk: one for one in [*start, *after]}
    told: dict[int, Any] = {}
    for link in links:
        told.setdefault(link.child, []).append(str(named[link.parent]))
    derived = {
        key: f"Derived from {', '.join(sorted(parents))}" for key, parents in told.items() if key not in why
    }
    return Found(why | derived, _beyond(rows, start))
