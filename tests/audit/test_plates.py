"""Pictures in a report: printed with their words from bytes handed over; nothing else is ever loaded."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from audit.reports import plates, press, render
from tests import factories
from tests.audit.sample_snapshot import snapshot

DIGEST = "ab" * 32


def pictured(**figure: Any) -> dict[str, Any]:
    """The sample snapshot with one figure in its card."""
    made = snapshot()
    shown = {"digest": DIGEST, "caption": "ROC curve", "alt": "It rises steeply.", "kept": True} | figure
    made["card"]["sections"][0]["fields"] = [
        {"label": "Figures", "value": {"figures": [shown]}, "missing": False}
    ]
    return made


def written(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def images(body: bytes) -> list[Any]:
    """Every picture in the document, once: pages share what they draw with."""
    return list(
        {image.data: image for page in PdfReader(io.BytesIO(body)).pages for image in page.images}.values()
    )


def structure(body: bytes) -> list[str]:
    """The alternative texts of the figures in the structure of the document."""
    found, waiting = [], [PdfReader(io.BytesIO(body)).trailer["/Root"]["/StructTreeRoot"]]  # type: ignore[index]
    while waiting:
        part = waiting.pop().get_object()
        if isinstance(part, list):
            waiting.extend(part)
        elif hasattr(part, "get"):
            if part.get("/S") == "/Figure" and "/Alt" in part:
                found.append(str(part["/Alt"]))
            if "/K" in part:
                waiting.append(part["/K"])
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_picture_itself_is_printed_with_its_words(kind: str) -> None:
    body = plates.plate(factories.picture(kind, size=(60, 40), colour="maroon"))

    document = render.pdf(pictured(), plates={DIGEST: body})

    (image,) = images(document)
    assert image.image.size == (60, 40)
    red, green, blue = image.image.convert("RGB").getpixel((30, 20))
    assert (abs(red - 128) < 6, green < 6, blue < 6) == (True, True, True)
    assert "It rises steeply." in structure(document)
    text = " ".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages).split())
    assert "ROC curve" in text
    assert "In words: It rises steeply." in text


def test_the_same_pictures_give_the_same_bytes() -> None:
    given = {DIGEST: plates.plate(factories.picture())}

    first, second = (render.pdf(pictured(), plates=given) for _ in range(2))

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


@pytest.mark.parametrize(("kept", "said"), [(True, "not in the file storage"), (False, "has uploaded it")])
def test_a_picture_that_is_not_there_is_said_to_be_missing(kept: bool, said: str) -> None:
    page = render.html(pictured(kept=kept))

    assert said in page
    assert "<img" not in page
    assert DIGEST in page


@pytest.mark.parametrize(
    "address",
    ["plate:" + "cd" * 32, "plate:../../etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/a.png"],
)
def test_a_document_with_plates_loads_nothing_else(address: str) -> None:
    given = {DIGEST: plates.plate(factories.picture())}

    with pytest.raises(render.RenderError, match="may not load"):
        press.lay_out(f"<img src='{address}' alt=''>", "", given)


def test_a_digest_that_is_none_becomes_no_address() -> None:
    page = render.html(pictured(digest="x' onerror='alert(1)"), plates={DIGEST: b""})

    assert "<img" not in page


def test_a_plate_is_no_larger_than_paper_shows_and_has_nothing_behind_it() -> None:
    large = plates.plate(written(Image.new("RGBA", (4_000, 1_000), (0, 0, 0, 0))))

    with Image.open(io.BytesIO(large)) as made:
        assert (made.size, made.mode) == ((1_800, 450), "RGB")
        assert made.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
def test_every_kind_of_stored_picture_can_be_printed(mode: str) -> None:
    image = Image.new("L", (30, 20), 128)
    grey = Image.new("I;16", (30, 20), 32_896) if mode == "I;16" else image.convert(mode)

    with Image.open(io.BytesIO(plates.plate(written(grey)))) as made:
        level = made.getpixel((5, 5))

    assert made.mode == "RGB"
    assert mode == "1" or level == (128, 128, 128)
