"""Two texts and two tables beside each other: what is marked, and how a table in Markdown is shown."""

from __future__ import annotations

import re

import pytest

from registry.documents.outline import outline
from registry.templatetags.changes import compare, mark_changes, mark_texts, passages
from registry.views.comparing import comparison
from registry.views.documents import read_sections

TABLE = "| Age | Refused |\n|---|---:|\n| 18 to 25 | 20% |\n| 61 and older | 1% |"


def test_a_word_that_two_changes_have_in_common_does_not_cut_them() -> None:
    left, right = mark_changes(
        "It is a logistic regression on ten columns of the form.",
        "It is a set of boosted trees on twelve rows of a file.",
    )

    assert left.count("<del>") == right.count("<ins>") == 1
    assert left.startswith("It is a <del>logistic regression on ten columns of the form.")


def test_what_stayed_is_not_marked_when_it_is_a_passage_of_its_own() -> None:
    left, right = mark_changes(
        "First. The officer decides and may decide against the score. Last.",
        "One. The officer decides and may decide against the score. Two.",
    )

    assert "</del> The officer decides and may decide against the score. <del>" in left
    assert re.findall(r"<ins>(.*?)</ins>", right) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("before", "after"), [("a b c", "a x c"), ("", "new"), ("old", ""), ("a\n\nb", "b\na")]
)
def test_both_texts_can_be_read_back_whole(before: str, after: str) -> None:
    left, right = mark_changes(before, after)

    assert re.sub(r"</?del>", "", left) == before
    assert re.sub(r"</?ins>", "", right) == after


def test_a_table_in_markdown_is_a_table_and_only_its_cells_are_marked() -> None:
    left, right = mark_texts(
        f"Read this.\n\n{TABLE}\n\nDone.", f"Read this.\n\n{TABLE.replace('20%', '18%')}\n\nDone."
    )

    assert "|" not in left + right
    assert left.count("<table") == right.count("<table") == 1
    assert "<td><del>20%</del></td>" in left
    assert "<td><ins>18%</ins></td>" in right
    assert (left + right).count("<del>") + (left + right).count("<ins>") == 2


def test_a_row_that_is_new_stands_on_its_own_side_alone() -> None:
    left, right = mark_texts(TABLE, f"{TABLE}\n| unknown | 7% |")

    assert left.count("<tr>") == 3
    assert "unknown" not in left
    assert "<tr><td><ins>unknown</ins></td><td><ins>7%</ins></td></tr>" in right


def test_a_table_that_came_stands_beside_nothing() -> None:
    left, right = mark_texts("Words.", f"Words.\n\n{TABLE}")

    assert left == "Words."
    assert right.startswith("Words.<table")


def test_what_people_write_is_escaped_in_a_table_too() -> None:
    hostile = TABLE.replace("20%", "<script>alert(1)</script>")

    for text in (*mark_texts("", hostile), *mark_texts(hostile, hostile), *mark_texts(hostile, TABLE)):
        assert "<script" not in text


@pytest.mark.parametrize("text", ["a | b", "---|", "| a |", "no table\n---\nat all", ""])
def test_a_bar_alone_makes_no_table(text: str) -> None:
    assert passages(text) == ([text] if text else [])


def test_a_field_that_came_says_so() -> None:
    assert compare("Overview", "", "Words.")["change"] == "added"
    assert compare("Overview", "Words.", None)["change"] == "removed"


def test_a_column_that_says_the_same_in_every_row_is_said_once_and_an_empty_one_not_at_all() -> None:
    rows = [
        {"metric": "auc", "value": str(n), "dataset": "evaluation", "slice": "", "lower": "", "upper": ""}
        for n in range(4)
    ]
    path = next(field for field in outline("card").fields() if field.path == "metrics.results")
    before, after = (
        {"schema": outline("card").schema, path.section: {path.key: some}} for some in (rows[:3], rows)
    )

    (table,) = comparison("card", before, after)["tables"]

    assert table["columns"] == ["Value"]
    assert table["shared"] == [("Metric", "auc"), ("Dataset", "evaluation")]
    assert [row["change"] for row in table["rows"]] == ["same", "same", "same", "added"]


def test_two_rows_are_too_few_to_take_a_column_away() -> None:
    rows = [{"metric": "auc", "value": str(n), "dataset": "evaluation"} for n in range(2)]
    (table,) = comparison("card", {}, {"metrics": {"results": rows}})["tables"]

    assert table["columns"] == ["Metric", "Value", "Dataset"]
    assert table["shared"] == []


def test_a_table_to_read_leaves_out_what_is_empty_and_says_once_what_is_the_same() -> None:
    rows = [{"metric": "auc", "value": str(n), "dataset": "evaluation"} for n in range(3)]
    sections = read_sections("card", {"metrics": {"results": rows}})
    shown = next(
        one["value"]
        for section in sections
        for one in section["fields"]
        if one["field"].path == "metrics.results"
    )

    assert shown["columns"] == ["Value"]
    assert shown["rows"] == [[("Value", "0")], [("Value", "1")], [("Value", "2")]]
    assert shown["shared"] == [("Metric", "auc"), ("Dataset", "evaluation")]


def test_rows_that_are_all_the_same_keep_their_columns() -> None:
    rows = [{"metric": "auc", "value": "1"}] * 3
    (table,) = comparison("card", {}, {"metrics": {"results": rows}})["tables"]

    assert table["columns"] == ["Metric", "Value"]
    assert table["shared"] == []
