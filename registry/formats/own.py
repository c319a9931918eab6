"""Cards and datasheets in our own JSON: the canonical bytes of a revision, whose SHA-256 is its digest."""

from __future__ import annotations

import json
from typing import Any

from registry import canonical
from registry.documents.outline import outline
from registry.formats.ledger import Ledger, Reading, Subject
from registry.formats.reading import Unreadable, below, json_tree, text_of
from registry.formats.writing import Export

KINDS = {outline(kind).schema: kind for kind in ("card", "datasheet")}
PLACES = {field.path: f"`{field.path}`" for kind in ("card", "datasheet") for field in outline(kind).fields()}


def is_mine(tree: dict[str, Any]) -> bool:
    """Whether the JSON says that it is a card or a datasheet of ours."""
    return tree.get("schema") in list(KINDS)


def read(raw: bytes, source: str) -> Reading:
    """The document field by field; what fits no field is kept unmapped."""
    tree = json_tree(text_of(raw))
    if not isinstance(tree, dict) or not is_mine(tree):
        raise Unreadable(f'The JSON has no "schema" of {" or ".join(KINDS)}.')
    kind = KINDS[tree["schema"]]
    ledger = Ledger(kind, tree)
    ledger.drop("/schema", "It names the format.")
    for field in outline(kind).fields():
        section = tree.get(field.section)
        value = section.get(field.key) if isinstance(section, dict) else None
        put(ledger, field.path, value, below(f"/{field.section}", field.key))
    details = tree.get("model_details")
    named = details if isinstance(details, dict) else {}
    return ledger.close("own", source, Subject(str(named.get("name", "")), str(named.get("version", ""))))


def put(ledger: Ledger, to: str, value: Any, path: str) -> None:
    """A value in the shape of a field of ours, to that field."""
    field = outline(ledger.kind).field(to)
    if field is None:
        return
    if field.kind == "prose":
        ledger.prose(to, value, path)
    elif field.kind == "choice":
        if value in [option.value for option in field.options]:
            ledger.line(to, value, path)
    elif field.kind == "line":
        ledger.line(to, value, path)
    elif field.kind == "lines":
        for at, line in enumerate(value if isinstance(value, list) else []):
            ledger.item(to, line, f"{path}/{at}", exact=True)
    else:
        keys = {column.key for column in field.columns} or {"digest", "caption", "alt"}
        for at, row in enumerate(value if isinstance(value, list) else []):
            known = {key: row[key] for key in row if key in keys} if isinstance(row, dict) else {}
            cells = {key: (cell, (below(f"{path}/{at}", key),)) for key, cell in known.items()}
            ledger.row(to, cells, exact=True)


def said(value: Any) -> str:
    """A field's value as one text: itself, or JSON for lists and tables. `back` reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def back(ledger: Ledger, to: str, text: str, path: str) -> None:
    """The text that `said` made of a field, back to the field: accounted for as one value."""
    field = outline(ledger.kind).field(to)
    if field is None or field.kind in ("line", "prose", "choice"):
        put(ledger, to, text, path)
        return
    try:
        inner = json_tree(text)
    except Unreadable:
        return
    aside = Ledger(ledger.kind, inner)
    put(aside, to, inner, "")
    taken = aside.values.get(to, [])
    for one in taken:
        if isinstance(one, dict):
            ledger.row(to, {column: (cell, ()) for column, cell in one.items()}, exact=True)
        else:
            ledger.item(to, one, exact=True)
    if taken and not aside.close("", "").unmapped and all(one in ledger.values.get(to, []) for one in taken):
        ledger.claim(to, path)


def write(given: Export) -> bytes:
    """The canonical bytes (RFC 8785)."""
    return canonical.canonical(given.content)
