"""What people read: plain text, in columns. What comes from elsewhere never steers a terminal."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from governance.client.reading import plain

UNSAFE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}  # controls, directions, private, halves of pairs, line breaks


def clean(text: object) -> str:
    """`text` in one line, with what a terminal would obey struck out."""
    return "".join(" " if one in "\n\t" else "\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in UNSAFE else one
                   for one in str(text))  # fmt: skip


def say(text: str, *, mark: str = "") -> None:
    """One line on standard output; `mark` is a colour, shown on a terminal unless NO_COLOR is set."""
    click.echo(click.style(text, fg=mark) if mark and not os.environ.get("NO_COLOR") else text)


def note(text: str) -> None:
    """One line for whoever watches: on standard error, so that output can be piped."""
    click.echo(text, err=True)


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell; nothing is cut off."""
    cells = [[clean("-" if cell in (None, "") else cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [list(head), *cells]) for n in range(len(head))]
    for row in [[one.upper() for one in head], *cells]:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def pairs(rows: Sequence[tuple[str, object]]) -> None:
    """A name and a value in each line; what is empty is left out."""
    shown = [(name, value) for name, value in rows if value not in (None, "", ())]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        say(f"{name.ljust(width)}  {clean(_words(value))}")


def when(moment: datetime | None) -> str:
    """A time, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""


def _words(value: object) -> object:
    if isinstance(value, datetime):
        return when(value)
    return ", ".join(str(one) for one in value) if isinstance(value, (list, tuple)) else value
