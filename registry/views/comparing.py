"""Two contents side by side: texts with their changed words marked, tables row by row."""

from __future__ import annotations

from typing import Any

from registry.documents import content as contents
from registry.documents.outline import Column, Field, outline
from registry.templatetags.changes import aligned_rows, compare

FIGURE_COLUMNS = (Column("digest", "Picture"), Column("caption", "Caption"), Column("alt", "In words"))
LONG = 40  # characters, from which a cell is read as a text
ENOUGH_ROWS = 3  # from here on a value that every row shares is said once


def comparison(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """What differs: `texts` as (label, before, after), and `tables` with their rows, in the order of the outline."""
    texts, tables = [], []
    for change in contents.changes(kind, before, after):
        label = name_of(kind, change.field)
        if change.field.kind in ("table", "figures"):
            tables.append(_table(change.field, label, change.before, change.after))
        else:
            texts.append(
                (
                    label,
                    as_text(change.field, change.before),
                    as_text(change.field, change.after),
                )
            )
    return {"texts": texts, "tables": tables, "count": len(texts) + len(tables)}


def by_field(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path of a field that differs → its `text` with the changed words marked on both sides, or its `table` of rows."""
    found: dict[str, dict[str, Any]] = {}
    for change in contents.changes(kind, before, after):
        field, label = change.field, name_of(kind, change.field)
        if field.kind in ("table", "figures"):
            found[field.path] = {"table": _table(field, label, change.before, change.after)}
        else:
            texts = as_text(field, change.before), as_text(field, change.after)
            found[field.path] = {"text": compare(label, *texts)}
    return found


def name_of(kind: str, field: Field) -> str:
    """What the field is called in its kind of document."""
    return outline(kind).name_of(field)


def as_text(field: Field, given: Any) -> str:
    """A field's value as plain text, one row a line."""
    if field.kind in ("table", "figures"):
        return "\n".join(" · ".join(filter(None, row)) for row in _cells(field, given))
    if field.kind == "choice":
        return next((option.label for option in field.options if option.value == given), given or "")
    return "\n".join(given) if isinstance(given, list) else given or ""


def _table(field: Field, label: str, before: Any, after: Any) -> dict[str, Any]:
    """The rows of both, aligned. A column that is empty is left out; one that says the same everywhere is said once."""
    rows = aligned_rows(_cells(field, before), _cells(field, after))
    columns = columns_of(field)
    values = [
        {side[n] for change, *sides in rows for side in sides if change in ("same", "changed") or any(side)}
        for n in range(len(columns))
    ]
    is_long = field.kind == "table" and len(rows) >= ENOUGH_ROWS
    shared = {n for n, found in enumerate(values) if is_long and len(found) == 1 and found != {""}}
    said = [n for n, found in enumerate(values) if found != {""}]
    shown = [n for n in said if n not in shared] or said
    return {
        "label": label,
        "path": field.path,
        "columns": [columns[n].label for n in shown],
        "shared": [(columns[n].label, next(iter(values[n]))) for n in sorted(shared) if n not in shown],
        "rows": [
            {
                "change": change,
                "cells": [
                    {
                        "label": columns[n].label,
                        "before": old[n],
                        "after": new[n],
                        "is_long": max(len(old[n]), len(new[n])) > LONG,
                        "is_picture": field.kind == "figures" and columns[n].key == "digest",
                    }
                    for n in shown
                ],
            }
            for change, old, new in rows
        ],
    }


def columns_of(field: Field) -> tuple[Column, ...]:
    """The columns in which a table or a list of figures is shown."""
    return FIGURE_COLUMNS if field.kind == "figures" else field.columns


def _cells(field: Field, given: Any) -> list[list[str]]:
    return [[row.get(column.key, "") for column in columns_of(field)] for row in given or []]
