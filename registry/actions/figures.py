"""Figures: keep a picture, and give it back as it was kept."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from registry import canonical, pictures
from registry.errors import Missing
from registry.events import FigureAttached, publish
from registry.models import Figure, User
from registry.permissions import require


@transaction.atomic
def attach(*, data: bytes | pictures.Picture, by: User) -> Figure:
    """Keep the picture in `data`, to be shown in a document. The same picture twice is kept once.

    A `Picture` was examined and written anew already, by whoever read the file it came in. `Invalid` names the field "file" for anything but a whole PNG or JPEG of at most 5 MB and 40 million pixels.
    """
    require(by, "registry.write_document")
    picture = data if isinstance(data, pictures.Picture) else pictures.examine(data)
    digest = canonical.digest(picture.body)
    figure, new = Figure.objects.get_or_create(
        digest=digest,
        defaults={
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size": len(picture.body),
            "by": by,
        },
    )
    figure.holders.add(by)
    _keep(figure, picture.body)
    if new:
        publish(
            FigureAttached(
                figure=figure, digest=digest, media_type=picture.media_type, size=len(picture.body), by=by
            )
        )
    return figure


def bytes_of(*, figure: Figure) -> bytes:
    """The stored bytes. `Missing` when they are gone or are no longer those that were stored."""
    try:
        with default_storage.open(figure.place) as file:
            body: bytes = file.read(figure.size + 1)
    except OSError as error:
        raise Missing("The bytes of this figure are not in the file storage.") from error
    if canonical.digest(body) != figure.digest:
        raise Missing("The stored bytes of this figure are not those that were uploaded.")
    return body


def _keep(figure: Figure, body: bytes) -> None:
    """Written once: what lies there already is these bytes, for their digest is their name."""
    if default_storage.exists(figure.place):
        return
    there = default_storage.save(figure.place, ContentFile(body))
    if there != figure.place:  # somebody stored the same picture at the same moment
        default_storage.delete(there)
