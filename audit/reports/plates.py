"""Pictures as a document prints them: no larger than paper shows, without transparency, and handed over as bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image

Plates = Mapping[str, bytes]  # SHA-256 of the stored figure → what is printed of it

NONE: Plates = {}
MOST_SIDE = 1_800  # pixels: 300 dpi on the 152 mm of a column
MOST_PLATES = 50
MOST_BYTES = 25_000_000  # of all plates of one document


def plate(body: bytes) -> bytes:
    """What is printed of a stored figure. PNG stays PNG and JPEG stays JPEG; the same figure gives the same bytes.

    The bytes were examined and written by `registry.pictures`, so nothing hostile is decoded here.
    """
    with Image.open(io.BytesIO(body), formats=["PNG", "JPEG"]) as image:
        kind = image.format
        image.draft("RGB", (MOST_SIDE, MOST_SIDE))  # a large JPEG is decoded small at once
        flat = _flat(image)
    flat.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if kind == "JPEG":
        flat.save(out, "JPEG", quality=88)
    else:
        flat.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _flat(image: Image.Image) -> Image.Image:
    """In red, green and blue, on white: on paper there is nothing behind a picture."""
    if image.mode == "I;16":
        return image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Image.new("RGB", clear.size, "white")
    white.paste(clear, mask=clear.getchannel("A"))
    return white
