"""Figures: what a file really is, kept once under its digest, shown to those who may see a document with it."""

from __future__ import annotations

import hashlib
import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from audit.models import Entry
from registry import pictures
from registry.actions import figures
from registry.errors import Invalid, Missing, Refused
from registry.models import Figure, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    """Pictures of a test end with the test."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is a large picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


PNG = factories.picture()
JPEG = factories.picture("JPEG")
GIF = written(Image.new("P", (4, 4)), "GIF")

HOSTILE = {
    "nothing": b"",
    "text": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "gif": GIF,
    "webp": written(Image.new("RGB", (4, 4)), "WEBP"),
    "a PNG by its first bytes only": b"\x89PNG\r\n\x1a\n" + b"<script>",
    "a JPEG by its first bytes only": b"\xff\xd8\xff" + GIF,
    "a cut PNG": PNG[: len(PNG) // 2],
    "a cut JPEG": JPEG[: len(JPEG) // 2],
    "a PNG with a broken checksum": PNG[:-20] + bytes([PNG[-20] ^ 1]) + PNG[-19:],
    "forty-nine million pixels": bomb(7_000, 7_000),
    "ten thousand million pixels": bomb(100_000, 100_000),
    "no width": bomb(0, 10),
    "a text chunk that unpacks to a gigabyte": PNG[:33]
    + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(80_000_000)))
    + PNG[33:],
    "six megabytes": PNG + bytes(6_000_000),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_whole_picture_within_the_limits_is_refused_quickly(
    data: bytes, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
    began = time.monotonic()
    tracemalloc.start()

    with pytest.raises(Invalid) as refused:
        figures.attach(data=data, by=owner)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(refused.value.fields) == {"file"}
    assert time.monotonic() - began < 1
    assert most < 150_000_000
    assert not Figure.objects.exists()
    assert not Entry.objects.filter(kind="figure.attached").exists()


def test_an_upload_of_fifty_megabytes_is_refused_at_its_field_within_a_second(
    owner: User, as_user: AsUser
) -> None:
    version = factories.version()
    browser = as_user(owner)
    address = f"{version.get_absolute_url()}card/edit/"
    upload = SimpleUploadedFile("roc.png", PNG + bytes(50_000_000), "image/png")
    typed = {"on_top_of": 0, "caveats.caveats": "Kept.", "analyses.figures-upload": upload, "save": "1"}
    body = encode_multipart(BOUNDARY, typed)
    began = time.monotonic()

    answer = browser.generic("POST", address, body, content_type=MULTIPART_CONTENT)

    took = time.monotonic() - began
    page = answer.content.decode()
    assert "This file has 50.0 MB; a figure has at most 5 MB. Make it smaller." in page
    assert "Kept." in page, "nothing typed is lost"
    assert took < 1
    assert not Figure.objects.exists()


@pytest.mark.parametrize(("data", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_a_picture_is_kept_once_under_the_digest_of_its_bytes(
    data: bytes, media_type: str, owner: User
) -> None:
    first, second = figures.attach(data=data, by=owner), figures.attach(data=data, by=owner)

    stored = figures.bytes_of(figure=first)
    assert first == second
    assert first.digest == hashlib.sha256(stored).hexdigest()
    assert (first.media_type, first.width, first.height, first.size) == (media_type, 40, 30, len(stored))
    assert default_storage.listdir(f"figures/{first.digest[:2]}")[1] == [first.digest]
    assert Entry.objects.filter(kind="figure.attached").count() == 1


def test_what_nobody_sees_is_not_kept(owner: User) -> None:
    info = PngInfo()
    info.add_text("Author", "Jane Secret")
    png = written(Image.new("RGB", (4, 4)), "PNG", pnginfo=info) + b"<script>hidden</script>"
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Jane Secret", 6  # described, and turned by a quarter
    jpeg = written(Image.new("RGB", (8, 4)), "JPEG", exif=exif, comment=b"Jane Secret")
    assert b"Jane Secret" in png
    assert b"Jane Secret" in jpeg

    kept = [figures.attach(data=data, by=owner) for data in (png, jpeg)]

    for one in kept:
        stored = figures.bytes_of(figure=one)
        assert b"Jane Secret" not in stored
        assert b"script" not in stored
    assert (kept[1].width, kept[1].height) == (4, 8), "turned upright before the note about it is dropped"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_is_read(mode: str, owner: User) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    data = written(Image.new(mode, (5, 3)), kind)

    assert figures.attach(data=data, by=owner).width == 5


def test_only_who_writes_documents_attaches(reviewer: User) -> None:
    with pytest.raises(Refused):
        figures.attach(data=PNG, by=reviewer)


def test_a_figure_is_seen_by_who_sees_its_document_and_by_who_brought_it(
    owner: User, reviewer: User, outsider: User, as_user: AsUser
) -> None:
    version = factories.version()
    figure = factories.figure(by=owner)
    address = figure.get_absolute_url()
    assert [as_user(one).get(address).status_code for one in (owner, reviewer)] == [200, 404]

    factories.save(version, figure=figure)

    assert [as_user(one).get(address).status_code for one in (owner, reviewer, outsider)] == [200, 200, 404]


def test_naming_a_digest_is_not_seeing_it(owner: User) -> None:
    """Who knows a digest and not the picture writes it into a card of theirs: they still do not see it."""
    stranger = factories.member("owner", "stranger")
    figure = factories.figure(by=owner)

    factories.save(factories.version(), figure=figure, by=stranger)

    assert not figure.documents.exists()
    assert not Figure.objects.visible_to(stranger).exists()


def test_two_who_bring_the_same_picture_both_see_it(owner: User) -> None:
    other = factories.member("owner", "other")

    assert factories.figure(by=owner) == factories.figure(by=other)
    assert Figure.objects.visible_to(other).count() == 1


def test_an_inactive_account_sees_no_figure(owner: User) -> None:
    factories.figure(by=owner)
    owner.is_active = False

    assert not Figure.objects.visible_to(owner).exists()


def test_a_figure_is_served_so_that_it_can_do_nothing(owner: User, as_user: AsUser) -> None:
    figure = factories.figure(by=owner)

    answer = as_user(owner).get(figure.get_absolute_url())

    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"].startswith("private, max-age=")
    again = as_user(owner).get(figure.get_absolute_url(), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_bytes_that_were_changed_on_disk_are_not_served(owner: User, as_user: AsUser) -> None:
    figure = factories.figure(by=owner)
    Path(default_storage.path(figure.place)).write_bytes(JPEG)

    with pytest.raises(Missing, match="not those that were uploaded"):
        figures.bytes_of(figure=figure)
    assert as_user(owner).get(figure.get_absolute_url()).status_code == 404


def test_bytes_that_are_gone_are_missing_and_no_error(owner: User, as_user: AsUser) -> None:
    figure = factories.figure(by=owner)
    default_storage.delete(figure.place)

    assert as_user(owner).get(figure.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("statement", ["UPDATE registry_figure SET size = 1", "DELETE FROM registry_figure"])
def test_a_figure_is_written_once(statement: str, owner: User) -> None:
    figure = factories.figure(by=owner)
    figure.holders.clear()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("column", "wrong"), [("digest", "x"), ("media_type", "image/gif"), ("width", 0), ("size", 0)]
)
def test_the_database_knows_what_a_figure_is(column: str, wrong: Any, owner: User) -> None:
    given = {"digest": "a" * 64, "media_type": "image/png", "width": 1, "height": 1, "size": 1} | {
        column: wrong
    }

    with pytest.raises(DatabaseError, match=r"figure_is|figure_digest"), transaction.atomic():
        Figure.objects.create(**given, by=owner)


def test_a_large_file_is_not_even_read() -> None:
    class Unreadable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(Invalid, match=r"50\.0 MB"):
        pictures.read(Unreadable(), 50_000_000)  # type: ignore[arg-type]
