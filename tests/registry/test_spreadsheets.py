"""A cell of an exported table is text and never a formula (OWASP: CSV injection)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.spreadsheets import answer, harmless, lines

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "  @x", '=HYPERLINK("http://evil","x")',
    "=cmd|' /C calc'!A0", "\u00a0=1", "\uff1d1", "\x00=1", "-",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == "'" + text.replace("\x00", "")


@pytest.mark.parametrize("text", ["", "credit-scorer", "a=b", "1 - 2", "→ 3", "ä", "'=1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read_back_and_no_cell_begins_a_formula(rows: list[list[str]]) -> None:
    read = list(csv.reader(list(lines(["a", "b"], rows)), strict=True)) if not _has_breaks(rows) else []

    for cell in (cell for row in read for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    if read:
        assert read == [["a", "b"], *([harmless(cell) for cell in row] for row in rows)]


def _has_breaks(rows: list[list[str]]) -> bool:
    return any(sign in cell for row in rows for cell in row for sign in "\r\n")


def test_a_table_is_streamed_a_line_at_a_time() -> None:
    taken = 0

    def rows() -> Iterator[list[str]]:
        nonlocal taken
        for taken in range(1, 100_001):
            yield [str(taken)]

    response = answer("models", date(2026, 11, 24), ["Number"], rows())
    stream = iter(response.streaming_content)  # type: ignore[arg-type]
    begun = b"".join(next(stream) for _ in range(3))

    assert taken == 1
    assert begun == b"\xef\xbb\xbfNumber\r\n1\r\n"
    assert response.headers["Content-Disposition"] == 'attachment; filename="models-2026-11-24.csv"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
