"""Shapes that many formats share: one or several, objects with a text in them, rows of datasets told in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from registry.formats.ledger import Ledger, written
from registry.formats.reading import below

PART = re.compile(r"(Digest|Rows|Use): (\S.*)")
CELLS = {"Digest": "digest", "Rows": "rows", "Use": "context"}
DATA = {"training": "training_data.datasets", "evaluation": "evaluation_data.datasets"}


def map_of(value: Any) -> dict[str, Any]:
    """An object, or an empty one in its place."""
    return value if isinstance(value, dict) else {}


def maps(value: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of "one or several", each with its pointer."""
    if isinstance(value, dict):
        yield value, path
    elif isinstance(value, list):
        yield from ((one, f"{path}/{at}") for at, one in enumerate(value) if isinstance(one, dict))


def texts(value: Any, path: str, *keys: str) -> Iterator[tuple[str, str]]:
    """The texts of "one or several", each with its pointer; of an object the text under the first of `keys` it has."""
    several = value if isinstance(value, list) else [value]
    for at, one in enumerate(several):
        here = f"{path}/{at}" if isinstance(value, list) else path
        if isinstance(one, dict):
            key = next((key for key in keys if written(one.get(key))), None)
            if key is not None:
                yield written(one[key]), below(here, key)
        elif written(one):
            yield written(one), here


def prose(ledger: Ledger, to: str, found: Iterator[tuple[str, str]]) -> None:
    """One text as it is; several as paragraphs, one below the other."""
    for text, path in found:
        ledger.prose(to, text, path)


def items(ledger: Ledger, to: str, found: Iterator[tuple[str, str]]) -> None:
    """Each text as a line."""
    for text, path in found:
        ledger.item(to, text, path)


def told(row: dict[str, str], kind: str) -> str:
    """A dataset beside its name, in lines that `heard` reads back."""
    lines = [f"{kind.capitalize()} data"]
    lines += [f"{word}: {' '.join(row[key].split())}" for word, key in CELLS.items() if row.get(key)]
    return "\n".join(lines)


def heard(text: Any) -> tuple[str, dict[str, str]] | None:
    """("training" or "evaluation", cells) of what `told` wrote; None for anything else."""
    lines = text.split("\n") if isinstance(text, str) else [""]
    kind = lines[0].lower().removesuffix(" data")
    parts = [PART.fullmatch(line) for line in lines[1:]]
    if kind not in DATA or lines[0] != f"{kind.capitalize()} data" or not all(parts):
        return None
    return kind, {CELLS[part[1]]: part[2] for part in parts if part}
