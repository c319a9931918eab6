"""The report document: same bytes for the same snapshot, true page numbers, and hostile text stays text."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from audit.reports import render
from tests.audit.sample_snapshot import snapshot

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, str]]:
    return []


@pytest.fixture(scope="module")
def document(steps: list[tuple[int, str]]) -> bytes:
    return render.pdf(snapshot(), progress=lambda percent, sentence: steps.append((percent, sentence)))


@pytest.fixture(scope="module")
def reader(document: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(document))


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def test_every_page_number_in_the_contents_is_the_page_of_its_heading(reader: PdfReader) -> None:
    contents = reader.pages[1].extract_text()
    printed = re.findall(r"^(\d(?:\.\d+)?)\s*(\D.*?)\s*\.{3,}\s*(\d+)\s*$", contents, re.MULTILINE)
    headings = [entry for chapter in render.outline(snapshot()) for entry in (chapter, *chapter["parts"])]

    assert [number for number, _, _ in printed] == [entry["number"] for entry in headings]
    for number, title, page in printed:
        body = " ".join(reader.pages[int(page) - 1].extract_text().split())
        assert f"{number} {title.strip()}" in body, (number, title, page)


def test_bookmarks_name_every_chapter_and_lead_to_its_page(reader: PdfReader) -> None:
    tops = [entry for entry in reader.outline if not isinstance(entry, list)]

    assert [entry.title for entry in tops] == [
        "Contents",
        *(f"{chapter['number']} {chapter['title']}" for chapter in render.outline(snapshot())),
    ]
    for entry in tops:
        page = reader.pages[reader.get_destination_page_number(entry)]
        assert entry.title in " ".join(page.extract_text().split())


def test_every_page_but_the_cover_carries_title_digest_and_its_number(reader: PdfReader) -> None:
    stamp = render.digest(snapshot())
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        if number == 1:
            assert stamp in text
            assert "Page 1 of" not in text
        else:
            assert f"Page {number} of {len(reader.pages)}" in text
            assert f"SHA-256 {stamp[:12]}" in text
            assert "Audit report: credit-scorer, version 2" in text


def test_the_snapshot_is_attached_once_and_has_the_printed_digest(reader: PdfReader) -> None:
    attached = reader.attachments["snapshot.json"]

    assert len(attached) == 1
    assert json.loads(attached[0]) == snapshot()
    assert hashlib.sha256(attached[0]).hexdigest() in text_of(reader)


def test_the_file_claims_archival_and_accessible_form_and_is_tagged(
    document: bytes, reader: PdfReader
) -> None:
    catalog: Any = reader.trailer["/Root"]
    packet = catalog["/Metadata"].get_object().get_data()

    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/Lang"] == "en"
    assert len(catalog["/AF"]) == 1
    assert b"pdfaid:part" in packet
    assert b'pdfuaid:part="1"' in packet
    assert reader.metadata is not None
    assert reader.metadata.title == "Audit report: credit-scorer, version 2"
    assert "20261123140500" in str(reader.metadata.creation_date_raw)


def test_every_font_is_shipped_and_embedded(reader: PdfReader) -> None:
    names = set()
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[union-attr]
            names.add(str(font.get_object()["/BaseFont"]).split("+")[-1])

    assert names
    assert {name.split("-")[0] for name in names} <= {"Inter", "Plex"}


def test_progress_only_rises_and_ends_at_a_hundred(document: bytes, steps: list[tuple[int, str]]) -> None:
    percents = [percent for percent, _ in steps]

    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert any("Laying out page" in sentence for _, sentence in steps)


def test_two_processes_write_the_same_bytes_whatever_their_seed_and_clock(document: bytes) -> None:
    code = (
        "import sys, hashlib; from audit.reports import render;"
        "from tests.audit.sample_snapshot import snapshot;"
        "sys.stdout.write(hashlib.sha256(render.pdf(snapshot())).hexdigest())"
    )
    env = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "TZ": "Pacific/Auckland",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
    }

    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert ran.stdout == hashlib.sha256(document).hexdigest()


def test_facts_of_the_lineage_are_printed_and_too_many_are_counted(reader: PdfReader) -> None:
    text = " ".join(text_of(reader).split())

    assert "Run: 7f0c9b6e; Parameter p0: 0; " in text
    assert "Parameter p58: 58; and 11 more in the attached snapshot.json" in text


def test_what_is_missing_is_printed_as_missing() -> None:
    empty = snapshot(
        system=None,
        clearances=[],
        card=None,
        datasheets=[],
        lineage={"nodes": [], "edges": []},
        policies=[],
        tokens=[],
        reviews=[],
        trail=[],
        completeness=[],
        decisions={
            "from": "2026-11-01",
            "to": "2026-11-23",
            "total": 0,
            "allowed": 0,
            "denied": 0,
            "by_reason": [],
            "by_day": [],
            "by_caller": [],
            "recent": [],
        },
    )

    text = " ".join(text_of(PdfReader(io.BytesIO(render.pdf(empty)))).split())

    for sentence in (
        "No environment has been assessed",
        "The model belongs to no system",
        "This version has no model card.",
        "No datasheet describes the data",
        "No lineage was recorded.",
        "No policy is in force",
        "No token names this model.",
        "The gate decided nothing in this period.",
        "No revision was ever submitted",
        "The trail holds no entry",
    ):
        assert sentence in text


HOSTILE = (
    "<script>alert(1)</script><img src='file:///etc/passwd'><link rel=attachment href='file:///etc/passwd'>"
    "<style>@page{size:3mm}</style><a rel=attachment href='file:///etc/hosts'>x</a> ![i](file:///etc/passwd) "
    "[l](javascript:alert(1)) <http://elsewhere.example/> {{ 7*7 }} {% for x in y %} \x00\u202e &amp; "
)


def hostile(value: Any, text: str) -> Any:
    """The snapshot with `text` after every string that is not a time, a digest or a code."""
    if isinstance(value, dict):
        plain = {"kind", "id", "from", "to", "day"}
        return {
            key: inner if key in plain or key.endswith("_at") else hostile(inner, text)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [hostile(inner, text) for inner in value]
    return value + text if isinstance(value, str) else value


def test_hostile_text_everywhere_stays_text() -> None:
    made = hostile(snapshot(reviews=snapshot()["reviews"][:1], trail=snapshot()["trail"][:2]), HOSTILE)
    made["lineage"] = {
        "nodes": [{**node, "label": HOSTILE} for node in snapshot()["lineage"]["nodes"]],
        "edges": snapshot()["lineage"]["edges"],
    }

    page = render.html(made)
    document = PdfReader(io.BytesIO(render.pdf(made)))

    assert set(re.findall(r"<(script|img|link|style|object|iframe|base)\b", page)) == set()
    assert set(re.findall(r'<a\b[^>]*href="([^#"][^"]*)"', page)) == set()
    assert "49" not in re.findall(r"\{\{.*?\}\}", page)
    assert list(document.attachments) == ["snapshot.json"]
    assert not [
        link
        for p in document.pages
        for link in p.get("/Annots", [])
        if "/URI" in link.get_object().get("/A", {})
    ]


def test_a_hundred_thousand_letters_without_a_space_are_cut_with_a_sentence() -> None:
    made = snapshot(datasheets=[], reviews=[])
    endless = "W" * 100_000
    made["card"]["sections"][0]["fields"] = [
        {"label": endless, "value": endless, "missing": False},
        {"label": "List", "value": [endless], "missing": False},
        {
            "label": "Table",
            "value": {"columns": [endless, "b"], "rows": [[endless, endless]]},
            "missing": False,
        },
    ]
    made["model"]["name"] = endless
    made["trail"][0]["sentence"] = endless
    made["system"]["intended_purpose"] = endless

    text = " ".join(text_of(PdfReader(io.BytesIO(render.pdf(made)))).split())

    assert "characters; the whole text is in the attached snapshot.json" in text


def test_long_lists_are_cut_at_two_hundred_rows_and_say_so() -> None:
    entry = snapshot()["trail"][0]

    page = render.html(snapshot(trail=[entry] * 250))

    assert page.count(entry["digest"]) == 200
    assert "The first 200 of 250 entries are printed" in page


def test_a_document_longer_than_the_cap_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MOST_PAGES", 4)

    with pytest.raises(render.RenderError, match=r"longer than 4 pages\. Shorten"):
        render.pdf(snapshot())


@pytest.mark.parametrize(
    "value", [1.5, object(), {1: "a"}, float("nan"), 2**60], ids=["decimal", "object", "key", "nan", "huge"]
)
def test_only_plain_data_is_rendered(value: Any) -> None:
    with pytest.raises(render.RenderError, match="snapshot"):
        render.pdf(snapshot(extra=value))


def test_a_snapshot_without_its_parts_is_refused_in_a_sentence() -> None:
    with pytest.raises(render.RenderError, match="shape of a report"):
        render.pdf({"taken_at": "2026-11-23T14:05:00Z"})
    with pytest.raises(render.RenderError, match="when it was taken"):
        render.pdf({})


@pytest.mark.parametrize(
    "tag",
    [
        "<img src='file:///etc/passwd'>",
        "<img src='http://127.0.0.1:9/x.png'>",
        "<img src='data:image/svg+xml,<svg/>'>",
        "<img src='asset:../render.py'>",
        "<link rel=stylesheet href='https://127.0.0.1:9/a.css'>",
    ],
)
def test_a_template_that_loads_anything_but_fonts_is_refused(tag: str) -> None:
    from audit.reports import press

    with pytest.raises(render.RenderError, match="may not load"):
        press.lay_out(f"<html><body>{tag}</body></html>", "")
