"""The content of a document: a plain dictionary after its outline. Reading, checking, comparing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from registry.documents.outline import ASIDE, FIGURE, Field, json_schema, outline
from registry.errors import Invalid


@dataclass(frozen=True)
class Change:
    """A field that differs between two revisions."""

    field: Field
    before: Any
    after: Any


def blank(kind: str) -> dict[str, Any]:
    """An empty document of this kind."""
    plan = outline(kind)
    return {"schema": plan.schema} | {
        section.key: {field.key: field.empty for field in section.fields} for section in plan.sections
    }


def value(content: dict[str, Any], path: str) -> Any:
    """The value at "section.key", or None."""
    section, _, key = path.partition(".")
    return content.get(section, {}).get(key)


def tidy(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content with every field present, text stripped and empty lines and rows dropped.

    Two contents that a reader could not tell apart get the same bytes. Raises `Invalid` when it does not fit the schema.
    """
    check(kind, content)
    tidied = blank(kind)
    for field in outline(kind).fields():
        given = value(content, field.path)
        if given is not None:
            tidied[field.section][field.key] = _tidy_value(field, given)
    waiting = {
        path: source for path, source in content.get("unaccepted", {}).items() if value(tidied, path)
    }  # an emptied field has nothing left to accept
    return tidied | ({"unaccepted": waiting} if waiting else {})


def check(kind: str, content: dict[str, Any]) -> None:
    """Raise `Invalid` naming each field that does not fit the published schema."""
    problems: dict[str, list[str]] = {}
    for error in _validator(kind).iter_errors(content):
        path = ".".join(str(part) for part in error.absolute_path) or "document"
        problems.setdefault(path, []).append(_said(error))
    if problems:
        raise Invalid(fields=problems)


def completeness(kind: str, content: dict[str, Any]) -> tuple[int, int]:
    """(fields filled in, fields to fill in). A datasheet counts its questions; one left out by its scope does not count."""
    fields = [f for f in outline(kind).fields() if f.section not in ASIDE and f.asked(content)]
    return sum(bool(value(content, field.path)) for field in fields), len(fields)


def changes(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> list[Change]:
    """The fields that differ, in the order of the outline."""
    old = before or blank(kind)
    return [
        Change(field, value(old, field.path), value(after, field.path))
        for field in outline(kind).fields()
        if (value(old, field.path) or field.empty) != (value(after, field.path) or field.empty)
    ]


def _said(error: ValidationError) -> str:
    """What is wrong, in a sentence. What was given is not repeated when it is too long."""
    given: Any = error.instance
    if error.validator == "maxLength":
        return f"Use at most {error.validator_value} characters; these are {len(given)}."
    if error.validator == "maxItems":
        return f"Give at most {error.validator_value} rows; these are {len(given)}."
    return f"{error.message[:200]}."


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(kind))


def _tidy_value(field: Field, given: Any) -> Any:
    if field.kind == "lines":
        return [line.strip() for line in given if line.strip()]
    if field.kind == "table":
        rows = [{column.key: row.get(column.key, "").strip() for column in field.columns} for row in given]
        return [row for row in rows if any(row.values())]
    if field.kind == "figures":
        rows = [{key: figure.get(key, "").strip() for key in FIGURE} for figure in given]
        return [row for place, row in enumerate(rows) if row not in rows[:place]]
    return given.replace("\r\n", "\n").strip()
