"""No silent loss, proved from outside: the test's own walk over the source, against the report and the content."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from registry.documents.content import blank
from registry.documents.proposals import offer
from registry.formats import Reading

OURS = (
    "Training data",
    "Evaluation data",
)  # how a row says in Model Card Toolkit's JSON which table it is of


def flat(value: Any) -> list[Any]:
    """Every scalar of a tree; empty lists and objects too."""
    if isinstance(value, dict) and value:
        return [leaf for inner in value.values() for leaf in flat(inner)]
    if isinstance(value, list) and value:
        return [leaf for inner in value for leaf in flat(inner)]
    return [value]


def content_of(reading: Reading) -> dict[str, Any]:
    """The document that the proposals make of a blank one."""
    if reading.kind == "pipeline":
        return {}
    return offer(reading.kind, blank(reading.kind), reading.proposals)[0]


def squeezed(text: Any) -> str:
    """Text as it is compared: the white space between words says nothing."""
    said = str(text).lower() if isinstance(text, bool) else str(text)
    return " ".join(said.split())


def field_text(content: dict[str, Any], path: str) -> str:
    section, _, key = path.partition(".")
    return squeezed(" ".join(map(str, flat(content[section][key]))))


def assert_accounted(reading: Reading) -> None:
    """What is said to be mapped is in the field; what is kept is kept whole; what is dropped says why."""
    content = content_of(reading)
    texts: dict[str, str] = {}
    for leaf in reading.report:
        if leaf.outcome == "mapped" and leaf.field != "lineage":
            text = texts.setdefault(leaf.field, field_text(content, leaf.field))
            if leaf.reason.startswith("Cut"):
                assert reading.unmapped[leaf.path] == leaf.value
            elif leaf.reason.startswith("Kept as the figure "):
                assert leaf.reason.removeprefix("Kept as the figure ").rstrip(".") in text
            else:
                assert all(
                    word in text or all(part.strip() in text for part in word.split(","))
                    for word in wanted(leaf.value)
                ), leaf
        elif leaf.outcome == "kept":
            assert reading.unmapped[leaf.path] == leaf.value
            assert leaf.reason
        elif leaf.outcome == "dropped":
            assert leaf.reason
    assert len({leaf.path for leaf in reading.report}) == len(reading.report)


def wanted(value: Any) -> list[str]:
    """The lines of a value, without the marks of a list. Of what was written here, what our notations stand for."""
    if isinstance(value, str) and value.startswith(("[{", '["')):
        with suppress(json.JSONDecodeError):
            return [squeezed(cell) for cell in flat(json.loads(value)) if squeezed(cell)]
    lines = value.split("\n") if isinstance(value, str) else [squeezed(value)]
    bare = [re.sub(r"^(Digest|Rows|Use): ", "", line) for line in lines if line not in OURS]
    return [line for line in (squeezed(line).lstrip("-*+ ").strip() for line in bare) if line]
