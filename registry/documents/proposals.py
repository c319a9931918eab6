"""Values that somebody else proposes for a document: a tracking server, or a file that was imported.

A proposal fills a field that nobody has filled. The document carries its source under "unaccepted" until a person
accepts the value or writes another; what a person wrote is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.documents import content as contents
from registry.documents.outline import FIGURE, Field, outline

LONGEST = {"line": 300, "prose": 40_000}


@dataclass(frozen=True)
class Proposal:
    """A value for the field at `path` ("section.key"), and in words where it comes from."""

    path: str
    value: Any
    source: str


def offer(
    kind: str, content: dict[str, Any], proposals: Iterable[Proposal]
) -> tuple[dict[str, Any], dict[str, str]]:
    """(content with the proposals in it, {path: source} of those that were taken).

    A proposal is taken where the field is empty, or still holds an earlier proposal that nobody accepted. The first
    proposal for a field wins. Values are fitted to the field; what does not fit is left out.
    """
    filled = contents.tidy(kind, content)
    waiting = dict(filled.get("unaccepted", {}))
    taken: dict[str, str] = {}
    plan = outline(kind)
    for proposal in proposals:
        field = plan.field(proposal.path)
        if field is None or proposal.path in taken:
            continue
        held = filled[field.section][field.key]
        fitted = fit(field, proposal.value)
        if not fitted or (held and field.path not in waiting) or held == fitted:
            continue
        filled[field.section][field.key] = fitted
        taken[field.path] = proposal.source[:500]
    if waiting | taken:
        filled["unaccepted"] = waiting | taken
    return contents.tidy(kind, filled), taken


def accept(content: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The content with the proposals at `paths` accepted: their values stay, their marks go."""
    left = {path: source for path, source in content.get("unaccepted", {}).items() if path not in set(paths)}
    accepted = {key: value for key, value in content.items() if key != "unaccepted"}
    return accepted | ({"unaccepted": left} if left else {})


def fit(field: Field, given: Any) -> Any:
    """`given` in the shape of `field`, cut to its longest; empty when nothing of it fits."""
    if field.kind == "choice":
        return given if given in {option.value for option in field.options} else ""
    if field.kind == "table":
        rows = [row for row in given if isinstance(row, Mapping)] if isinstance(given, (list, tuple)) else []
        fitted = [
            {c.key: text(row.get(c.key, ""))[:500].strip() for c in field.columns} for row in rows[:500]
        ]
        return [row for row in fitted if any(row.values())]
    if field.kind == "figures":
        rows = [row for row in given if isinstance(row, Mapping)] if isinstance(given, (list, tuple)) else []
        return [{key: text(row.get(key, ""))[:most] for key, most in FIGURE.items()} for row in rows[:50]]
    if field.kind == "lines":
        lines = (
            given.splitlines()
            if isinstance(given, str)
            else given
            if isinstance(given, (list, tuple))
            else [given]
        )
        named = (line.get("name") if isinstance(line, Mapping) else line for line in lines)
        fitted_lines = [text(line)[:500].strip() for line in named]
        return [line for line in fitted_lines if line][:500]
    return text(given)[: LONGEST[field.kind]].strip()


def text(given: Any) -> str:
    """A value as a reader would write it. Decimal numbers keep four digits after the point."""
    if given is None:
        return ""
    if isinstance(given, float):
        return f"{given:.4f}"
    return str(given).replace("\x00", "")
