"""What a first load of a page weighs: at most 120 kB over the wire, all of it together."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests import factories
from tests.pages.stand import Stand, furnished

pytestmark = pytest.mark.django_db

HEAVIEST = ["card-edit", "datasheet-edit", "review", "version-card", "version-lineage", "document-rules"]
MOST = 120_000  # bytes, compressed
MOST_SHEETS = 18  # requests for style sheets on one page
MOST_LINES = 300  # of one of them
PARTS = re.compile(rb'(?:href|src)="/static/([^"#]+)')


@pytest.fixture
def stand(settings: Any, tmp_path: Path) -> Stand:
    """One of everything."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    return furnished()


def test_the_heaviest_pages_are_light(stand: Stand, client: Client) -> None:
    client.force_login(factories.member("owner"))

    weights = {name: weight(client, stand.address(name)) for name in HEAVIEST if name != "document-rules"}
    weights["document-rules"] = weight(client, "/document-rules/")

    assert all(10_000 < one <= MOST for one in weights.values()), weights


def test_style_sheets_are_short_and_no_page_asks_for_many(stand: Stand, client: Client) -> None:
    client.force_login(factories.member("owner"))
    page = client.get(stand.address("card-edit")).content
    sheets = [name.decode() for name in PARTS.findall(page) if name.endswith(b".css")]

    assert len(set(sheets)) == len(sheets) <= MOST_SHEETS
    for sheet in Path(str(finders.find("css/base.css"))).parent.glob("*.css"):
        assert len(sheet.read_text().splitlines()) < MOST_LINES, sheet.name


def test_pages_and_style_sheets_are_sent_compressed_and_the_interface_is_not(
    stand: Stand, client: Client
) -> None:
    client.force_login(factories.member("owner"))

    def encoding(path: str) -> str:
        answer = client.get(path, headers={"accept-encoding": "gzip"})
        answer.getvalue()  # a style sheet is streamed from its file: read to its end, it closes itself
        return answer.headers.get("Content-Encoding", "")

    assert encoding("/models/") == "gzip"
    assert encoding("/static/css/components.css") == "gzip"
    assert encoding("/api/v1/models/") == ""


def weight(client: Client, path: str) -> int:
    """The page and every file that it names, compressed."""
    answer = client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    body = gzip.decompress(answer.content)
    files = [finders.find(name.decode()) for name in set(PARTS.findall(body)) | {b"icons.svg"}]
    return len(answer.content) + sum(len(gzip.compress(Path(str(one)).read_bytes(), 6)) for one in files)
