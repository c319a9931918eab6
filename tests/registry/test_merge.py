"""Three-way: what one side changed is taken over, what both changed is a clash, and no text is lost. Saving is stable."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import canonical
from registry.documents import content as contents
from registry.documents.content import blank, value
from registry.documents.merge import settle, three_way
from registry.documents.outline import FIGURE, Field, outline
from registry.documents.proposals import accept

WORDS = st.sampled_from(["", "a", "b", "c", "two words", "another\n\nparagraph", "ünïcödé"])
ROWS = 4


def values(field: Field) -> st.SearchStrategy[Any]:
    """Anything that somebody might have typed into this field."""
    if field.kind == "lines":
        return st.lists(WORDS, max_size=ROWS)
    if field.kind == "table":
        row = st.fixed_dictionaries({column.key: WORDS for column in field.columns[:2]})
        return st.lists(row, max_size=ROWS)
    if field.kind == "figures":
        digest = st.sampled_from([letter * 64 for letter in "abc"])
        return st.lists(
            st.fixed_dictionaries({"digest": digest, "caption": WORDS, "alt": WORDS}), max_size=ROWS
        )
    if field.kind == "choice":
        return st.sampled_from(["", *(option.value for option in field.options)])
    return WORDS.map(lambda text: text.replace("\n", " ")) if field.kind == "line" else WORDS


@st.composite
def documents(draw: Any, kind: str) -> dict[str, Any]:
    """A document of this kind with a few fields filled in."""
    content = blank(kind)
    fields = {f"{f.section}.{f.key}": f for f in outline(kind).fields()}
    chosen = [
        "model_details.overview",
        "model_details.owners",
        "metrics.results",
        "analyses.figures",
        "model_details.task",
    ]
    chosen = (
        chosen
        if kind == "card"
        else ["motivation.mot_purpose", "identity.creators", "identity.files", "scope.people"]
    )
    for path in chosen:
        field = fields[path]
        content[field.section][field.key] = draw(values(field))
    waiting = draw(st.sets(st.sampled_from(chosen)))
    marks = {path: "run 7" for path in waiting if value(content, path)}
    return content | ({"unaccepted": marks} if marks else {})


def pieces(given: Any) -> set[bytes]:
    """The texts that a field holds, one by one: rows of a list, or the text as a whole."""
    return {
        canonical.canonical(one) for one in (given if isinstance(given, list) else [given] if given else [])
    }


KINDS = pytest.mark.parametrize("kind", ["card", "datasheet"])


@KINDS
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_text_of_either_side_is_lost(kind: str, data: Any) -> None:
    base, theirs, yours = (contents.tidy(kind, data.draw(documents(kind))) for _ in range(3))

    merge = three_way(kind, base, theirs, yours)

    clashing = {clash.field.path: clash for clash in merge.clashes}
    for field in outline(kind).fields():
        before = pieces(value(base, field.path))
        for side in (theirs, yours):
            written = pieces(value(side, field.path)) - before  # what this side wrote; the rest stood there
            kept = pieces(value(merge.content, field.path))
            if field.path in clashing:
                clash = clashing[field.path]
                assert (clash.theirs, clash.yours) == (value(theirs, field.path), value(yours, field.path))
            else:
                assert written <= kept, field.path


@KINDS
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_where_only_one_side_changed_something_it_is_taken_over(kind: str, data: Any) -> None:
    base, changed = (contents.tidy(kind, data.draw(documents(kind))) for _ in range(2))

    for theirs, yours in ((base, changed), (changed, base), (changed, changed)):
        merge = three_way(kind, base, theirs, yours)

        assert not merge.clashes
        assert bare(merge.content) == bare(changed)


@KINDS
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_saving_twice_is_saving_once(kind: str, data: Any) -> None:
    typed = data.draw(documents(kind))
    tidied = contents.tidy(kind, typed)

    assert contents.tidy(kind, tidied) == tidied
    assert canonical.canonical(contents.tidy(kind, tidied)) == canonical.canonical(tidied)


@KINDS
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_same_content_typed_differently_has_the_same_bytes(kind: str, data: Any) -> None:
    typed = data.draw(documents(kind))

    other = {key: typed[key] for key in reversed(list(typed))}
    for field in outline(kind).fields():
        given_value = typed[field.section][field.key]
        if isinstance(given_value, str) and field.kind in ("line", "prose") and given_value:
            other[field.section] = {
                **other[field.section],
                field.key: f"  {given_value}\r\n".replace("\n\n", "\r\n\r\n"),
            }
        if field.kind == "lines" and given_value:
            other[field.section] = {
                **other[field.section],
                field.key: ["", *(f"{one} " for one in given_value), " "],
            }
        if field.kind == "table" and given_value:
            other[field.section] = {**other[field.section], field.key: [*given_value, {}]}

    assert canonical.canonical(contents.tidy(kind, other)) == canonical.canonical(contents.tidy(kind, typed))


def bare(content: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in content.items() if key != "unaccepted"}


def card(**fields: Any) -> dict[str, Any]:
    content = blank("card")
    for name, given_value in fields.items():
        section, _, key = name.partition("__")
        content[section][key] = given_value
    return content


def test_both_changed_a_text_differently() -> None:
    base, theirs, yours = (card(caveats__caveats=text) for text in ("old", "theirs", "yours"))

    (clash,) = three_way("card", base, theirs, yours).clashes

    assert (clash.field.path, clash.base, clash.theirs, clash.yours) == (
        "caveats.caveats",
        "old",
        "theirs",
        "yours",
    )
    assert clash.both == "theirs\n\nyours"


def test_different_rows_of_one_table_are_merged() -> None:
    def rows(*pairs: tuple[str, str]) -> dict[str, Any]:
        return card(metrics__results=[{"metric": name, "value": figure} for name, figure in pairs])

    merge = three_way(
        "card",
        rows(("auc", "0.8"), ("f1", "0.7"), ("recall", "0.6")),
        rows(("auc", "0.9"), ("f1", "0.7"), ("recall", "0.6"), ("ece", "0.1")),
        rows(("auc", "0.8"), ("f1", "0.7"), ("recall", "0.5")),
    )

    assert not merge.clashes
    found = [(row["metric"], row["value"]) for row in merge.content["metrics"]["results"]]
    assert found == [("auc", "0.9"), ("f1", "0.7"), ("recall", "0.5"), ("ece", "0.1")] or set(found) == {
        ("auc", "0.9"), ("f1", "0.7"), ("recall", "0.5"), ("ece", "0.1"),
    }  # fmt: skip
    assert [field.path for field in merge.taken] == ["metrics.results"]


def test_the_same_row_changed_by_both_is_a_clash_that_shows_both() -> None:
    def rows(figure: str) -> dict[str, Any]:
        return card(metrics__results=[{"metric": "auc", "value": figure}])

    (clash,) = three_way("card", rows("0.8"), rows("0.9"), rows("0.7")).clashes

    assert [row["value"] for row in clash.both] == ["0.9", "0.7"]


def test_lines_added_by_both_stand_once() -> None:
    base, theirs, yours = (
        card(model_details__owners=names) for names in (["a"], ["a", "b"], ["a", "b", "c"])
    )

    merge = three_way("card", base, theirs, yours)

    assert merge.content["model_details"]["owners"] == ["a", "b", "c"]
    assert not merge.clashes


@pytest.mark.parametrize(
    ("choice", "stands"),
    [("yours", "yours"), ("theirs", "theirs"), ("both", "theirs\n\nyours"), ("nonsense", "yours")],
)
def test_a_clash_is_settled_as_chosen(choice: str, stands: str) -> None:
    theirs, yours = card(caveats__caveats="theirs"), card(caveats__caveats="yours")

    settled = settle("card", yours, theirs, {"caveats.caveats": choice, "no.such": "theirs"})

    assert settled["caveats"]["caveats"] == stands
    assert yours["caveats"]["caveats"] == "yours", "nothing is changed behind one's back"


def test_a_choice_cannot_be_both() -> None:
    base, theirs, yours = (blank("datasheet") | {"scope": {"people": one}} for one in ("", "yes", "no"))

    (clash,) = three_way("datasheet", base, theirs, yours).clashes

    assert clash.both is None
    assert settle("datasheet", yours, theirs, {"scope.people": "both"})["scope"]["people"] == "yes"


def test_what_one_side_accepted_is_accepted() -> None:
    marked = card(factors__relevant="Age") | {"unaccepted": {"factors.relevant": "run 7"}}

    assert "unaccepted" in three_way("card", marked, marked, marked).content
    assert "unaccepted" not in three_way("card", marked, accept(marked, ["factors.relevant"]), marked).content
    assert "unaccepted" not in three_way("card", marked, marked, accept(marked, ["factors.relevant"])).content


def test_a_figure_has_its_parts() -> None:
    assert set(FIGURE) == {"digest", "caption", "alt"}
