"""Whatever stands in a name, a description or a card finds its object, and no text breaks the search."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F, Q
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registry.actions import catalogue, documents
from registry.documents.content import blank
from registry.models import Dataset, Model, SearchRow, System, User, Version
from registry.search.matching import KINDS, Within, keys, relevance
from registry.search.query import GAP, LONGEST, MOST_TERMS, Query, parse
from registry.search.snippets import Marker, snippets
from tests import factories

pytestmark = pytest.mark.django_db


def matches(query: Query, kind: str) -> Q:
    """The condition that an object is among those that the search finds."""
    return Q(Within(F("pk"), keys(query, kind)[kind].array)) if query else Q()


def found(text: str, kind: type[Any] = Model) -> set[str]:
    """The names of the objects that `text` finds."""
    name = kind._meta.model_name or ""
    return set(kind.objects.filter(matches(parse(text), name)).values_list("name", flat=True))


def described(name: str, description: str = "", **tags: str) -> Model:
    """A model with these words about it."""
    model = factories.model(name=name)
    Model.objects.filter(pk=model.pk).update(description=description, tags=tags)
    return model


def carded(model: Model, text: str) -> Version:
    """A version with this text in its card."""
    version = factories.version(model=model)
    content = blank("card")
    content["intended_use"]["uses"] = text
    documents.save(about=version, content=content, on_top_of=0, by=factories.member("owner"))
    return version


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("credit-scorer", ["credit", "scorer", "credit-scorer", "cred", "credit-sco", "creditscorer", "SCORER", "scorers"]),
        ("credit_scorer.v2", ["credit_scorer", "scorer.v2", "v2", "credit scorer"]),
        ("CreditScorer", ["credit", "scorer", "creditscorer", "CreditScorer", "credit-scorer"]),
        ("HTTPModelServer", ["http", "model", "server", "httpmodelserver"]),
        ("bench-04321", ["4321", "04321", "bench-04321", "bench-043"]),
        ("größe/ÄNDERUNG", ["größe", "änderung", "Größe", "änd"]),
    ],
)  # fmt: skip
def test_a_name_is_found_by_its_parts_however_it_is_written(name: str, typed: list[str]) -> None:
    described(name)
    described("something else")

    for text in typed:
        assert found(text) == {name}, text


def test_one_finds_by_description_tag_owner_alias_system_dataset_and_card() -> None:
    version = factories.version(model=described("m1", "Estimates defaults of retail loans", team="lending"))
    factories.model(name="m2")
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())
    run = version.run
    assert run is not None
    type(run).objects.filter(pk=run.pk).update(user_name="ada.lovelace")
    System.objects.filter(pk=factories.system(model=version.model).pk).update(
        name="Desk Nine", edition=F("edition") + 1
    )
    Dataset.objects.filter(pk=factories.training_data(version).pk).update(name="applicants-2024")
    content = blank("card")
    content["caveats"]["caveats"] = "Calibrated for people over eighteen."
    documents.save(about=version, content=content, on_top_of=0, by=factories.member("owner"))

    for text in ("default loan", "lending", "lovelace", "champion", "desk nine", "applicants", "calibration"):
        assert found(text) == {"m1"}, text


def test_terms_may_be_found_in_different_places() -> None:
    carded(described("credit-scorer"), "Well calibrated.")
    carded(described("churn-scorer"), "Well calibrated.")

    assert found("credit calibrated") == {"credit-scorer"}
    assert found("credit uncalibrated") == set()


def test_quotes_minus_and_or() -> None:
    described("a", "the loan desk decides")
    described("b", "a desk for every loan")
    carded(described("c", "a loan"), "About fraud.")

    assert found('"loan desk"') == {"a"}
    assert found("loan -desk") == {"c"}
    assert found("loan -fraud") == {"a", "b"}
    assert found("decides or fraud") == {"a", "c"}
    assert found("-loan") == set()
    assert found('-"loan desk"') == {"b", "c"}


def test_only_the_last_word_may_be_unfinished() -> None:
    described("a", "calibration curve")

    assert found("curve calib") == {"a"}
    assert found("calib curve") == set()
    assert found('"calib"') == set()
    assert found("c") == set()


def test_names_come_before_texts_and_the_exact_name_first() -> None:
    carded(described("other"), "A fraud detector.")
    described("third", "Detects fraud")
    described("fraud-detector-2")
    described("fraud")
    query = parse("fraud")

    rows = Model.objects.filter(matches(query, "model")).annotate(relevance=relevance(query))

    assert list(rows.order_by("-relevance").values_list("name", flat=True)) == [
        "fraud", "fraud-detector-2", "third", "other",
    ]  # fmt: skip


def test_datasets_are_found_by_their_datasheet_and_documents_by_what_they_are_about() -> None:
    version = carded(described("credit-scorer"), "Adults only.")
    dataset = factories.training_data(version)
    factories.save(dataset, mark="consented")

    assert found("consent", Dataset) == {dataset.name}
    assert SearchRow.objects.get(document__version=version).name == "credit-scorer v1"
    assert set(SearchRow.objects.filter(card_of=version.model).values_list("kind", flat=True)) == {"card"}


def test_a_snippet_says_where_and_marks_by_stems() -> None:
    version = carded(described("m1", "Estimates defaults"), "The <b>calibrated</b> score of each applicant.")
    row = SearchRow.objects.get(model=version.model)

    in_card = snippets(parse("calibration"), [row])[row.pk]
    in_description = snippets(parse("default"), [row])[row.pk]

    assert in_card.where == "in the card of version 1, Intended uses"
    assert ("calibrated", True) in in_card.parts
    assert in_card.text == "The <b>calibrated</b> score of each applicant."
    assert in_description.where == "in the description"
    assert ("defaults", True) in in_description.parts
    assert snippets(parse("m1"), [row]) == {}


def test_a_snippet_of_a_long_text_is_short_and_begins_with_a_word() -> None:
    marker = Marker(parse("needle"))

    snippet = marker.snippet("in the text", "straw " * 500 + "needle " + "hay " * 500)

    assert snippet is not None
    assert len(snippet.text) < 220
    assert snippet.text.startswith("… straw")
    assert snippet.text.endswith(" …")


WORD = st.text(st.sampled_from("abcdefgkmnorstuvxyzäéß0123456789"), min_size=1, max_size=12)
SEPARATOR = st.sampled_from(
    [" ", "-", "_", ".", "/", ", ", " – ", "\n", ": ", "“", "(", ")'", "&", "|", "\\", "!", "*"]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Words with any signs between them."""
    return "".join(draw(WORD) + draw(SEPARATOR) for _ in range(draw(st.integers(1, 8))))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(name=texts(), description=texts(), card=texts())
