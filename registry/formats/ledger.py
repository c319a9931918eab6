"""What became of every value of a file. Nothing is lost in silence: what no field takes is kept, by default.

A reader works on a `Ledger` over the tree of the file. It gives values to fields of the document; the ledger looks
whether they fit, and whatever nobody has spoken for when it closes is kept unmapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.documents.outline import outline
from registry.documents.proposals import LONGEST, Proposal
from registry.formats.reading import is_storable, leaves
from registry.pictures import Picture

MAPPED, KEPT, DROPPED = "mapped", "kept", "dropped"
OUTCOMES = [(MAPPED, "Mapped"), (KEPT, "Kept unmapped"), (DROPPED, "Dropped")]
MAX_ROWS, MAX_CELL, MAX_FIGURES = 500, 500, 50
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_DOCUMENT = 1_200_000  # bytes of text in one document, well under what can be stored with its keys
PLACEHOLDERS = ("more information needed", "more info needed", "todo", "tbd", "n/a", "needs more information")


@dataclass(frozen=True)
class Leaf:
    """One value of the file: where it stands (JSON pointer), what became of it, in which field, and why."""

    path: str
    outcome: str
    value: Any
    field: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Subject:
    """What the file says it is about, in its own words."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True)
class Reading:
    """A file that was read: proposals for a card or a datasheet, and the account of every value in it."""

    format: str
    kind: str  # card, datasheet, or pipeline: stages for the lineage, no document
    proposals: tuple[Proposal, ...]
    report: tuple[Leaf, ...]
    subject: Subject = Subject()
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()  # those that the file holds and its proposals name

    @property
    def unmapped(self) -> dict[str, Any]:
        """What is kept beside the document, whole: pointer → value."""
        return {
            leaf.path: leaf.value
            for leaf in self.report
            if leaf.outcome == KEPT or leaf.reason.startswith("Cut")
        }

    @property
    def counts(self) -> dict[str, int]:
        """How many values had each outcome."""
        return {
            outcome: sum(leaf.outcome == outcome for leaf in self.report)
            for outcome in (MAPPED, KEPT, DROPPED)
        }


