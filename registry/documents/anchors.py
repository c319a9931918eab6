"""Where something that was said about a field of one revision stands in another. Pure.

A field is named by its path, which no revision changes. A line, a row of a table or a figure is named by its place in one
revision, and is found again in another by what it says: first the same words wherever they stand now, then the one most
alike among those that are new. Nothing is guessed from the place alone: a row that nothing resembles is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry import canonical
from registry.documents import content as contents
from registry.documents.merge import LISTS
from registry.documents.outline import Field, outline
from registry.errors import Invalid

ALIKE = 0.5  # the share of equal words from which two rows are one row that changed
LONGEST_NAME = 80  # characters of a row that stand for it


@dataclass(frozen=True)
class Place:
    """Where it stands: whether there at all, whether it says something else there. `row` counts from 0; None is the whole field."""

    there: bool
    changed: bool = False
    row: int | None = None


GONE = Place(there=False)


def point(kind: str, content: dict[str, Any], path: str, row: int | None) -> Field:
    """The field at `path`; `Invalid` when the outline has none, or `row` is none of its rows in this content."""
    field = outline(kind).field(path)
    if field is None:
        raise Invalid(fields={"path": [f"A {kind} has no field {path[:80]}. Name one as “section.field”."]})
    if row is None:
        return field
    if field.kind not in LISTS:
        raise Invalid(fields={"row": [f"{field.label} has no rows. Leave the row out."]})
    count = len(contents.value(content, path) or [])
    if not 0 <= row < count:
        raise Invalid(fields={"row": [f"{field.label} has {count} rows in this revision, counted from 0."]})
    return field


def follow(
    kind: str, before: dict[str, Any], after: dict[str, Any], path: str, row: int | None = None
) -> Place:
    """Where what stood at `path` (and `row`) of `before` stands in `after`."""
    field = outline(kind).field(path)
    if field is None:
        return GONE
    old, new = (contents.value(one, path) or field.empty for one in (before, after))
    if row is None:
        return Place(there=True, changed=old != new)
    if row >= len(old):
        return GONE
    if (same := _same(old, new, row)) is not None:
        return Place(there=True, row=same)
    found = _most_alike(field, old, new, row)
    return GONE if found is None else Place(there=True, changed=True, row=found)


def name_of_row(field: Field, given: Any) -> str:
    """A line, row or figure in a few words."""
    if field.kind == "lines":
        said = str(given)
    elif field.kind == "table":
        said = " · ".join(filter(None, (given.get(column.key, "") for column in field.columns)))
    else:
        said = given.get("caption") or given.get("alt") or given.get("digest", "")[:12]
    return said if len(said) <= LONGEST_NAME else f"{said[: LONGEST_NAME - 1]}…"


def _same(old: Sequence[Any], new: Sequence[Any], row: int) -> int | None:
    """The row that says the same. Of several alike the first is the first, the second the second; else the nearest."""
    wanted = _key(old[row])
    before = sum(_key(one) == wanted for one in old[:row])
    places = [place for place, one in enumerate(new) if _key(one) == wanted]
    if not places:
        return None
    return places[before] if before < len(places) else min(places, key=lambda place: abs(place - row))


def _most_alike(field: Field, old: Sequence[Any], new: Sequence[Any], row: int) -> int | None:
    """Among the rows that are new, the one most like the row that is no longer there; of equals the nearest."""
    kept = Counter(map(_key, old))
    free = []
    for place, one in enumerate(new):
        kept[_key(one)] -= 1
        if kept[_key(one)] < 0:
            free.append(place)
    ranked = [(_likeness(field, old[row], new[place]), -abs(place - row), place) for place in free]
    best = max(ranked, default=(0.0, 0, 0))
    return best[2] if best[0] >= ALIKE else None


def _likeness(field: Field, old: Any, new: Any) -> float:
    """From 0 to 1: the mean over the cells of the words that both have (Dice, 1945). A picture is more than its words: 2."""
    if field.kind == "lines":
        return _dice(old, new)
    if field.kind == "figures":
        if old.get("digest") == new.get("digest"):
            return 2.0
        return _dice(*(f"{one.get('caption', '')} {one.get('alt', '')}" for one in (old, new)))
    cells = [(old.get(column.key, ""), new.get(column.key, "")) for column in field.columns]
    filled = [pair for pair in cells if any(pair)]
    return sum(_dice(*pair) for pair in filled) / len(filled) if filled else 0.0


def _dice(one: str, other: str) -> float:
    left, right = Counter(one.lower().split()), Counter(other.lower().split())
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def _key(row: Any) -> bytes:
    return canonical.canonical(row)
