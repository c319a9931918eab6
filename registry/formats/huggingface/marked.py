"""Fields between marks in the body of a README that was written here: `<!-- cardinal: section.key -->`.

Readers do not see the marks; they let every field come back as it was, whatever headings its text holds.
"""

from __future__ import annotations

import re
from typing import Any

from registry.documents.outline import FIGURE, Field, outline
from registry.formats.huggingface.headings import END, MARK

OPENED = re.compile(r"<!-- cardinal: ([a-z_]+\.[a-z_]+) -->")
ESCAPED = re.compile(r"\\+<!-- cardinal: ")


def columns(field: Field) -> tuple[str, ...]:
    """The columns of a table or of figures."""
    return tuple(FIGURE) if field.kind == "figures" else tuple(column.key for column in field.columns)


def block(field: Field, value: Any) -> str:
    """A field's value as Markdown, between its marks."""
    return "\n\n".join([MARK.format(field.path), _shown(field, value), END])


def fields_of(body: str) -> tuple[dict[str, Any], str]:
    """(what stands between marks, the rest of the body)."""
    if MARK.split("{", 1)[0] not in body:
        return {}, body
    found: dict[str, Any] = {}
    rest: list[str] = []
    path, lines = "", []
    for line in body.split("\n"):
        if path:
            if line.strip() != END:
                lines.append(line)
                continue
            found[path] = _value(path, "\n".join(lines).strip())
            path, lines = "", []
        elif (opened := OPENED.fullmatch(line.strip())) and opened[1] not in found:
            path = opened[1]
            while rest and (not rest[-1].strip() or rest[-1].startswith("#")):
                rest.pop()  # the headings above it are for readers
        elif line.strip() != END:
            rest.append(line)
    return found, "\n".join([*rest, *lines])  # a mark that is never closed opens nothing


def _shown(field: Field, value: Any) -> str:
    if field.kind == "lines":
        return "\n".join(f"- {_escaped(line)}" for line in value)
    if field.kind in ("table", "figures"):
        keys = columns(field)
        rows = ["| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
        rows += ["| " + " | ".join(_cell(row.get(key, "")) for key in keys) + " |" for row in value]
        return "\n".join(rows)
    return _escaped(value)


def _value(path: str, text: str) -> Any:
    field = outline("card").field(path)
    lines = [line for line in text.split("\n") if line.strip()]
    if field is not None and field.kind == "lines":
        return [_unescaped(line.removeprefix("- ")) for line in lines]
    if field is not None and field.kind in ("table", "figures"):
        rows = [[_uncell(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in lines]
        keys = columns(field)
        whole = len(rows) > 2 and rows[0] == list(keys) and all(len(row) == len(keys) for row in rows)
        return [dict(zip(keys, row, strict=True)) for row in rows[2:]] if whole else text
    return _unescaped(text)


def _escaped(text: str) -> str:
    return re.sub(r"^(\s*)(\\*<!-- cardinal: )", r"\1\\\2", text, flags=re.MULTILINE)


def _unescaped(text: str) -> str:
    return re.sub(r"^(\s*)\\(\\*<!-- cardinal: )", r"\1\2", text, flags=re.MULTILINE)


def _cell(text: str) -> str:
    return text.replace("&", "&amp;").replace("|", "&#124;").replace("\n", "&#10;").replace("\r", "&#13;")


def _uncell(text: str) -> str:
    return text.replace("&#13;", "\r").replace("&#10;", "\n").replace("&#124;", "|").replace("&amp;", "&")
