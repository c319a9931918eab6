"""Markdown in sections: headings, what stands below them, and the comments that readers do not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.formats.reading import Hostile

ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
LEVELS = {"=": 1, "-": 2}
MAX_SECTIONS = 5_000
MAX_LINES = 30_000


@dataclass
class Section:
    """A heading (level 1 to 6; 0 for what stands before the first) and the lines below it."""

    title: str
    level: int
    heading: str = ""  # as it was written
    lines: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def sections(text: str) -> list[Section]:
    """The sections of a text, in order. Headings in code are no headings."""
    if text.count("\n") > MAX_LINES:
        raise Hostile(f"The text has more than the {MAX_LINES} lines that are read.")
    found = [Section("", 0)]
    lines = iter(text.split("\n"))
    for line in lines:
        if len(found) > MAX_SECTIONS:
            raise Hostile(f"The text has more than {MAX_SECTIONS} headings.")
        if opened := FENCE.match(line):
            found[-1].lines += [line, *_code(lines, opened[1])]
        elif line.lstrip().startswith("<!--") and (line.rstrip().endswith("-->") or "-->" not in line):
            _comment(found[-1], line, lines)
        elif section := _heading(found[-1], line):
            found.append(section)
        else:
            found[-1].lines.append(line)
    return found


def _code(lines: Iterator[str], fence: str) -> Iterator[str]:
    """The lines of a block of code, up to and with the fence that closes it."""
    for line in lines:
        yield line
        if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            return


def _comment(section: Section, first: str, lines: Iterator[str]) -> None:
    """A comment over one line or several. One that is never closed is text: readers see it."""
    held = [first]
    closed = "-->" in first
    while not closed and (line := next(lines, None)) is not None:
        held.append(line)
        closed = "-->" in line
    if closed:
        section.comments.append("\n".join(held).strip())
    else:
        section.lines += held


def _heading(above: Section, line: str) -> Section | None:
    """The section that this line opens, by marks in front of it or by a line under the one before."""
    if len(line) > 1000 or line.lstrip()[:1] not in ("#", "=", "-"):
        return None
    if atx := ATX.fullmatch(line):
        return Section(plain(atx[2] or ""), len(atx[1]), line)
    under = UNDERLINE.fullmatch(line)
    if under and _is_title(above):
        title = above.lines.pop()
        return Section(plain(title), LEVELS[under[1][0]], f"{title}\n{line}")
    return None


def _is_title(section: Section) -> bool:
    """Whether the last line could be a heading that is underlined: a paragraph of one line, no list, no table."""
    if not section.lines or not section.lines[-1].strip():
        return False
    alone = len(section.lines) < 2 or not section.lines[-2].strip()
    return (
        alone
        and section.lines[-1].lstrip()[:1] not in ("-", "*", "+", ">", "|", "#")
        and "|" not in section.lines[-1]
    )


def plain(title: str) -> str:
    """A heading without its marks: emphasis, links, anchors, emoji and numbering at the start."""
    bare = re.sub(r"<[^<>]{0,200}>", "", title)
    bare = re.sub(r"\[([^\[\]]{0,300})\]\([^()]{0,500}\)", r"\1", bare)
    return bare.strip().strip("*_` ").strip()


def simple(title: str) -> str:
    """A heading as it is compared: lower case, words only."""
    return " ".join(re.sub(r"[^\w\s]", " ", title.casefold()).split()).removesuffix(" optional")
