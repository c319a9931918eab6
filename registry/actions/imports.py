"""Files from elsewhere: take one, use it for a version or a dataset."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from registry import canonical, formats
from registry.actions import documents, figures, pipelines
from registry.documents import content as contents
from registry.documents.proposals import Proposal, offer
from registry.errors import Conflict, Invalid
from registry.events import ImportTaken, ImportUsed, publish
from registry.models import Dataset, Document, Import, Revision, User, Version
from registry.models.imports import place_of
from registry.permissions import require


@transaction.atomic
def take(
    *,
    name: str,
    raw: bytes,
    format: str = "",  # noqa: A002 - the word of the field
    about: Version | Dataset | None = None,
    by: User,
) -> Import:
    """Keep a file and what became of every value in it; with `about`, use it at once.

    Raises `Invalid` with the reason when the file cannot be read; nothing is kept then.
    """
    require(by, "registry.write_document", on=about)
    reading = formats.read(raw, name=name, format=format)
    if about is not None:
        _agree(reading.kind, about)
    for picture in reading.pictures:
        figures.attach(data=picture, by=by)
    digest = _keep(raw)
    taken = Import.objects.create(
        name=_shown(name),
        format=reading.format,
        kind=reading.kind,
        digest=digest,
        size=len(raw),
        report=[asdict(leaf) for leaf in reading.report],
        unmapped=reading.unmapped,
        proposals=[asdict(proposal) for proposal in reading.proposals],
        notes=list(reading.notes),
        subject=asdict(reading.subject),
        by=by,
    )
    publish(ImportTaken(imported=taken, digest=digest, format=reading.format, by=by, **reading.counts))
    if about is not None:
        _use(taken, about, by)
    return taken


@transaction.atomic
def use(*, one: Import, about: Version | Dataset, by: User) -> Import:
    """Propose what the file says to the card of a version or the datasheet of a dataset, as a new revision.

    Nothing that a person wrote is touched; what is filled in is marked until a person accepts it. Once for each import.
    """
    require(by, "registry.write_document", on=one)
    require(by, "registry.write_document", on=about)
    _agree(one.kind, about)
    _use(one, about, by)
    return one


def _use(one: Import, about: Version | Dataset, by: User) -> None:
    locked = Import.objects.select_for_update(of=("self",)).get(pk=one.pk)
    if locked.version_id or locked.dataset_id:
        raise Conflict(
            f"{one} was used for {locked.about} already. Import the file again to use it elsewhere."
        )
    if one.kind == Import.Kind.PIPELINE and isinstance(about, Version):
        stages = [asdict(stage) for stage in formats.dvc.parse(one.raw())]
        pipelines.record(version=about, stages=stages, source=one.digest, by=by)
    revision, proposed = _proposed(one, about, by)
    one.version = about if isinstance(about, Version) else None
    one.dataset = about if isinstance(about, Dataset) else None
    one.revision = revision
    one.save(update_fields=["version", "dataset", "revision"])
    publish(ImportUsed(imported=one, about=about, proposed=proposed, by=by))


def _proposed(one: Import, about: Version | Dataset, by: User) -> tuple[Revision | None, int]:
    """(the revision that now holds the proposals, how many were taken). A pipeline fills no document."""
    if one.kind == Import.Kind.PIPELINE:
        return None, 0
    if by.pk != one.by_id:  # whoever may see the import holds its bytes, and with them its pictures
        for picture in formats.read(one.raw(), name=one.name, format=one.format).pictures:
            figures.attach(data=picture, by=by)
    key = {"version": about} if isinstance(about, Version) else {"dataset": about}
    document = Document.objects.select_related("head").filter(**key).first()
    head = document.head if document else None
    content: dict[str, Any] = head.content if head else contents.blank(one.kind)
    offered, taken = offer(one.kind, content, [Proposal(**proposal) for proposal in one.proposals])
    saved = documents.save(
        about=about,
        content=offered,
        on_top_of=head.number if head else 0,
        note=f"Imported from {one.name}"[:300],
        by=by,
    )
    return saved, len(taken)


def _agree(kind: str, about: Version | Dataset) -> None:
    """A datasheet is about a dataset, everything else about a version."""
    if (kind == Import.Kind.DATASHEET) != isinstance(about, Dataset):
        wanted = "a dataset" if kind == Import.Kind.DATASHEET else "a version of a model"
        raise Invalid(fields={"about": [f"This file is a {kind}: choose {wanted}."]})


def _keep(raw: bytes) -> str:
    """Store the bytes once under their digest. Bytes that are there already stay as they are."""
    digest = canonical.digest(raw)
    place = place_of(digest)
    if not default_storage.exists(place):
        stored = default_storage.save(place, ContentFile(raw))
        if stored != place:  # somebody stored the same bytes at the same moment
            default_storage.delete(stored)
    return digest


def _shown(name: str) -> str:
    """The name of the file without its folders and without what cannot be printed."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:255].strip() or "unnamed"
