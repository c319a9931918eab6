"""A first draft of a card from what the tracking server said. Every value is a proposal until somebody saves it."""

from __future__ import annotations

from typing import Any

from registry.documents import content as contents
from registry.documents.outline import Field, outline
from registry.models import Version


def card(version: Version) -> tuple[dict[str, Any], dict[str, str]]:
    """(content, sources): a card filled with proposals, and for each filled field in words where it comes from."""
    content = contents.blank("card")
    sources: dict[str, str] = {}
    plan = outline("card")
    for proposal in version.proposals:
        field = plan.field(proposal["field"])
        if field is None:
            continue
        fitted = _fit(field, proposal["value"])
        if fitted:
            content[field.section][field.key] = fitted
            sources[field.path] = proposal["source"]
    return content, sources


def fill(content: dict[str, Any], version: Version) -> tuple[dict[str, Any], dict[str, str]]:
    """Proposals put into the empty fields of `content`; what a person wrote is never touched."""
    proposed, sources = card(version)
    filled = contents.tidy("card", content)
    taken = {}
    for path, source in sources.items():
        section, _, key = path.partition(".")
        if not filled[section][key]:
            filled[section][key] = proposed[section][key]
            taken[path] = source
    return filled, taken


def _fit(field: Field, given: Any) -> Any:
    if field.kind == "table" and isinstance(given, list):
        return [{column.key: _text(row.get(column.key, "")) for column in field.columns} for row in given]
    if field.kind == "lines":
        lines = given.splitlines() if isinstance(given, str) else given
        return [_text(line.get("name") if isinstance(line, dict) else line) for line in lines]
    return _text(given)[: 300 if field.kind == "line" else 40_000]


def _text(given: Any) -> str:
    if isinstance(given, float):
        return f"{given:.4f}"
    return "" if given is None else str(given)
