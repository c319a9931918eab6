"""Card and datasheets as evidence: every field, and whether it is missing."""

from __future__ import annotations

from typing import Any

from audit.evidence.times import iso
from registry.documents.content import value
from registry.documents.outline import Field, outline
from registry.models import Dataset, Revision


def card(head: Revision | None) -> dict[str, Any] | None:
    """A card's revision by sections and fields, or None when there is no card."""
    if head is None:
        return None
    return _revision(head) | {
        "sections": [
            {"title": section.title, "fields": [_field(field, head.content) for field in section.fields]}
            for section in outline("card").sections
        ]
    }


def datasheet(dataset: Dataset) -> dict[str, Any]:
    """A dataset's datasheet by sections and questions; revision 0 when nobody wrote one."""
    head = dataset.datasheet.head if hasattr(dataset, "datasheet") else None
    content = head.content if head else {}
    described = _revision(head) if head else {"revision": 0, "digest": "", "author": "", "saved_at": ""}
    return (
        {"dataset": dataset.name}
        | described
        | {
            "sections": [
                {
                    "title": section.title,
                    "questions": [
                        {
                            "ask": field.label,
                            "answer": value(content, field.path) or "",
                            "missing": not value(content, field.path),
                        }
                        for field in section.fields
                    ],
                }
                for section in outline("datasheet").sections
            ]
        }
    )


def _revision(head: Revision) -> dict[str, Any]:
    return {
        "revision": head.number,
        "digest": head.digest,
        "author": head.by.get_username(),
        "saved_at": iso(head.created_at),
    }


def _field(field: Field, content: dict[str, Any]) -> dict[str, Any]:
    given = value(content, field.path) or field.empty
    shown: Any = given
    if field.kind == "table":
        columns = [column.label for column in field.columns]
        shown = {"columns": columns, "rows": [[row.get(c.key, "") for c in field.columns] for row in given]}
    return {"label": field.label, "value": shown, "missing": not given}
