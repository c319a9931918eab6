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
                            "answer": _shown(field, content) or "",
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
    return {
        "label": field.label,
        "value": _shown(field, content),
        "missing": not value(content, field.path),
    }


def _shown(field: Field, content: dict[str, Any]) -> Any:
    """A value as a report prints it: tables and figures by rows, an answer in its words.

    A figure is printed by its caption, its words and its digest: a report holds no picture, for it loads nothing but the
    shipped fonts.
    """
    given = value(content, field.path) or field.empty
    if field.kind == "choice":
        return next((option.label for option in field.options if option.value == given), given)
    if field.kind == "table":
        columns = [(column.key, column.label) for column in field.columns]
    elif field.kind == "figures":
        columns = [("caption", "Figure"), ("alt", "In words"), ("digest", "SHA-256")]
    else:
        return given
    rows = [[row.get(key, "") for key, _ in columns] for row in given]
    return {"columns": [label for _, label in columns], "rows": rows}
