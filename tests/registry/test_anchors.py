"""What was said about a field, a line or a row is found again in every later revision, or known to be gone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents.anchors import GONE, Place, follow, name_of_row, point
from registry.documents.content import blank
from registry.documents.outline import outline
from registry.errors import Invalid

OWNERS, RESULTS, FIGURES = "model_details.owners", "metrics.results", "analyses.figures"
WORDS = st.text("ab ", max_size=6)


def card(path: str, value: Any) -> dict[str, Any]:
    """A card that says only this."""
    content = blank("card")
    section, _, key = path.partition(".")
    content[section][key] = value
    return content


def result(metric: str, value: str, dataset: str = "test") -> dict[str, str]:
    return {"metric": metric, "value": value, "dataset": dataset, "slice": "", "lower": "", "upper": ""}


@pytest.mark.parametrize(
    ("before", "after", "row", "found"),
    [
        (["one", "two", "three"], ["three", "one", "two"], 2, Place(there=True, row=0)),  # moved
        (["one", "two"], ["zero", "one", "two"], 1, Place(there=True, row=2)),  # something came before it
        (["same", "other", "same"], ["same", "same"], 2, Place(there=True, row=1)),  # the second stays the second
        (["same", "other", "same"], ["other", "same"], 2, Place(there=True, row=1)),  # one of two went: the nearest
        (["The credit team", "Support"], ["Support", "The credit risk team"], 0,
         Place(there=True, changed=True, row=1)),  # moved and edited
        (["The credit team", "Support"], ["Support"], 0, GONE),
        (["The credit team"], ["Nobody whom one could ask"], 0, GONE),  # in its place, and nothing like it
        (["a b", "c d"], ["c d", "c d e"], 0, GONE),  # the row that was there already is not taken for it
        (["one"], [], 0, GONE),
        (["one"], ["one"], 7, GONE),
    ],
)  # fmt: skip
def test_a_line_is_found_by_what_it_says(before: list[str], after: list[str], row: int, found: Place) -> None:
    assert follow("card", card(OWNERS, before), card(OWNERS, after), OWNERS, row) == found


def test_a_row_whose_figure_changed_is_the_same_row() -> None:
    before = card(RESULTS, [result("AUC", "0.91"), result("Recall", "0.80")])
    after = card(
        RESULTS, [result("Recall", "0.84"), result("Precision", "0.7", "other"), result("AUC", "0.91")]
    )

    assert follow("card", before, after, RESULTS, 0) == Place(there=True, row=2)
    assert follow("card", before, after, RESULTS, 1) == Place(there=True, changed=True, row=0)


def test_a_figure_with_another_caption_is_the_same_figure() -> None:
    one, two = ({"digest": letter * 64, "caption": "ROC", "alt": "It rises."} for letter in "ab")
    after = card(FIGURES, [two, one | {"caption": "Something else", "alt": ""}])

    assert follow("card", card(FIGURES, [one]), after, FIGURES, 0) == Place(there=True, changed=True, row=1)
    assert (
        follow("card", card(FIGURES, [one]), card(FIGURES, [two]), FIGURES, 0).row == 0
    )  # same words, new picture


def test_a_whole_field_stays_where_it_is_and_tells_whether_it_changed() -> None:
    before, after = card("model_details.overview", "Reads digits."), card("model_details.overview", "")

    assert follow("card", before, before, "model_details.overview") == Place(there=True)
    assert follow("card", before, after, "model_details.overview") == Place(there=True, changed=True)


def test_a_field_that_the_outline_has_no_more_is_gone() -> None:
    assert follow("card", blank("card"), blank("card"), "model_details.mood") == GONE


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, max_size=6), st.data())
def test_nothing_is_found_where_nothing_is_and_the_same_words_always_are(
    before: list[str], after: list[str], data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(before) - 1))

    found = follow("card", card(OWNERS, before), card(OWNERS, after), OWNERS, row)

    if before[row] in after:
        assert found.row is not None
        assert (after[found.row], found.changed) == (before[row], False)
    if found.there:
        assert found.row is not None
        assert found.row < len(after)
    assert follow("card", card(OWNERS, before), card(OWNERS, before), OWNERS, row) == Place(
        there=True, row=row
    )


@pytest.mark.parametrize(
    ("path", "row", "named"),
    [
        ("model_details.mood", None, "path"),
        ("overview", None, "path"),
        ("model_details.overview", 0, "row"),
        (OWNERS, 2, "row"),
        (OWNERS, -1, "row"),
    ],
)
def test_what_is_not_there_cannot_be_pointed_at(path: str, row: int | None, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        point("card", card(OWNERS, ["one", "two"]), path, row)

    assert list(refused.value.fields) == [named]


def test_a_row_is_called_by_what_it_says() -> None:
    field = outline("card").field(RESULTS)
    lines, figures = outline("card").field(OWNERS), outline("card").field(FIGURES)
    assert field
    assert lines
    assert figures

    assert name_of_row(field, result("AUC", "0.91")) == "AUC · 0.91 · test"
    assert len(name_of_row(lines, "word " * 100)) == 80
    assert name_of_row(figures, {"digest": "a" * 64, "caption": "", "alt": "It rises."}) == "It rises."
