"""Two texts or two tables beside each other, and what differs between them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry.prose import MARKDOWN

CHANGES = {
    "same": ("Unchanged", "neutral"),
    "added": ("Added", "plus"),
    "removed": ("Removed", "minus"),
    "changed": ("Changed", "edit"),
}
ALIKE = 0.5  # the share of equal cells from which a removed and an added row are one row that changed
MOST_PAIRS = 10_000  # comparisons of rows in one stretch; beyond it rows are paired by place
FEW_WORDS = 3  # so many equal words between two changes are read as part of one change
RULE = re.compile(
    r"^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$", re.MULTILINE
)  # under the head of a table
Row = tuple[str, list[str], list[str]]  # same, changed, removed or added; cells before; cells after
Table = list[list[str]]  # the head and every row, as cells
Passage = str | Table


def compare(label: str, before: str | None, after: str | None) -> dict[str, object]:
    """One row of a comparison: what kind of change it is, and both sides with their changes marked."""
    old, new = str(before or ""), str(after or "")
    change = "same" if old == new else "added" if not old else "removed" if not new else "changed"
    word, icon = CHANGES[change]
    left, right = mark_texts(old, new)
    return {"label": label, "before": left, "after": right, "change": change, "word": word, "icon": icon}


def mark_texts(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Both texts with what differs marked; a table written in Markdown is shown as one, cell beside cell."""
    old, new = passages(before), passages(after)
    sides = [_mark_passage(one, other) for one, other in _paired(old, new)]
    return SafeString("".join(left for left, _ in sides)), SafeString("".join(right for _, right in sides))


def mark_changes(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Both texts with the words that differ marked as deleted and inserted."""
    left, right = [], []
    for is_same, gone, come in _stretches(before, after):
        left.append(format_html("{}" if is_same or not gone else "<del>{}</del>", gone))
        right.append(format_html("{}" if is_same or not come else "<ins>{}</ins>", come))
    return SafeString("".join(left)), SafeString("".join(right))


def passages(text: str) -> list[Passage]:
    """The text cut at its tables: what stands between them as it is written, each table as its cells."""
    if not RULE.search(text):
        return [text] if text else []
    found: list[Passage] = []
    lines, done = text.splitlines(), 0
    tokens = MARKDOWN.parse(text)
    for place, token in enumerate(tokens):
        if token.type != "table_open" or token.map is None:
            continue
        rows: Table = []
        for inner in tokens[
            place : next(n for n in range(place, len(tokens)) if tokens[n].type == "table_close")
        ]:
            if inner.type == "tr_open":
                rows.append([])
            elif inner.type == "inline":
                rows[-1].append(inner.content)
        start, end = token.map
        found += [_between(lines[done:start]), rows]
        done = end
    return [one for one in [*found, _between(lines[done:])] if one]


def _between(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _paired(old: list[Passage], new: list[Passage]) -> list[tuple[Passage, Passage]]:
    """Texts beside texts and tables beside tables, in their order; what has no partner stands beside nothing."""
    kinds = [["text" if isinstance(one, str) else "table" for one in side] for side in (old, new)]
    pairs: list[tuple[Passage, Passage]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, kinds[0], kinds[1], autojunk=False).get_opcodes():
        if kind == "equal":
            pairs += zip(old[a:b], new[c:d], strict=True)
        else:
            pairs += [(one, type(one)()) for one in old[a:b]] + [(type(one)(), one) for one in new[c:d]]
    return pairs


def _mark_passage(old: Passage, new: Passage) -> tuple[SafeString, SafeString]:
    if isinstance(old, str) or isinstance(new, str):
        return mark_changes(str(old), str(new))
    width = max((len(row) for row in [*old, *new]), default=0)
    whole = [[row + [""] * (width - len(row)) for row in side] for side in (old, new)]
    rows = aligned_rows(*whole)
    return _drawn(rows, before=True) if old else SafeString(""), _drawn(rows) if new else SafeString("")


def _drawn(rows: list[Row], *, before: bool = False) -> SafeString:
    """One side of two tables beside each other, its cells marked; a row of the other side alone is left out."""
    drawn: list[SafeString] = []
    for change, old, new in rows:
        if change == ("added" if before else "removed"):
            continue
        sides = [mark_changes(one, other) for one, other in zip(old, new, strict=True)]
        tag = "td" if drawn else "th"
        cells = format_html_join(
            "", f"<{tag}>{{}}</{tag}>", ((left if before else right,) for left, right in sides)
        )
        drawn.append(format_html("<tr>{}</tr>", cells))
    return format_html('<table class="inner">{}</table>', SafeString("".join(drawn)))


def _stretches(before: str, after: str) -> list[tuple[bool, str, str]]:
    """(equal?, text before, text after), read as a person would: a word in common between two changes joins them."""
    old, new = re.findall(r"\s+|\S+", before), re.findall(r"\s+|\S+", after)
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    found = [(kind == "equal", "".join(old[a:b]), "".join(new[c:d])) for kind, a, b, c, d in codes]
    place = 1
    while place < len(found) - 1:
        same, text, _ = found[place]
        around = [max(map(len, found[n][1:])) for n in (place - 1, place + 1)]
        if same and len(text.split()) <= FEW_WORDS and (len(text.strip()) <= min(around) or not text.strip()):
            joined = found[place - 1 : place + 2]
            found[place - 1 : place + 2] = [
                (False, "".join(one[1] for one in joined), "".join(one[2] for one in joined))
            ]
            place = max(1, place - 1)
        else:
            place += 1
    return found


def aligned_rows(before: Sequence[list[str]], after: Sequence[list[str]]) -> list[Row]:
    """Every row of both, aligned."""
    aligned: list[Row] = []
    matcher = difflib.SequenceMatcher(None, [*map(tuple, before)], [*map(tuple, after)], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            aligned += [("same", row, row) for row in before[a:b]]
        else:
            aligned += _stretch(before[a:b], after[c:d])
    return aligned


def _stretch(gone: Sequence[list[str]], come: Sequence[list[str]]) -> list[Row]:
    """Rows that differ: those that are alike belong together, the rest were removed or added."""
    partners: dict[int, int] = {}
    if len(gone) * len(come) <= MOST_PAIRS:
        for n, old in enumerate(gone):
            free = [m for m in range(len(come)) if m not in partners.values()]
            best = max(free, key=lambda m: _alike(old, come[m]), default=None)
            if best is not None and _alike(old, come[best]) >= ALIKE:
                partners[n] = best
    else:
        partners = {n: n for n in range(min(len(gone), len(come)))}
    rows: list[Row] = [
        ("changed", old, come[partners[n]]) if n in partners else ("removed", old, [""] * len(old))
        for n, old in enumerate(gone)
    ]
    taken = set(partners.values())
    return rows + [("added", [""] * len(new), new) for m, new in enumerate(come) if m not in taken]


def _alike(old: list[str], new: list[str]) -> float:
    return sum(a == b for a, b in zip(old, new, strict=True)) / (len(old) or 1)
