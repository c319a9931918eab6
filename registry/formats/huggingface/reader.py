"""Reads a README leniently: front matter or none, old and new spellings, headings of the template and of people."""

from __future__ import annotations

import re
from typing import Any

from registry.documents.outline import outline
from registry.formats.huggingface import results
from registry.formats.huggingface.headings import BULLETS, BY_HEADING, KEYS
from registry.formats.huggingface.marked import fields_of
from registry.formats.ledger import Ledger, Reading, Subject, is_placeholder
from registry.formats.markdown import Section, sections, simple
from registry.formats.reading import Hostile, Unreadable, below, text_of, within_limits
from registry.formats.yaml12 import yaml_tree

FRONT, BODY, FIELDS, COMMENTS = "front matter", "body", "fields", "comments"
FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(?:(.*?)\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
BULLET = re.compile(r"[ \t]*[-*+][ \t]+\*\*([^*\n]{1,80}?):?\*\*:?[ \t]*(.*)")
TITLE = re.compile(r"model card (?:for|of)[: ]+", re.IGNORECASE)


def read(raw: bytes, source: str) -> Reading:
    """The README as proposals for a card. Front matter that is no YAML is kept as text; the body is read all the same."""
    text = text_of(raw)
    front, body, notes = split(text)
    marked, free = fields_of(body)
    parts, head = _parts(free)
    tree: dict[str, Any] = {FRONT: front, BODY: _bodies(parts)} | ({FIELDS: marked} if marked else {})
    if comments := [comment for part in parts for comment in part.comments]:
        tree[COMMENTS] = comments
    ledger = Ledger("card", within_limits(tree))
    for at in range(len(comments)):
        ledger.drop(f"/{COMMENTS}/{at}", "A comment, which readers do not see.")
    _marked(ledger, marked)
    if isinstance(front, dict):
        _front(ledger, front)
        results.read(ledger, front, f"/{FRONT}")
    elif notes:
        ledger.drop(f"/{FRONT}", notes[-1])
    _body(ledger, parts, head)
    name = ledger.values.get("model_details.name", "")
    return ledger.close(
        "huggingface", source, Subject(name, ledger.values.get("model_details.version", "")), notes
    )


def split(text: str) -> tuple[Any, str, list[str]]:
    """(front matter, body, notes)."""
    found = FRONT_MATTER.match(text) if text.lstrip().startswith("---") else None
    if not found:
        return None, text, []
    try:
        tree, notes = yaml_tree(found[1] or "")
    except Hostile:
        raise
    except Unreadable as error:
        return found[1], text[found.end() :], [f"The front matter could not be read. {error}"]
    return tree, text[found.end() :], notes


def _parts(body: str) -> tuple[list[Section], int]:
    """The sections of the body, and which of them is the title of the page (-1: none).

    A heading that nobody knows stays with the section that it stands in, unless that is the title of the page.
    """
    found: list[Section] = []
    head = -1
    for section in sections(body):
        host = found[-1] if found else None
        known = simple(section.title) in BY_HEADING
        if section.level == 1 and head < 0 and not known and all(one.level == 0 for one in found[-1:]):
            head = len(found)
        elif host and host.title and not known and section.level > host.level and len(found) - 1 != head:
            host.lines += [section.heading, *section.lines]
            host.comments += section.comments
            continue
        found.append(section)
    return found, head


def _bodies(parts: list[Section]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for at, part in enumerate(parts):
        if part.level or part.text:
            body[_key(at, part)] = part.text
        if len(part.title) > 120 or any(sign in part.heading for sign in ("](", "<")):
            body[f"{_key(at, part)} (heading)"] = part.heading
    return body


def _key(at: int, part: Section) -> str:
    return f"{at} {part.title[:120] or 'text'}"


def _marked(ledger: Ledger, marked: dict[str, Any]) -> None:
    """What stands between our own marks goes back to the field that it came from."""
    for path, value in marked.items():
        field, here = outline("card").field(path), below(f"/{FIELDS}", path)
        if field is None or (isinstance(value, str) and field.kind in ("table", "lines", "figures")):
            continue
        if field.kind == "prose":
            ledger.prose(path, value, here)
        elif field.kind == "lines":
            for at, line in enumerate(value):
                ledger.item(path, line, f"{here}/{at}", exact=True)
        elif field.kind in ("table", "figures"):
            for at, row in enumerate(value):
                cells = {key: (cell, (below(f"{here}/{at}", key),)) for key, cell in row.items()}
                ledger.row(path, cells, exact=True)
        else:
            ledger.line(path, value, here)


def _front(ledger: Ledger, front: dict[str, Any]) -> None:
    top = f"/{FRONT}"
    licences = _several(front.get("license"))
    if licences == ["other"] and front.get("license_name"):
        ledger.drop(f"{top}/license", "“other” says that the name of the licence follows.")
        ledger.line(KEYS["license_name"], front.get("license_name"), f"{top}/license_name")
    elif isinstance(front.get("license"), list) and all(isinstance(one, str) for one in licences):
        ledger.line(
            KEYS["license"], ", ".join(licences), *(f"{top}/license/{n}" for n in range(len(licences)))
        )
    for key in ("license", "license_name", "library_name", "pipeline_tag", "model_name"):
        ledger.line(KEYS[key], front.get(key), f"{top}/{key}")
    for key in ("license_link", "language", "tags"):
        for value, path in results.each(front.get(key), f"{top}/{key}"):
            ledger.item(KEYS[key], value, path)
    for value, path in results.each(front.get("datasets"), f"{top}/datasets"):
        ledger.row(KEYS["datasets"], {"name": (value, (path,)), "context": ("training", ())})
    relation = front.get("base_model_relation")
    for at, (value, path) in enumerate(results.each(front.get("base_model"), f"{top}/base_model")):
        related = (f"{top}/base_model_relation",) if at == 0 else ()
        cells = {"name": (value, (path,)), "relation": (relation, related)}
        ledger.row(KEYS["base_model"], cells if value else {})


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _body(ledger: Ledger, parts: list[Section], head: int) -> None:
    for at, part in enumerate(parts):
        to = BY_HEADING.get(simple(part.title), "")
        if at == head:
            name = TITLE.sub("", part.title)
            if 0 < len(name) <= 300:
                ledger.values.setdefault("model_details.name", name)
        if part.text and not is_placeholder(part.text):
            above = not part.level or at == head
            _section(
                ledger,
                to or ("model_details.overview" if above else ""),
                part,
                below(f"/{BODY}", _key(at, part)),
            )


def _section(ledger: Ledger, to: str, part: Section, path: str) -> None:
    field = outline("card").field(to) if to else None
    if field is None:
        return
    _bullets(ledger, part)
    if field.kind == "prose":
        ledger.prose(to, part.text, path, title=part.title)
    elif field.kind == "line" and "\n" not in part.text:
        ledger.line(to, part.text, path)
    elif field.kind == "lines":
        lines = [re.sub(r"^[-*+] +", "", line.strip()) for line in part.lines if line.strip()]
        if not any(line.startswith("```") for line in lines):
            ledger.lines(to, lines, path)


def _bullets(ledger: Ledger, part: Section) -> None:
    """The template's bullets also fill fields of their own; the text stays whole where it stands."""
    for line in part.lines:
        found = BULLET.fullmatch(line) if "**" in line else None
        to = BULLETS.get(simple(found[1]), "") if found else ""
        value = found[2].strip() if found else ""
        if not to or not value or is_placeholder(value):
            continue
        if to.endswith(".base_models"):
            ledger.row(to, {"name": (value, ())})
        elif to.endswith((".owners", ".languages", ".references")):
            ledger.item(to, value)
        else:
            ledger.line(to, value)
