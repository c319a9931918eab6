"""Pictures inside a Model Card Toolkit file: examined as uploads are, kept as figures, written back."""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import Any

import jsonschema
import pytest
from django.core.files.storage import default_storage

from registry import canonical, formats, pictures
from registry.actions import documents, figures, imports
from registry.exporting import export_of
from registry.models import Figure, User, Version
from tests import factories
from tests.registry.formats.accounting import assert_accounted, content_of
from tests.registry.formats.toolkit_schema import SCHEMA

PNG, JPEG = factories.picture(), factories.picture("JPEG", colour="maroon")
IMAGE = "/quantitative_analysis/graphics/collection/{}/image"


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def toolkit(*images: str, name: str = "ROC") -> bytes:
    drawn = [{"name": f"{name} {at}", "image": image} for at, image in enumerate(images)]
    card = {"model_details": {"name": "m"}, "quantitative_analysis": {"graphics": {"collection": drawn}}}
    return json.dumps(card).encode()


def digest_of(data: bytes) -> str:
    return canonical.digest(pictures.examine(data).body)


def bomb(side: int) -> bytes:
    """A small PNG whose head claims `side` × `side` pixels, and whose data is cut off."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    rows = zlib.compress(bytes(side * 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_pictures_become_figures_with_their_names_as_captions() -> None:
    reading = formats.read(toolkit(b64(PNG), "data:image/jpeg;base64," + b64(JPEG)))

    assert_accounted(reading)
    assert content_of(reading)["analyses"]["figures"] == [
        {"digest": digest_of(PNG), "caption": "ROC 0", "alt": ""},
        {"digest": digest_of(JPEG), "caption": "ROC 1", "alt": ""},
    ]
    told = {leaf.path: leaf for leaf in reading.report}
    assert told[IMAGE.format(0)].outcome == "mapped"
    assert digest_of(PNG) in told[IMAGE.format(0)].reason


def test_pictures_of_a_dataset_are_taken_too() -> None:
    one = {"name": "train", "graphics": {"collection": [{"name": "Ages", "image": b64(PNG)}]}}

    reading = formats.read(json.dumps({"model_parameters": {"data": [one]}}).encode())

    assert content_of(reading)["analyses"]["figures"][0]["caption"] == "Ages"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("no base64!", "base64"),
        (b64(b"<svg onload=alert(1)>"), "neither a PNG nor a JPEG"),
        (b64(PNG[:60]), "damaged"),
        (b64(bomb(20_000)), "million pixels"),
        (b64(bomb(5_000)), "damaged"),
    ],
)
def test_a_bad_picture_is_dropped_with_the_reason_and_nothing_else_is_lost(bad: str, reason: str) -> None:
    reading = formats.read(toolkit(bad, b64(PNG)))

    told = {leaf.path: leaf for leaf in reading.report}
    assert told[IMAGE.format(0)].outcome == "dropped"
    assert reason in told[IMAGE.format(0)].reason
    assert [one["caption"] for one in content_of(reading)["analyses"]["figures"]] == ["ROC 1"]
    assert content_of(reading)["model_details"]["name"] == "m"


def test_many_bombs_in_one_file_cost_no_more_than_one_upload() -> None:
    began = time.perf_counter()

    reading = formats.read(toolkit(*[b64(bomb(6_000))] * 200))

    assert time.perf_counter() - began < 5
    assert sum("together" in leaf.reason for leaf in reading.report) == 199


def test_a_card_takes_fifty_figures() -> None:
    reading = formats.read(toolkit(*(b64(factories.picture(size=(n, 1))) for n in range(1, 53))))

    assert len(content_of(reading)["analyses"]["figures"]) == 50
    assert len(reading.pictures) == 50
    assert sum("50 figures" in leaf.reason for leaf in reading.report) == 2


@pytest.mark.django_db
def test_an_import_keeps_the_pictures_for_whoever_imported_them(owner: User) -> None:
    version = factories.version()

    factories.imported(toolkit(b64(PNG)).decode(), about=version, by=owner)

    figure = version.card.figures.get()
    assert (figure.digest, figure.by) == (digest_of(PNG), owner)
    assert figures.bytes_of(figure=figure) == pictures.examine(PNG).body


@pytest.mark.django_db
def test_whoever_uses_an_import_of_somebody_else_shows_its_pictures() -> None:
    version = factories.version()
    taken = factories.imported(toolkit(b64(PNG)).decode())
    factories.member("owner", "colleague")
    colleague = factories.member("auditor", "colleague")  # sees every import

    imports.use(one=taken, about=version, by=colleague)

    assert version.card.figures.get().digest == digest_of(PNG)


@pytest.mark.django_db
def test_a_dry_reading_keeps_nothing() -> None:
    formats.read(toolkit(b64(PNG)))

    assert not Figure.objects.exists()


def exported(version: Version, reader: User) -> dict[str, Any]:
    version = Version.objects.get(pk=version.pk)
    raw = formats.write("toolkit", export_of(version, "toolkit", reader=reader))
    card: dict[str, Any] = json.loads(raw)
    jsonschema.validate(card, SCHEMA)
    return card


@pytest.mark.django_db
def test_an_export_holds_the_pictures_and_comes_back_whole(owner: User) -> None:
    version = factories.version()
    figure = factories.figure()
    factories.save(version, figure=figure)

    card = exported(version, owner)

    (drawn,) = card["quantitative_analysis"]["graphics"]["collection"]
    assert drawn["name"] == "ROC"
    assert base64.b64decode(drawn["image"]) == figures.bytes_of(figure=figure)
    back = content_of(formats.read(json.dumps(card).encode()))
    assert back["analyses"]["figures"] == [{"digest": figure.digest, "caption": "ROC", "alt": ""}]


@pytest.mark.django_db
def test_an_export_without_the_bytes_names_the_figure(owner: User) -> None:
    version = factories.version()
    figure = factories.figure()
    factories.save(version, figure=figure)
    default_storage.delete(figure.place)

    assert exported(version, owner)["quantitative_analysis"]["graphics"]["collection"] == [{"name": "ROC"}]


@pytest.mark.django_db
def test_an_export_gives_no_picture_that_its_reader_may_not_see(owner: User) -> None:
    """A card may name any digest; the picture goes to those who may see it."""
    strange = factories.figure(by=factories.member("owner", "stranger"))
    version = factories.version()
    content = factories.complete("card")
    content["analyses"]["figures"] = [{"digest": strange.digest, "caption": "Theirs", "alt": ""}]
    documents.save(about=version, content=content, on_top_of=0, by=owner)

    assert exported(version, owner)["quantitative_analysis"]["graphics"]["collection"] == [{"name": "Theirs"}]
