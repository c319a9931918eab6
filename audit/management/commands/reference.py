"""Writes the reference that is made from code, or checks that what is committed still equals it."""

from __future__ import annotations

import dataclasses
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.phrases import PHRASES
from governance import reviews
from governance.client.command.manual import manual
from governance.gate import outcomes, reasons
from governance.roles import ROLES
from registry import formats
from registry.documents.outline import Field, json_schema, outline
from registry.documents.strictness import CLASSES, rules
from registry.events import Event

# Both versions of a format say each field in the same place; our own JSON is told in documents.md.
FAMILIES = {
    "huggingface": "Hugging Face",
    "toolkit": "Model Card Toolkit",
    "cyclonedx": "CycloneDX",
    "croissant": "Croissant",
}
HEAD = "<!-- Written by `manage.py reference`. Change the code, not this file. -->\n\n"


class Command(BaseCommand):
    """`manage.py reference` writes docs/reference/; `--check` fails when a file differs."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when a file is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "docs" / "reference"
        stale = []
        for name, text in pages().items():
            path = folder / name
            if options["check"]:
                if not path.exists() or path.read_text() != text:
                    stale.append(name)
            else:
                path.write_text(text)
        if stale:
            raise CommandError(f"Run manage.py reference: {', '.join(stale)} out of date.")


def pages() -> dict[str, str]:
    """File name → content."""
    return {
        "roles.md": HEAD + _roles(),
        "permissions.md": HEAD + _permissions(),
        "events.md": HEAD + _events(),
        "gate-reasons.md": HEAD + _reasons(),
        "documents.md": HEAD + _documents(),
        "formats.md": HEAD + _formats(),
        "reviews.md": HEAD + _reviews(),
        "cardinal.md": HEAD + manual(),
    }


def _roles() -> str:
    rows = [
        "# Roles",
        "",
        "Each role is a group. What a role may do, for the models that are shared with the person:",
        "",
    ]
    for role, permissions in ROLES.items():
        rows += [f"## {role}", "", *(f"- `{permission}`" for permission in permissions), ""]
    return "\n".join(rows)


def _permissions() -> str:
    """Who gets what from every route, from the table that the tests walk."""
    columns = ("anonymous", "outsider", "viewer", "owner", "reviewer", "compliance", "auditor", "admin")
    rows = [
        "# Who gets what from every route",
        "",
        "What each role may do stands in [roles.md](roles.md). This table is walked by a test with every role; a route",
        "without a row, and a row without a route, fail it. Where a route is about an object, the first status is for one",
        "that is shared with the caller and the second for one that is not. The outsider has an account and no role; an",
        "auditor whose time is over gets what the outsider gets. 400, 404 after 200, 409, 412, 415 and 428: the caller",
        "may, and what was sent cannot be accepted as it is.",
        "",
        f"| method | route | {' | '.join(columns)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
    ]
    table = yaml.safe_load((settings.BASE_DIR / "docs" / "reference" / "routes.yaml").read_text())
    for key, row in table.items():
        method, name = key.split(" ", 1)
        cells = [" / ".join(cell) for cell in zip(*(one.split() for one in row), strict=True)]
        rows.append(f"| {method} | `{name}` | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _events() -> str:
    rows = [
        "# Events",
        "",
        "Every change publishes one of these, in its own transaction; each has a sentence.",
        "",
    ]
    rows += ["| event | carries |", "| --- | --- |"]
    for kind in sorted(_subclasses(Event), key=lambda one: one.name):
        if kind.name not in PHRASES:
            raise CommandError(f"{kind.name} has no sentence in audit/phrases.py.")
        carried = ", ".join(field.name for field in dataclasses.fields(kind))
        rows.append(f"| `{kind.name}` | {carried} |")
    return "\n".join(rows) + "\n"


def _reasons() -> str:
    rows = ["# Reason codes of the gate", "", "Stable; outsiders build on them.", ""]
    rows += ["| code | status | at /check | what the caller reads |", "| --- | --- | --- | --- |"]
    for one in reasons.REASONS.values():
        rows.append(f"| `{one.code}` | {one.status} | {one.check_status} | {one.sentence} |")
    rows += [
        "",
        "What an allowed query may come to on its way to the model server, and what is no decision:",
        "",
    ]
    rows += ["| code | status | what the caller reads |", "| --- | --- | --- |"]
    for one in (reasons.CANNOT_DECIDE, *outcomes.OUTCOMES):
        rows.append(f"| `{one.code}` | {one.status} | {one.sentence} |")
    return "\n".join(rows) + "\n"


def _documents() -> str:
    rows = [
        "# Cards and datasheets",
        "",
        (
            "The JSON Schemas below are published by every installation. Beside its sections a document may hold `unaccepted`:"
            " the path of a field → where its value comes from, while nobody has accepted it. Decimal numbers are text. Canonical"
            " bytes are RFC 8785, digests SHA-256."
        ),
        "",
    ]
    for kind in ("card", "datasheet"):
        plan = outline(kind)
        rows += [
            f"## {plan.title}",
            "",
            f"JSON Schema: `/schemas/{kind}.json` (`{json_schema(kind)['$id']}`)",
            "",
        ]
        for section in plan.sections:
            rows += [f"### {section.title}", ""]
            rows += [
                f"- `{field.path}` ({field.kind}{', needed for review' if field.required else ''}"
                f"{_condition(field)}): {field.label}"
                for field in section.fields
            ]
            rows.append("")
    return "\n".join(rows + _document_rules())


def _condition(field: Field) -> str:
    return "" if field.applies == "all" else f", unless scope.{field.applies} is no"


def _document_rules() -> list[str]:
    """The rules of the lint with the severities that hold until compliance decides otherwise."""
    rows = [
        "## What is looked for",
        "",
        (
            "Default severities, by the risk class of the strictest system that uses the model. `blocking` keeps a document from"
            " being submitted for review."
        ),
        "",
        f"| code | finds | {' | '.join(CLASSES)} |",
        f"| --- | --- |{' --- |' * len(CLASSES)}",
    ]
    for rule in rules().values():
        severities = " | ".join(rule.severity[one] for one in CLASSES)
        rows.append(f"| `{rule.code}` | {rule.label} | {severities} |")
    return [*rows, ""]


def _reviews() -> str:
    """States, transitions and the default rules, from the tables that the verbs and the triggers stand on."""
    rows = [
        "# Reviews",
        "",
        "Every step a review may take; PostgreSQL refuses every other one, whoever asks.",
        "",
        "```mermaid",
        reviews.diagram(),
        "```",
        "",
        "| state | means |",
        "| --- | --- |",
        *(f"| `{one.key}` | {one.meaning} |" for one in reviews.STATES),
        "",
        "| from | to | caused by | event |",
        "| --- | --- | --- | --- |",
        *(f"| `{one.before}` | `{one.after}` | {one.who} | `{one.event}` |" for one in reviews.TRANSITIONS),
        "",
        "## What an approval needs",
        "",
        "Until compliance decides otherwise, by the class of the strictest system that uses the model:",
        "",
        "| risk class | rule |",
        "| --- | --- |",
        *(f"| {name} | {one.in_words()} |" for name, one in reviews.DEFAULTS.items()),
        "",
        "What is ticked for high risk:",
        "",
        *(f"- `{one.key}`: {one.text}" for one in reviews.HIGH),
    ]
    return "\n".join(rows) + "\n"


def _formats() -> str:
    rows = [
        "# Formats",
        "",
        "Imported: " + ", ".join(f"{one.label} (`{name}`)" for name, one in formats.READERS.items()) + ".",
        "",
        "Exported: " + ", ".join(f"{one.label} (`{name}`)" for name, one in formats.WRITERS.items()) + ".",
        "",
        "Where each field stands in a file that is written here; an import reads it from the same place, and from the",
        "other spellings of each format. A dash: the format has no place for it, and the export says so.",
        "",
    ]
    for kind in ("card", "datasheet"):
        told = {
            FAMILIES[name.partition("-")[0]]: one
            for name, one in formats.writers(kind).items()
            if name.partition("-")[0] in FAMILIES
        }
        rows += [
            f"## {outline(kind).title}",
            "",
            f"| field | {' | '.join(told)} |",
            f"| --- |{' --- |' * len(told)}",
        ]
        for field in outline(kind).fields():
            cells = (one.places.get(field.path, "–").replace("|", "&#124;") for one in told.values())
            rows.append(f"| `{field.path}` | {' | '.join(cells)} |")
        rows.append("")
    return "\n".join(rows)


def _subclasses(kind: type[Event]) -> set[type[Event]]:
    return {one for child in kind.__subclasses__() for one in {child, *_subclasses(child)}}
