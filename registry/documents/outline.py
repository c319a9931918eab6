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


@dataclass(frozen=True)
class Column:
    """A column of a table field."""

    key: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field. `kind` is line, prose, lines or table; `path` is "section.key"."""

    section: str
    key: str
    label: str
    kind: str
    help: str = ""
    required: bool = False
    columns: tuple[Column, ...] = ()
    applies: str = "all"

    @property
    def path(self) -> str:
        return f"{self.section}.{self.key}"

    @property
    def empty(self) -> Any:
        """The value of a field nobody has filled in."""
        return [] if self.kind in ("lines", "table") else ""


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
        applies=raw.get("applies", "all"),
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
        "properties": {"schema": {"const": plan.schema}}
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


def _value_schema(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"title": field.label} | ({"description": field.help} if field.help else {})
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
