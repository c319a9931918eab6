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
            {"title": section.title, "fields": [_field(field, head) for field in section.fields]}
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


def _field(field: Field, head: Revision) -> dict[str, Any]:
    given = value(head.content, field.path)
    shown = _figures(given or [], head) if field.kind == "figures" else _shown(field, head.content)
    return {"label": field.label, "value": shown, "missing": not given}


def _figures(given: list[dict[str, str]], head: Revision) -> dict[str, Any]:
    """Each figure by its digest, caption and words, and whether its picture is kept.

    A card may name any digest. Printed are the pictures that readers of the card may see: those that belong to it.
    """
    kept = set(head.document.figures.values_list("digest", flat=True))
    return {"figures": [one | {"kept": one["digest"] in kept} for one in given]}


def _shown(field: Field, content: dict[str, Any]) -> Any:
    """A value as a report prints it: tables by rows, an answer in its words."""
    given = value(content, field.path) or field.empty
    if field.kind == "choice":
        return next((option.label for option in field.options if option.value == given), given)
    if field.kind != "table":
        return given
    columns = [(column.key, column.label) for column in field.columns]
    rows = [[row.get(key, "") for key, _ in columns] for row in given]
    return {"columns": [label for _, label in columns], "rows": rows}
