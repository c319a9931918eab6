"""The sandbox in which report documents are written: plain data in, escaped text out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nh3
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from audit.charts.drawing import fit

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "report"
# Not the locale's, so that a document reads the same wherever it is rendered.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
TAGS = {"p", "em", "strong", "ul", "ol", "li", "code", "pre", "blockquote", "br", "hr"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
# Line breaking takes quadratic time in a word without end; scripts from U+2E80 on break anywhere.
ENDLESS = re.compile("[^\\s\u200b\u2e80-\uffff]{120,}")
LONGEST_TEXT = 2_000
LONGEST_PROSE = 20_000
# Control characters have no glyph, and bidirectional overrides can make a printed sentence say another thing.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clip(text: Any, most: int = LONGEST_TEXT) -> str:
    """Text without unprintable characters, cut at `most` with a sentence that says where the rest is."""
    text = UNPRINTABLE.sub("\ufffd", str(text))
    if len(text) <= most:
        return _breakable(text)
    rest = f"[{count(len(text))} characters; the whole text is in the attached snapshot.json]"
    return f"{_breakable(text[:most])} … {rest}"


def brief(text: Any, most: int = 90) -> str:
    """One line for headings and running heads, cut with an ellipsis."""
    line = " ".join(UNPRINTABLE.sub("\ufffd", str(text))[: most * 4].split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def prose(text: Any) -> Markup:
    """Markdown as clean HTML: paragraphs, emphasis, lists, tables, quotes, code; no links, images or raw HTML."""
    html = _markdown().render(clip(text or "", LONGEST_PROSE))
    return Markup(nh3.clean(html, tags=TAGS, attributes={"p": {"class"}, "ol": {"start"}}, link_rel=None))  # noqa: S704


def when(moment: Any) -> str:
    """An ISO time as "23 November 2026, 14:05 UTC"; a date as "23 November 2026"; None as "not recorded"."""
    read = _read(moment)
    if read is None:
        return brief(moment, 40) if moment else "not recorded"
    day = f"{read.day} {MONTHS[read.month - 1]} {read.year}"
    return day if len(str(moment)) <= 10 else f"{day}, {read:%H:%M} UTC"


def moment(value: Any, *, day: bool = False) -> str:
    """A time for table cells, "23 Nov 2026, 14:05"; the head of the column names UTC."""
    read = _read(value)
    if read is None:
        return brief(value, 40) if value else "not recorded"
    text = f"{read.day} {MONTHS[read.month - 1][:3]} {read.year}"
    return text if day or len(str(value)) <= 10 else f"{text}, {read:%H:%M}"


def count(number: Any) -> str:
    """A whole number with thin spaces between its thousands."""
    return f"{int(number or 0):,}".replace(",", "\u2009")


def short(digest: Any) -> str:
    """The first twelve characters of a digest."""
    return str(digest or "").removeprefix("sha256:")[:12] or "none"


def share(part: Any, whole: Any) -> str:
    """Part of a whole as "12.5 %"; nothing of nothing is "0 %"."""
    if not whole:
        return "0\u2009%"
    return f"{100 * int(part) / int(whole):.1f}\u2009%"


def plural(number: Any, one: str, many: str = "") -> str:
    """A counted noun: "1 token", "3 tokens"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The one environment; a template may read plain data and call the filters named here."""
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finish,
    )
    made.filters.update(
        prose=prose,
        when=when,
        moment=moment,
        count=count,
        short=short,
        share=share,
        plural=plural,
        brief=brief,
        clip=clip,
        fit=fit,
    )
    del made.filters["safe"]  # nothing written by a user may skip the escaping
    return made


def _breakable(text: str) -> str:
    """Room to break a line inside words longer than any real one."""
    return ENDLESS.sub(lambda run: "\u200b".join(run[0][i : i + 60] for i in range(0, len(run[0]), 60)), text)


def _finish(value: Any) -> Any:
    """Every printed value passes here, so that no cell can grow without bound."""
    if value is None:
        return "Not provided."
    return clip(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _read(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 12}).enable("table")
    reader.disable(["image", "link", "autolink", "reference", "html_block", "html_inline"])
    reader.core.ruler.push("headings_as_lines", _headings_as_lines)
    return reader


def _headings_as_lines(state: Any) -> None:
    """A heading inside an answer must not enter the document's own outline."""
    token: Token
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "p"
            if token.type == "heading_open":
                token.attrSet("class", "line")