def test_every_word_of_a_name_a_description_and_a_card_finds_its_model(
    name: str, description: str, card: str
) -> None:
    Model.objects.all().update(name="replaced")
    model = described(name[:200], description)
    carded(model, card)

    for word in {word for text in (name, description, card) for word in parse_words(text)}:
        assert Model.objects.filter(matches(parse(word), "model"), pk=model.pk).exists(), word
        assert Model.objects.filter(matches(parse(f'"{word}"'), "model"), pk=model.pk).exists(), word


def parse_words(text: str) -> list[str]:
    """The words of a text, each short enough for a search box; none that would be read as an operator."""
    return [word for word in GAP.sub(" ", text).split() if word.lower() != "or"]


HOSTILE = [
    "", " ", "\x00", "'", '"', '""', "-", "--", '-"', "or", "or or", "a or", "or a", "!", "&", "|", "<->", ":*", "a:*", "(", ")",
    "\\", "\\'", "%", "%s", "'; DROP TABLE registry_model; --", "a" * 10_000, "a " * 5_000, '"' * 10_000, "-a " * 3_000,
    "\u202e\u0000\ufeff", "\ud7ff\U0010ffff", "🦊", "🦊 " * 50, "the", "the of and", "-the", '"the of"', "1e5", "1.5", "::", "a&b|c!d<->e:*",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_query_is_an_error(text: str) -> None:
    model = described("the fox", "a b c")
    query = parse(text.replace("\x00", ""))

    rows = Model.objects.filter(matches(query, "model")).annotate(relevance=relevance(query))
    list(rows)
    snippets(query, SearchRow.objects.filter(model=model))

    assert len(query.text) <= LONGEST
    assert len(query.groups) + len(query.excluded) <= MOST_TERMS


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60))
@example("' or 1=1 --")
def test_any_text_is_a_query(text: str) -> None:
    query = parse(text)

    assert Model.objects.filter(matches(query, "model")).annotate(relevance=relevance(query)).count() >= 0
    Marker(query).found(text)


def test_a_kind_that_is_not_searched_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="there is no search for run"):
        matches(parse("x"), "run")


@pytest.mark.parametrize("role", ["auditor", "owner", "outsider"])
def test_rows_of_the_index_are_seen_with_their_objects(role: str, request: pytest.FixtureRequest) -> None:
    user = request.getfixturevalue(role)
    for model in (factories.model(), factories.model(shared=False)):
        version = carded(model, "text") if model.modelgroupobjectpermission_set.exists() else None
        factories.version(model=model, number=2) if version else None
    factories.save(factories.training_data(Version.objects.get(number=1)))

    seen = SearchRow.objects.visible_to(user)

    expected = {"auditor": 6, "owner": 5, "outsider": 0}[role]
    assert seen.count() == expected


def test_a_phrase_beside_words_is_looked_for_where_its_words_are() -> None:
    carded(described("alpha one"), "Daily human oversight.")
    carded(described("alpha two"), "Oversight by a human operator.")
    described("alpha three", "human oversight")
    apart = described("alpha four", "human")
    carded(apart, "oversight")
    carded(described("beta"), "human oversight")

    every = {"alpha one", "alpha two", "alpha three", "alpha four"}
    assert found('alpha "human oversight"') == {"alpha one", "alpha three"}
    assert found('alpha -"human oversight"') == {"alpha two", "alpha four"}
    assert found('"human oversight"') == {"alpha one", "alpha three", "beta"}
    assert found('-"human oversight"') == {"alpha two", "alpha four"}
    assert found("alpha human oversight") == every
    assert found('alpha or beta "human oversight" -three') == {"alpha one", "beta"}
    assert found("alpha human-oversi") == {"alpha one", "alpha three"}  # the last may go on
    assert found('alpha "human oversight" or "by a"') == {"alpha one", "alpha two", "alpha three"}


@pytest.mark.parametrize(
    "text", ["credit", '"credit desk" credit', "credit -desk", "-desk", 'credit -"credit desk"']
)
def test_all_kinds_are_found_at_once_as_each_alone(text: str) -> None:
    model = described("credit model", "for the credit desk")
    carded(model, "credit, then the desk, of a provider")
    factories.system(model=model)
    Dataset.objects.create(name="credit data", slug="credit-data")

    together = keys(parse(text), *KINDS)

    assert together == {kind: keys(parse(text), kind)[kind] for kind in KINDS}
    assert any(one.count for one in together.values())
    for one in together.values():
        assert one.array.count(",") + (one.array != "{}") == one.count
