"""Tables for spreadsheets: CSV that is streamed, and that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain

from django.http import StreamingHttpResponse

# What a spreadsheet takes for the start of a formula, also behind blanks (OWASP, CSV injection). Full-width signs are
# read as their narrow ones by some.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Line:
    """What csv.writer writes to: hands the line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def harmless(text: str) -> str:
    """`text` as a cell that stays text: an apostrophe before what would be a formula."""
    clean = text.replace("\x00", "")
    return f"'{clean}" if clean.startswith(FORMULA) or clean.lstrip().startswith(FORMULA) else clean


def lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The table as lines of CSV (RFC 4180), one at a time."""
    writer = csv.writer(_Line())
    for row in chain([head], rows):
        yield writer.writerow([harmless(cell) for cell in row])


def answer(name: str, day: date, head: Sequence[str], rows: Iterable[Sequence[str]]) -> StreamingHttpResponse:
    """The table as a file to save, in bounded memory. UTF-8 with a byte order mark: Excel reads it as Latin-1 without."""
    streamed = (line.encode() for line in _marked(lines(head, rows)))
    return StreamingHttpResponse(
        streamed,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{day.isoformat()}.csv"'},
    )


def _marked(text: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"
    yield from text
