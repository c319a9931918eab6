"""What a picture really is, before anybody sees it: PNG or JPEG, whole, of a bounded size, and written anew.

Every accepted picture is decoded and encoded again. That drops what a reader never sees and nobody meant to publish
(where a photograph was taken, who edited it, earlier thumbnails, whatever hangs behind the last byte), and what is served
later was written by us and not by whoever uploaded it. The orientation of a photograph is applied before it is dropped.
The digest is that of the bytes written here: the same picture uploaded again is the same figure.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from typing import Any

from django.core.files import File
from PIL import Image, ImageFile, ImageOps

from registry.errors import Invalid

MOST_BYTES = 5_000_000
MOST_PIXELS = 40_000_000
BEGINS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg"}
MODES = {
    "PNG": {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"},
    "JPEG": {"L", "RGB"},
}  # that are written as they are


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored."""

    body: bytes
    media_type: str
    width: int
    height: int


def read(file: File[Any], size: int) -> bytes:
    """The bytes of an uploaded file of `size`; `Invalid` before the first one is read when it is too large."""
    if size > MOST_BYTES:
        raise _invalid(
            f"This file has {size / 1e6:.1f} MB; a figure has at most {MOST_BYTES / 1e6:.0f} MB. Make it smaller."
        )
    data: bytes = file.read(MOST_BYTES + 1)
    return data


def pixels(data: bytes) -> int:
    """How many pixels the head of the file claims, before anything is decoded; 0 for what `examine` refuses by its head."""
    kind = next((name for begin, name in BEGINS.items() if data.startswith(begin)), None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return math.prod(Image.open(io.BytesIO(data), formats=[kind]).size) if kind else 0
    except Exception:  # noqa: BLE001 - `examine` says what is wrong with it
        return 0


def examine(data: bytes) -> Picture:
    """The picture in `data`, written anew. `Invalid` for anything but a whole PNG or JPEG within the limits."""
    if len(data) > MOST_BYTES:
        raise _invalid(f"A figure has at most {MOST_BYTES / 1e6:.0f} MB. Make it smaller.")
    kind = next((name for begin, name in BEGINS.items() if data.startswith(begin)), None)
    if kind is None:
        raise _invalid(
            "This is neither a PNG nor a JPEG file, whatever its name says. Export it as one of them."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _opened(data, kind)
            upright = ImageOps.exif_transpose(image)
            return _written(upright, kind)
    except (Invalid, MemoryError):
        raise
    except Exception as error:  # a decoder fails in as many ways as there are broken files
        raise _invalid("This picture is damaged or cut off, and cannot be read. Export it again.") from error


def _opened(data: bytes, kind: str) -> Image.Image:
    """The picture, decoded only after its head has said that it is not too large."""
    # A setting of the whole process, and WeasyPrint turns it on where it is loaded: half a picture is none here.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_many() from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_many()
    image.load()
    return image


def _written(image: Image.Image, kind: str) -> Picture:
    """The first picture of the file, without what hangs on it."""
    mode = image.mode if image.mode in MODES[kind] else "RGB"
    if kind == "PNG" and image.mode not in MODES[kind] and image.has_transparency_data:
        mode = "RGBA"
    plain = image.convert(mode) if mode != image.mode else image.copy()
    transparency = image.info.get("transparency") if plain.mode == image.mode else None
    plain.info = {} if transparency is None else {"transparency": transparency}
    out = io.BytesIO()
    if kind == "PNG":
        plain.save(out, "PNG", compress_level=6)
    else:
        plain.save(out, "JPEG", quality=92, subsampling=0)
    return Picture(out.getvalue(), MEDIA[kind], plain.width, plain.height)


def _too_many() -> Invalid:
    return _invalid(f"A figure has at most {MOST_PIXELS // 1_000_000} million pixels. Make it smaller.")


def _invalid(sentence: str) -> Invalid:
    return Invalid(fields={"file": [sentence]})
