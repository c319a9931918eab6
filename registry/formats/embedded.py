"""Pictures inside a file, written as base64: taken as figures of the card, or dropped with the reason."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from registry import canonical, pictures
from registry.errors import Invalid
from registry.formats.ledger import MAPPED, MAX_FIGURES, Ledger
from registry.formats.several import map_of, maps

FIGURES = "analyses.figures"
TRIES = 2 * MAX_FIGURES  # so many pictures of one file are looked at, good or bad
HEAD = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,")


def graphics(ledger: Ledger, given: Any, path: str) -> None:
    """The pictures of a `graphics` object: each with its name as the caption."""
    for one, here in maps(map_of(given).get("collection"), f"{path}/collection"):
        image = one.get("image")
        if isinstance(image, str) and ledger.usable(f"{here}/image"):
            try:
                _take(ledger, one.get("name"), image, here)
            except Invalid as error:
                ledger.drop(f"{here}/image", " ".join(error.fields["file"]))
                ledger.keep([f"{here}/name"], "The picture of this name was not taken.")


def _take(ledger: Ledger, name: Any, image: str, path: str) -> None:
    """One picture to the figures of the card. `Invalid` says under "file" why it is not taken."""
    if len(ledger.values.get(FIGURES, [])) >= MAX_FIGURES:
        raise _refused(f"The card takes {MAX_FIGURES} figures. The raw file has this one.")
    data = _decoded(image)
    _charge(ledger, pictures.pixels(data))
    picture = pictures.examine(data)
    digest = canonical.digest(picture.body)
    ledger.row(FIGURES, {"digest": (digest, (f"{path}/image",)), "caption": (name, (f"{path}/name",))})
    if ledger.spoken[f"{path}/image"][0] == MAPPED:
        ledger.pictures[digest] = picture
        ledger.claim(FIGURES, f"{path}/image", reason=f"Kept as the figure {digest}.")


def _decoded(image: str) -> bytes:
    """The bytes of a picture, with or without the head of a data address."""
    text = HEAD.sub("", image, count=1) if image.startswith("data:") else image
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("This picture is not written as base64. The raw file has it as it stands.") from error


def _charge(ledger: Ledger, claimed: int) -> None:
    """Count what one file asks to be decoded, whatever comes of it: all its pictures together are worth one upload."""
    ledger.tries, ledger.pixels = ledger.tries + 1, ledger.pixels + claimed
    if ledger.tries > TRIES or ledger.pixels > pictures.MOST_PIXELS:
        most = pictures.MOST_PIXELS // 1_000_000
        raise _refused(
            f"The pictures of one file have at most {most} million pixels together. Attach this one to the card instead."
        )


def _refused(sentence: str) -> Invalid:
    return Invalid(fields={"file": [sentence]})
