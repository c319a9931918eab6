"""The chapters of a report: what the contents list, the headings and the bookmarks have in common."""

from __future__ import annotations

from typing import Any

from .environment import brief

Entry = dict[str, Any]

CHAPTERS = (
    ("summary", "Summary and clearance"),
    ("card", "Model card"),
    ("datasheets", "Datasheets"),
    ("lineage", "Lineage"),
    ("access", "Access policy and tokens"),
    ("decisions", "Decisions at the gate"),
    ("reviews", "Review history"),
    ("trail", "Trail excerpt"),
    ("verify", "How to verify this document"),
)
FIXED = {
    "summary": ("Verdict", "Clearance checklist", "Subject of this report", "Completeness of the evidence"),
    "access": ("Policies in force", "Tokens"),
    "decisions": (
        "Decisions per day",
        "Decisions by reason",
        "Decisions by caller",
        "Latest decisions",
        "Broken glass",
    ),
}


def outline(snapshot: dict[str, Any]) -> list[Entry]:
    """Every chapter with its number, anchor, title and sub-chapters, in the order of the document."""
    chapters = []
    for place, (key, title) in enumerate(CHAPTERS, start=1):
        parts = [
            {"number": f"{place}.{index}", "id": f"{key}-{index}", "title": brief(name)}
            for index, name in enumerate(_parts(key, snapshot), start=1)
        ]
        chapters.append({"number": str(place), "id": key, "title": title, "parts": parts})
    return chapters


def _parts(key: str, snapshot: dict[str, Any]) -> list[str]:
    if key == "card":
        return [section["title"] for section in (snapshot["card"] or {"sections": []})["sections"]][:60]
    if key == "datasheets":
        return [sheet["dataset"] for sheet in snapshot["datasheets"]][:60]
    return list(FIXED.get(key, ()))
