"""What changed in a tracking server since it was last read: told once, written to the ledger, never undone here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from registry.actions import bulk, catalogue
from registry.events import (
    Event,
    ModelBack,
    ModelChanged,
    ModelGone,
    ModelRenamed,
    SourceMoved,
    VersionBack,
    VersionChanged,
    VersionGone,
    VersionUnread,
    publish,
    publish_together,
)
from registry.mlflow.facts import ModelFacts, VersionFacts
from registry.models import LedgerRow, Model, User, Version
from registry.permissions import require

TOLD = [
    *("description", "tags", "stage", "status", "source", "logged_model_id"),
    *("gone_at", "moved_at", "tried_at", "tries"),
]  # columns of a version that follow what is told of it
LONGEST = 5000  # MLflow's own limit for descriptions and most tags


@transaction.atomic
def bring_in_step(
    *,
    model: Model,
    told: ModelFacts,
    new: Sequence[VersionFacts],
    changed: Sequence[VersionFacts],
    gone: Collection[int],
    seen_by: str,
    by: User,
) -> list[Version]:
    """Make `model` equal to what its server tells: name, words, tags, versions, aliases. Returns the new versions.

    Another name under the same creation time is a rename: the model keeps its address here, and its approvals.
    """
    require(by, "registry.sync_trackingserver")
    model = Model.objects.select_for_update(no_key=True).get(pk=model.pk)
    rows: list[LedgerRow] = []
    events = [*_model_events(model, told, rows, seen_by, by)]
    made = bulk.register_versions(model=model, told=new, by=by)
    wanted = {facts.number: facts for facts in changed}
    for version in model.versions.filter(number__in=[*wanted, *gone]).order_by("number"):
        version.model = model
        if version.number in gone:
            events.append(_lost(version, by))
        else:
            events += _version_events(version, wanted[version.number], rows, seen_by, by)
    LedgerRow.objects.bulk_create(rows)
    publish_together(events)
    catalogue.move_aliases(model=model, aliases=dict(told.aliases), by=by, seen_by=seen_by)
    return made


@transaction.atomic
def mark_gone(*, model: Model, seen_by: str, by: User) -> Model:
    """The tracking server no longer has `model`. It stays here with all its papers; its clearances end."""
    require(by, "registry.sync_trackingserver")
    if Model.objects.filter(pk=model.pk, gone_at=None).update(gone_at=timezone.now()):
        model.refresh_from_db()
        catalogue.move_aliases(model=model, aliases={}, by=by, seen_by=seen_by)
        publish(ModelGone(model=model, by=by))
    return model


@transaction.atomic
def note_unread(*, version: Version, problem: str, by: User) -> Version:
    """`version` could not be read whole: known, not hashed, so not cleared. Tried again; told once per reason."""
    require(by, "registry.sync_trackingserver")
    if version.read_problem != problem:
        version.read_problem = problem
        version.save(update_fields=["read_problem"])
        publish(VersionUnread(version=version, problem=problem[:500], by=by))
    return version


def _model_events(
    model: Model, told: ModelFacts, rows: list[LedgerRow], seen_by: str, by: User
) -> Iterator[Event]:
    was, back = model.name, model.gone_at is not None
    what = [*_words(model, told.description, told.tags, rows, seen_by, by, model=model)]
    model.name, model.gone_at = told.name, None
    if back or what or was != told.name:
        model.save(update_fields=["name", "description", "tags", "gone_at"])
    if back:
        yield ModelBack(model=model, by=by)
    if was != told.name:
        yield ModelRenamed(model=model, previous=was, by=by)
    if what:
        yield ModelChanged(model=model, what=", ".join(what)[:500], by=by)


def _version_events(
    version: Version, told: VersionFacts, rows: list[LedgerRow], seen_by: str, by: User
) -> Iterator[Event]:
    back = version.gone_at is not None
    of = {"model": version.model, "version": version}
    what = [*_words(version, told.description, told.tags, rows, seen_by, by, **of)]
    if version.stage != told.stage[:40]:
        what.append(f"stage {told.stage or 'none'}")
        rows.append(_row(LedgerRow.What.STAGE, "", version.stage, told.stage[:40], seen_by, by, **of))
    if version.status != told.status[:40]:
        version.status = told.status[:40]
        what.append(f"status {version.status}")
    version.stage, version.gone_at = told.stage[:40], None
    version.logged_model_id = told.logged_model_id[:80]
    previous, version.source = version.source, told.source[:500]
    if version.source != previous:  # hashed at once, however long ago the last try was
        version.moved_at, version.tried_at, version.tries = timezone.now(), None, 0
    version.save(update_fields=TOLD)
    if back:
        yield VersionBack(version=version, by=by)
    if version.source != previous:
        yield SourceMoved(version=version, source=version.source, previous=previous, by=by)
    if what:
        yield VersionChanged(version=version, what=", ".join(what)[:500], by=by)


def _lost(version: Version, by: User) -> VersionGone:
    version.gone_at = timezone.now()
    version.save(update_fields=["gone_at"])
    return VersionGone(version=version, by=by)


def _words(
    held: Model | Version,
    description: str,
    tags: Mapping[str, str],
    rows: list[LedgerRow],
    seen_by: str,
    by: User,
    **of: Any,
) -> Iterator[str]:
    """Take over description and tags; a row for each change, and its name."""
    if held.description != description:
        before, held.description = held.description, description
        rows.append(_row(LedgerRow.What.DESCRIPTION, "", before, description, seen_by, by, **of))
        yield "description"
    before_tags, held.tags = dict(held.tags), dict(tags)
    for key in sorted(set(before_tags) | set(tags)):
        before, after = str(before_tags.get(key, "")), str(tags.get(key, ""))
        if (key in before_tags, before) == (key in tags, after):
            continue
        if (
            before[:LONGEST] != after[:LONGEST]
        ):  # an empty tag that came or went leaves no row: nothing to read in it
            rows.append(_row(LedgerRow.What.TAG, key, before, after, seen_by, by, **of))
        yield f"tag {key}"


def _row(
    what: LedgerRow.What, name: str, before: str, after: str, seen_by: str, by: User, **of: Any
) -> LedgerRow:
    cut = {"before": before[:LONGEST], "after": after[:LONGEST]}
    return LedgerRow(what=what, name=name[:256], seen_by=seen_by, by=by, **cut, **of)