@dataclass
class Ledger:
    """The account of one file, while it is being read."""

    kind: str
    tree: Any
    spoken: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # pointer: outcome, field, reason
    values: dict[str, Any] = field(default_factory=dict)  # field: what it takes
    size: int = 0
    held: dict[tuple[str, str, str], set[int]] = field(
        default_factory=dict
    )  # field, column, text: rows that say it
    pictures: dict[str, Picture] = field(default_factory=dict)  # digest: what the figures name
    tries: int = 0  # pictures looked at
    pixels: int = 0  # ... and what they claimed to have together

    def __post_init__(self) -> None:
        for path, value in leaves(self.tree):
            if value in ("", None, [], {}):
                self.drop(path, "Empty.")
            elif not is_storable(value):
                self.drop(path, "It holds characters that cannot be stored.")
            elif is_placeholder(value):
                self.drop(path, "A placeholder, not an answer.")

    def usable(self, path: str) -> bool:
        """Whether the value at this pointer is still to be placed."""
        return path not in self.spoken

    def line(self, to: str, value: Any, *paths: str) -> None:
        """One line of text. The first value wins; another one is kept unmapped."""
        said = one_line(value)
        if not said or not self._open(paths):
            return
        held = self.values.get(to)
        if held is not None and held != said:
            self.keep(paths, f"The field {to} already holds another value.")
        elif len(said) > LONGEST["line"]:
            self.keep(paths, f"Longer than the {LONGEST['line']} characters of {to}.")
        elif held == said or self._fits(said, paths):
            self.values[to] = said
            self.claim(to, *paths)

    def prose(self, to: str, value: Any, *paths: str, title: str = "") -> None:
        """Text, below what is there already; `title` tells it apart from that."""
        said = written(value).strip()
        if not said or not self._open(paths):
            return
        held = self.values.get(to, "")
        if said == held:
            self.claim(to, *paths)
            return
        added = f"**{title}**\n\n{said}" if held and title else said
        grown = f"{held}\n\n{added}" if held else added
        longest = LONGEST["prose"]
        if held and len(grown) > longest:
            self.keep(paths, f"The field {to} is full: it takes {longest} characters.")
        elif self._fits(added, paths):
            cut = (
                f"Cut to {longest} characters; the whole text is kept unmapped."
                if len(grown) > longest
                else ""
            )
            self.values[to] = grown[:longest].rstrip()
            self.claim(to, *paths, reason=cut)

    def item(self, to: str, value: Any, *paths: str, exact: bool = False) -> bool:
        """A line in a list of lines; whether it is there now."""
        said = one_line(value)
        if not said or not self._open(paths):
            return False
        held = self.values.setdefault(to, [])
        if (to, "", said) in self.held and not exact:
            self.claim(to, *paths)
        elif len(said) > MAX_CELL:
            self.keep(paths, f"Longer than the {MAX_CELL} characters of a line.")
        elif len(held) >= MAX_ROWS:
            self.keep(paths, f"The field {to} is full: it takes {MAX_ROWS} lines.")
        elif self._fits(said, paths):
            held.append(said)
            self._hold(to, {"": said}, len(held))
            self.claim(to, *paths)
        return (to, "", said) in self.held

    def lines(self, to: str, values: Iterable[Any], path: str) -> None:
        """One value that holds several lines: accounted for as one, when every line is taken."""
        taken = [self.item(to, value) for value in values if one_line(value)]
        if taken and all(taken):
            self.claim(to, path)

    def row(self, to: str, cells: Mapping[str, tuple[Any, Sequence[str]]], *, exact: bool = False) -> None:
        """A row of a table: column → (value, pointers). Unless `exact`, one that says no more than another joins it."""
        row: dict[str, str] = {}
        for column, (value, paths) in cells.items():
            said = written(value).strip()
            if len(said) > MAX_CELL:
                self.keep(paths, f"Longer than the {MAX_CELL} characters of a cell.")
            elif said and self._open(paths):
                row[column] = said
        if not row:
            return
        paths = [path for column in row for path in cells[column][1]]
        held = self.values.setdefault(to, [])
        asked = outline(self.kind).field(to)
        is_figure = asked is not None and asked.kind == "figures"
        most = MAX_FIGURES if is_figure else MAX_ROWS
        if is_figure and not SHA256.fullmatch(row.get("digest", "")):
            self.keep(paths, "A figure is named by its SHA-256; this one is not.")
        elif not exact and self._says(to, row):
            self.claim(to, *paths)
        elif len(held) >= most:
            self.keep(paths, f"The field {to} is full: it takes {most} rows.")
        elif self._fits("".join(row.values()), paths):
            held.append(row)
            self._hold(to, row, len(held))
            self.claim(to, *paths)

    def keep(self, paths: Iterable[str], reason: str) -> None:
        """No field takes these; say why."""
        for path in paths:
            self.spoken.setdefault(path, (KEPT, "", reason))

    def drop(self, path: str, reason: str) -> None:
        """The value at this pointer goes no further than the raw file."""
        self.spoken[path] = (DROPPED, "", reason)

    def close(
        self,
        format: str,  # noqa: A002 - the word of the field
        source: str,
        subject: Subject = Subject(),
        notes: Iterable[str] = (),
    ) -> Reading:
        """The account. `source` says in words where the proposals come from."""
        order = [one.path for one in outline(self.kind).fields()] if self.kind != "pipeline" else []
        proposals = [Proposal(path, self.values[path], source) for path in order if self.values.get(path)]
        report = []
        for path, value in leaves(self.tree):
            outcome, to, reason = self.spoken.get(path, (KEPT, "", "No field of the document asks for it."))
            report.append(Leaf(path, outcome, value if is_storable(value) else ascii(value), to, reason))
        return Reading(
            format,
            self.kind,
            tuple(proposals),
            tuple(report),
            subject,
            tuple(notes),
            tuple(self.pictures.values()),
        )

    def claim(self, to: str, *paths: str, reason: str = "") -> None:
        """These values stand in the field `to` now."""
        for path in paths:
            self.spoken[path] = (MAPPED, to, reason)

    def take_all(self, to: str) -> None:
        """Every value that is left goes to the same place."""
        for path, _ in leaves(self.tree):
            self.spoken.setdefault(path, (MAPPED, to, ""))

    def _hold(self, to: str, row: dict[str, str], number: int) -> None:
        for column, said in row.items():
            self.held.setdefault((to, column, said), set()).add(number)

    def _says(self, to: str, row: dict[str, str]) -> bool:
        """Whether one row of the field says all of this already."""
        rows = sorted((self.held.get((to, column, said), set()) for column, said in row.items()), key=len)
        return bool(set.intersection(*rows))

    def _open(self, paths: Sequence[str]) -> bool:
        return all(map(self.usable, paths))

    def _fits(self, said: str, paths: Iterable[str]) -> bool:
        size = len(said.encode(errors="replace"))
        if self.size + size > MAX_DOCUMENT:
            self.keep(paths, "The document is full.")
            return False
        self.size += size
        return True


def written(value: Any) -> str:
    """A single value as text, exactly as it stood; nothing for lists and dictionaries."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (dict, list)) or not is_storable(value) else str(value)


def one_line(value: Any) -> str:
    """A single value on one line."""
    return " ".join(written(value).split("\n")).strip() if isinstance(value, str) else written(value)


def is_placeholder(value: Any) -> bool:
    """Whether somebody only meant to write something here."""
    return isinstance(value, str) and len(value) < 60 and value.strip(" \n[]()*_.!").lower() in PLACEHOLDERS
