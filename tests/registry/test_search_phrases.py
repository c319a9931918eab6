"""A phrase is found where its words follow one another, by marks in the index that hold wherever it is found."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.registry.test_search import carded, described, found

pytestmark = pytest.mark.django_db

WORDS = [
    "the",
    "of",
    "to",
    "model",
    "models",
    "right",
    "rights",
    "human",
    "oversight",
    "overseeing",
    "HTTPServer",
    "v2",
    "größe",
]


def fits(text: str, phrase: str) -> tuple[bool, bool]:
    """Whether the marks of `phrase` are in the index of `text`, and whether it has the phrase, as written or by stems."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT search_text(%(text)s) @@ search_phrase(%(phrase)s), search_text(%(text)s) @@ "
            "(phraseto_tsquery('simple', %(phrase)s) || phraseto_tsquery('english', %(phrase)s))",
            {"text": text, "phrase": phrase},
        )
        marks, phrases = cursor.fetchone()
        return marks, phrases


@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=12), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_run_of_words_of_a_text_has_its_marks(words: list[str], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(words) - 2))
    end = data.draw(st.integers(begin + 2, len(words)))

    assert fits(" ".join(words), " ".join(words[begin:end])) == (True, True)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("oversight by a human", "human oversight"),
        ("right erasure", "right to erasure"),
        ("human and oversight", "human oversight"),
        ("loan desk for data", "desk data"),
    ],
)
def test_words_that_do_not_follow_one_another_have_no_marks(text: str, phrase: str) -> None:
    assert fits(text, phrase)[0] is False


def test_a_phrase_spans_no_two_texts() -> None:
    """Stems stand before the words as written, and names before descriptions: each end once met the next beginning."""
    carded(described("alpha one"), "Oversight plan by a human.")
    described("alpha human", "oversight")
    carded(described("alpha two"), "Human oversight.")

    assert found('alpha "human oversight"') == found('"human oversight"') == {"alpha two"}
    assert found("alpha human-oversi") == {"alpha two"}  # which may go on, and so has no marks
    assert found('alpha -"human oversight"') == {"alpha one", "alpha human"}


def test_a_word_between_that_is_in_no_index_belongs_to_the_phrase() -> None:
    carded(described("one"), "The right to erasure.")
    carded(described("two"), "The right of erasure, and rights.")
    carded(described("three"), "A right erasure, a right human erasure.")

    assert found('"right to erasure"') == {"one", "two"}  # stems know a gap, and not which word it was
    assert found('"the right"') == {"one", "two", "three"}
    assert found('"right erasure"') == {"three"}


def test_the_index_alone_finds_a_phrase() -> None:
    """Every card has both words; only those that have them in a row are unpacked."""
    for place in range(5):
        carded(described(f"apart {place}"), "Oversight of each human.")
    carded(described("together"), "Human oversight.")

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1 FROM registry_searchrow WHERE vector @@ search_phrase('human oversight')"
        )
        (plan,) = cursor.fetchone()
    scanned = plan[0]["Plan"]

    assert scanned["Node Type"] == "Bitmap Heap Scan"
    assert (scanned["Actual Rows"], scanned.get("Rows Removed by Index Recheck", 0)) == (1, 0)
