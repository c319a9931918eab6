"""Two people edited the same revision: what each of them changed, put together, and what they have to settle.

Three-way, as in diff3 (Khanna, Kunal and Pierce, 2007): what only one side changed is taken over; what both changed
differently is a clash. Lines, table rows and figures are merged one by one. Text that one side wrote is in the merge or
in a clash, always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from registry import canonical
from registry.documents import content as contents
from registry.documents.outline import Field, outline

SETTLED = ("yours", "theirs", "both")
LISTS = ("lines", "table", "figures")


@dataclass(frozen=True)
class Clash:
    """A field that both sides changed, differently. `both` holds the texts of both; None where only one can stand."""

    field: Field
    base: Any
    theirs: Any
    yours: Any
    both: Any


@dataclass(frozen=True)
class Merge:
    """The outcome. `content` holds your text where there is a clash; `taken` are fields with something of theirs in them."""

    content: dict[str, Any]
    clashes: tuple[Clash, ...]
    taken: tuple[Field, ...]


def three_way(kind: str, base: dict[str, Any], theirs: dict[str, Any], yours: dict[str, Any]) -> Merge:
    """Put together what `theirs` and `yours` made of `base`. All three are documents of this kind; {} is an empty one."""
    old, left, right = (contents.tidy(kind, one or contents.blank(kind)) for one in (base, theirs, yours))
    merged, clashes, taken = contents.blank(kind), [], []
    for field in outline(kind).fields():
        before, there, here = (contents.value(one, field.path) for one in (old, left, right))
        found, clear = _merged(field, before, there, here)
        merged[field.section][field.key] = found
        if not clear:
            clashes.append(Clash(field, before, there, here, together(field, there, here)))
        elif found != here:
            taken.append(field)
    waiting = _waiting(kind, merged, left, right)
    return Merge(merged | ({"unaccepted": waiting} if waiting else {}), tuple(clashes), tuple(taken))


def settle(
    kind: str, content: dict[str, Any], theirs: dict[str, Any], choices: Mapping[str, str]
) -> dict[str, Any]:
    """The content with each clash settled as chosen: path → yours (as it is), theirs, or both texts in one."""
    settled = {
        key: dict(part) if isinstance(part, dict) and key != "unaccepted" else part
        for key, part in content.items()
    }
    waiting = dict(content.get("unaccepted", {}))
    for path, choice in choices.items():
        field = outline(kind).field(path)
        if field is None or choice not in ("theirs", "both"):
            continue
        there, here = (
            contents.value(theirs, path) or field.empty,
            contents.value(content, path) or field.empty,
        )
        both = together(field, there, here)
        settled[field.section][field.key] = there if choice == "theirs" or both is None else both
        waiting.pop(path, None)
        if choice == "theirs" and path in theirs.get("unaccepted", {}):
            waiting[path] = theirs["unaccepted"][path]
    settled.pop("unaccepted", None)
    return settled | ({"unaccepted": waiting} if waiting else {})


def together(field: Field, theirs: Any, yours: Any) -> Any:
    """Both texts in one, theirs first; None for a choice, where one answer stands."""
    if field.kind == "choice":
        return None
    if field.kind in LISTS:
        return [*theirs, *(row for row in yours if row not in theirs)]
    if not theirs or theirs in yours:
        return yours
    if yours in theirs:
        return theirs
    return f"{theirs} / {yours}" if field.kind == "line" else f"{theirs}\n\n{yours}"


def _merged(field: Field, base: Any, theirs: Any, yours: Any) -> tuple[Any, bool]:
    """(what stands there, whether that is clear)."""
    if theirs in (base, yours):
        return yours, True
    if yours == base:
        return theirs, True
    if field.kind in LISTS:
        rows = _rows(base, theirs, yours)
        if rows is not None:
            return rows, True
    return yours, False


def _rows(base: list[Any], theirs: list[Any], yours: list[Any]) -> list[Any] | None:
    """The rows of all three put together; None when both sides changed the same row differently."""
    there, here = _matches(base, theirs), _matches(base, yours)
    anchors = [n for n in range(len(base)) if n in there and n in here]
    merged: list[Any] = []
    done = (0, 0, 0)
    for anchor in (*anchors, len(base)):
        ends = (anchor, there.get(anchor, len(theirs)), here.get(anchor, len(yours)))
        part = _chunk(base[done[0] : ends[0]], theirs[done[1] : ends[1]], yours[done[2] : ends[2]])
        if part is None:
            return None
        merged += part
        if anchor < len(base):
            merged.append(base[anchor])
        done = (ends[0] + 1, ends[1] + 1, ends[2] + 1)
    return _without_repeats(merged, theirs, yours)


def _chunk(base: list[Any], theirs: list[Any], yours: list[Any]) -> list[Any] | None:
    if theirs in (base, yours):
        return yours
    if yours == base:
        return theirs
    for adder, other in ((theirs, yours), (yours, theirs)):
        gaps = _gaps(base, adder)
        if gaps is not None:
            return _filled(gaps, other, len(base))
    if not len(base) == len(theirs) == len(yours):
        return None
    rows = []
    for before, there, here in zip(base, theirs, yours, strict=True):
        if there not in (before, here) and here != before:
            return None
        rows.append(here if there in (before, here) else there)
    return rows


def _gaps(base: list[Any], side: list[Any]) -> list[list[Any]] | None:
    """What `side` put before each row of `base` and behind the last; None when it did not keep them all."""
    kept = _matches(base, side)
    if len(kept) < len(base):
        return None
    places = [kept[n] for n in range(len(base))]
    return [
        side[start:end]
        for start, end in zip([0, *(n + 1 for n in places)], [*places, len(side)], strict=True)
    ]


def _filled(gaps: list[list[Any]], rows: list[Any], length: int) -> list[Any]:
    """The rows of one side with what the other put between them: at its place where rows still stand for rows."""
    if len(rows) != length:
        return [*gaps[0], *rows, *(row for gap in gaps[1:] for row in gap)]
    filled = list(gaps[0])
    for row, gap in zip(rows, gaps[1:], strict=True):
        filled += [row, *gap]
    return filled


def _matches(base: Sequence[Any], side: Sequence[Any]) -> dict[int, int]:
    """Rows of `base` that still stand in `side`: place → place."""
    matcher = SequenceMatcher(None, [*map(_key, base)], [*map(_key, side)], autojunk=False)
    return {block.a + n: block.b + n for block in matcher.get_matching_blocks() for n in range(block.size)}


def _without_repeats(merged: list[Any], theirs: list[Any], yours: list[Any]) -> list[Any]:
    """A row that both sides added in different places stands once."""
    most, seen, kept = Counter(map(_key, theirs)) | Counter(map(_key, yours)), Counter[bytes](), []
    for row in merged:
        key = _key(row)
        seen[key] += 1
        if seen[key] <= most[key]:
            kept.append(row)
    return kept


def _key(row: Any) -> bytes:
    return canonical.canonical(row)


def _waiting(
    kind: str, merged: dict[str, Any], theirs: dict[str, Any], yours: dict[str, Any]
) -> dict[str, str]:
    """The marks of what nobody has accepted: a value waits while each side that holds it still waits."""
    found = {}
    for field in outline(kind).fields():
        stands = contents.value(merged, field.path)
        holders = [one for one in (yours, theirs) if contents.value(one, field.path) == stands]
        marks = [one.get("unaccepted", {}).get(field.path) for one in holders or (yours, theirs)]
        if stands and all(marks):
            found[field.path] = marks[0]
    return found
