"""Two contents side by side: texts with their changed words marked, tables row by row."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from registry.documents import content as contents
from registry.documents.outline import Column, Field, outline
from registry.templatetags.changes import compare

FIGURE_COLUMNS = (Column("caption", "Caption"), Column("alt", "In words"), Column("digest", "SHA-256"))
ALIKE = 0.5  # the share of equal cells from which a removed and an added row are one row that changed
MOST_PAIRS = 10_000  # comparisons of rows in one stretch; beyond it rows are paired by place


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
    return {
        "label": label,
        "path": field.path,
        "columns": [column.label for column in columns_of(field)],
        "rows": [
            {"before": old, "after": new, "change": change, "cells": list(zip(old, new, strict=True))}
            for change, old, new in _rows(_cells(field, before), _cells(field, after))
        ],
    }


def columns_of(field: Field) -> tuple[Column, ...]:
    """The columns in which a table or a list of figures is shown."""
    return FIGURE_COLUMNS if field.kind == "figures" else field.columns


def _cells(field: Field, given: Any) -> list[list[str]]:
    return [[row.get(column.key, "") for column in columns_of(field)] for row in given or []]


def _rows(before: list[list[str]], after: list[list[str]]) -> list[tuple[str, list[str], list[str]]]:
    """Every row of both, aligned: (same, changed, removed or added; cells before; cells after)."""
    aligned: list[tuple[str, list[str], list[str]]] = []
    matcher = SequenceMatcher(None, [*map(tuple, before)], [*map(tuple, after)], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            aligned += [("same", row, row) for row in before[a:b]]
        else:
            aligned += _stretch(before[a:b], after[c:d])
    return aligned


def _stretch(gone: list[list[str]], come: list[list[str]]) -> list[tuple[str, list[str], list[str]]]:
    """Rows that differ: those that are alike belong together, the rest were removed or added."""
    partners: dict[int, int] = {}
    if len(gone) * len(come) <= MOST_PAIRS:
        for n, old in enumerate(gone):
            free = [m for m in range(len(come)) if m not in partners.values()]
            best = max(free, key=lambda m: _alike(old, come[m]), default=None)
            if best is not None and _alike(old, come[best]) >= ALIKE:
                partners[n] = best
    else:
        partners = {n: n for n in range(min(len(gone), len(come)))}
    rows = [
        ("changed", old, come[partners[n]]) if n in partners else ("removed", old, [""] * len(old))
        for n, old in enumerate(gone)
    ]
    taken = set(partners.values())
    return rows + [("added", [""] * len(new), new) for m, new in enumerate(come) if m not in taken]


def _alike(old: list[str], new: list[str]) -> float:
    return sum(a == b for a, b in zip(old, new, strict=True)) / len(old)
