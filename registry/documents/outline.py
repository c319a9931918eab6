"""The outline of a document kind: sections and fields, read from YAML. Forms, pages, the published JSON Schema,
completeness and reports are all made from it, so that a field exists in one place only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ASIDE = frozenset({"identity", "scope"})  # sections of a datasheet beside its 57 questions
FIGURE = {"digest": 64, "caption": 500, "alt": 500}  # what a figure carries, and its longest text


@dataclass(frozen=True)
class Column:
    """A column of a table field."""

    key: str
    label: str


@dataclass(frozen=True)
class Option:
    """An answer of a choice field."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field. `kind` is line, prose, lines, table, choice or figures; `path` is "section.key".

    `applies` names the answer of the section "scope" that would leave the field out: see `asked`.
    """

    section: str
    key: str
    label: str
    kind: str
    help: str = ""
    required: bool = False
    columns: tuple[Column, ...] = ()
    options: tuple[Option, ...] = ()
    applies: str = "all"
    open: bool = False  # "anything else?": empty is an answer

    @property
    def path(self) -> str:
        return f"{self.section}.{self.key}"

    @property
    def empty(self) -> Any:
        """The value of a field nobody has filled in."""
        return [] if self.kind in ("lines", "table", "figures") else ""

    def asked(self, content: dict[str, Any]) -> bool:
        """Whether the field has to be answered in a document with this content: yes, unless its gate says no.

        Gebru et al. let a whole block be skipped when a dataset does not relate to people. A gate that nobody has
        answered, or with "unsure", asks: leaving out is a decision that somebody takes.
        """
        return self.applies == "all" or content.get("scope", {}).get(self.applies) != "no"


@dataclass(frozen=True)
class Section:
    """A titled group of fields."""

    key: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Outline:
    """A whole document kind."""

    kind: str
    schema: str
    title: str
    sections: tuple[Section, ...]

    def fields(self) -> Iterator[Field]:
        for section in self.sections:
            yield from section.fields

    def field(self, path: str) -> Field | None:
        """The field at "section.key", if there is one."""
        return next((one for one in self.fields() if one.path == path), None)

    def name_of(self, field: Field) -> str:
        """The label of a field, with its section where another section has a field of the same name."""
        if sum(one.label == field.label for one in self.fields()) == 1:
            return field.label
        section = next(one for one in self.sections if one.key == field.section)
        return f"{section.title}: {field.label}"


@cache
def outline(kind: str) -> Outline:
    """The outline of "card" or "datasheet"."""
    raw = yaml.safe_load((HERE / f"{kind}.yaml").read_text())
    sections = tuple(
        Section(one["key"], one["title"], tuple(_field(one["key"], field) for field in one["fields"]))
        for one in raw["sections"]
    )
    return Outline(kind, raw["schema"], raw["title"], sections)


def _field(section: str, raw: dict[str, Any]) -> Field:
    return Field(
        section=section,
        key=raw["key"],
        label=raw["label"],
        kind=raw["kind"],
        help=raw.get("help", ""),
        required=raw.get("required", False),
        columns=tuple(Column(one["key"], one["label"]) for one in raw.get("columns", [])),
        options=tuple(Option(one["value"], one["label"]) for one in raw.get("options", [])),
        applies=raw.get("applies", "all"),
        open=raw.get("open", False),
    )


def json_schema(kind: str) -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a document kind."""
    plan = outline(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{plan.schema.replace('/', ':')}",
        "title": plan.title,
        "type": "object",
        "additionalProperties": False,
        "required": ["schema"],
        "properties": {"schema": {"const": plan.schema}, "unaccepted": _unaccepted(plan)}
        | {
            section.key: {
                "title": section.title,
                "type": "object",
                "additionalProperties": False,
                "properties": {field.key: _value_schema(field) for field in section.fields},
            }
            for section in plan.sections
        },
    }


def _unaccepted(plan: Outline) -> dict[str, Any]:
    return {
        "title": "Proposed and not yet accepted",
        "description": "Path of a field → where its value comes from. A person accepts it, or writes their own.",
        "type": "object",
        "propertyNames": {"enum": [field.path for field in plan.fields()]},
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 500},
    }


def _value_schema(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"title": field.label} | ({"description": field.help} if field.help else {})
    if field.kind == "choice":
        return described | {"enum": ["", *(option.value for option in field.options)]}
    if field.kind == "figures":
        return described | {"type": "array", "items": _figure_schema(), "maxItems": 50}
    if field.kind == "lines":
        return described | {"type": "array", "items": {"type": "string", "maxLength": 500}, "maxItems": 500}
    if field.kind == "table":
        row = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                c.key: {"title": c.label, "type": "string", "maxLength": 500} for c in field.columns
            },
        }
        return described | {"type": "array", "items": row, "maxItems": 500}
    return described | {"type": "string", "maxLength": 300 if field.kind == "line" else 40_000}


def _figure_schema() -> dict[str, Any]:
    """A figure is named by the SHA-256 of its bytes; the bytes lie beside the documents."""
    texts: dict[str, Any] = {key: {"type": "string", "maxLength": most} for key, most in FIGURE.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["digest"],
        "properties": texts | {"digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
    }
