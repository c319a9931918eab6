"""A version or a dataset as something to write: its latest revision, and what an earlier import could place nowhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from registry import formats
from registry.actions.figures import bytes_of
from registry.errors import Missing
from registry.formats import Export
from registry.models import Dataset, Figure, Import, User, Version

MOST_PICTURES = 25_000_000  # bytes of figures in one exported file


def export_of(about: Version | Dataset, format: str, *, reader: User) -> Export:  # noqa: A002 - the word of the field
    """The latest revision of the card or datasheet, for `reader`. Raises `Missing` when nobody has written one.

    Lineage needs no document.
    """
    kind = "card" if isinstance(about, Version) else "datasheet"
    document = getattr(about, kind, None)
    head = document.head if document else None
    if head is None and not (format in formats.WRITERS and formats.WRITERS[format].is_lineage):
        raise Missing(f"{about} has no {kind} to export. Write one first.")
    name, version = (about.model.name, str(about.number)) if isinstance(about, Version) else (about.name, "")
    family = format.partition("-")[0]
    last = (
        Import.objects.filter(**{about._meta.model_name or "": about}, format=family)
        .order_by("-taken_at", "-pk")
        .values_list("unmapped", flat=True)
        .first()
    )
    return Export(
        kind=kind,
        content=head.content if head else {},
        name=name,
        version=version,
        digest=head.digest if head else "",
        about=about,
        reader=reader,
        carried=last or {},
        picture=_pictures_for(reader),
    )


def _pictures_for(reader: User) -> Callable[[str], bytes | None]:
    """Gives the bytes of figures that `reader` may see, until one export has given MOST_PICTURES bytes of them."""
    left = MOST_PICTURES

    def picture(digest: str) -> bytes | None:
        nonlocal left
        one = Figure.objects.visible_to(reader).filter(digest=digest).first()
        if one is None or one.size > left:
            return None
        left -= one.size
        with suppress(Missing):  # a card is exported although the bytes of a figure are gone
            return bytes_of(figure=one)
        return None

    return picture


def file_name(about: Version | Dataset, format: str) -> str:  # noqa: A002
    """What the file is called when it is saved: README.md is called so everywhere."""
    suffix = formats.WRITERS[format].suffix
    stem = f"{about.model.slug}-{about.number}" if isinstance(about, Version) else about.slug
    return suffix if suffix == "README.md" else f"{stem}.{suffix}"
