"""What control hears from the registry: facts changed, so clearances are assessed again in the same transaction.

What people have to be told of (`audience.HEARD`) becomes their notices, in the same transaction as well. And what the registry asks control: how strict a document is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from governance import audience
from governance.actions import notices
from governance.actions.clearances import recompute
from governance.actions.reviews import outdate
from governance.models import strictness_of
from registry.documents import strictness
from registry.events import (
    Event,
    FilesBack,
    FilesGone,
    ManifestTaken,
    ModelBack,
    ModelGone,
    RevisionSaved,
    SourceHashed,
    SourceMoved,
    SystemChanged,
    SystemEdited,
    SystemModelRemoved,
    SystemRetired,
    TrainingDataAdded,
    VersionBack,
    VersionGone,
    VersionRegistered,
    happened,
    happened_together,
)
from registry.models import RunInput, Version

OF_ONE_VERSION = (
    VersionRegistered,
    ManifestTaken,
    TrainingDataAdded,
    FilesGone,
    FilesBack,
    SourceMoved,
    SourceHashed,
    VersionGone,
    VersionBack,
)


def connect() -> None:
    """Listen. Called once, when the application starts."""
    happened.connect(hear, dispatch_uid="governance.clearances")
    happened_together.connect(hear_together, dispatch_uid="governance.clearances")
    happened.connect(notice, dispatch_uid="governance.notices")
    happened_together.connect(notice_together, dispatch_uid="governance.notices")
    strictness.provide(strictness_of)


def hear(sender: type[Event], event: Event, **_: Any) -> None:
    """Reassess the versions that `event` is about. Another revision of a datasheet makes its approval stale."""
    if isinstance(event, RevisionSaved) and event.revision.document.dataset_id:
        outdate(revision=event.revision, by=event.by)
    versions = affected(event)
    if versions is not None:
        recompute(versions=versions, by=event.by)


def hear_together(sender: type[Event], events: Sequence[Event], **_: Any) -> None:
    """Reassess every version that one of `events` is about, once."""
    keys: set[int] = set()
    for event in events:
        if isinstance(event, OF_ONE_VERSION):
            keys.add(event.version.pk)
        elif (versions := affected(event)) is not None:
            keys.update(versions.values_list("pk", flat=True))
    if keys:
        recompute(versions=Version.objects.filter(pk__in=keys), by=events[0].by)


def notice(sender: type[Event], event: Event, **_: Any) -> None:
    """Tell whom `event` concerns; what it settles, nobody is asked for any more."""
    notice_together(sender, [event])


def notice_together(sender: type[Event], events: Sequence[Event], **_: Any) -> None:
    """The same for many, whose notices are written together. They are the acts of one."""
    if done := [one for event in events for one in audience.settled(event)]:
        notices.settle(done=done, by=events[0].by)
    if told := [one for event in events for one in audience.heard(event)]:
        notices.tell(told=told, by=events[0].by)


def affected(event: Event) -> QuerySet[Version] | None:
    """The versions whose clearance may have changed; None when the event does not concern clearances."""
    if isinstance(event, OF_ONE_VERSION):
        return Version.objects.filter(pk=event.version.pk)
    if isinstance(event, (ModelGone, ModelBack, SystemModelRemoved)):
        return Version.objects.filter(model=event.model)
    if isinstance(event, SystemEdited) and not event.substance:
        return None
    if isinstance(event, (SystemChanged, SystemEdited, SystemRetired)):
        return Version.objects.filter(model__systems=event.system)
    if isinstance(event, RevisionSaved):
        document = event.revision.document
        if document.version_id:
            return Version.objects.filter(pk=document.version_id)
        training = RunInput.objects.filter(
            snapshot__dataset=document.dataset_id, context=RunInput.Context.TRAINING
        )
        return Version.objects.filter(run__in=training.values("run"))
    return None
