"""Card and datasheets as evidence: figures by their words and digest, answers as they are read."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage

from audit.evidence import papers, pictures
from registry.actions import documents
from registry.models import Revision, User
from tests import factories

pytestmark = pytest.mark.django_db


def field(paper: dict[str, Any], label: str) -> dict[str, Any]:
    return next(one for section in paper["sections"] for one in section["fields"] if one["label"] == label)


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }


def test_a_figure_is_told_by_caption_words_and_digest() -> None:
    figure = factories.figure()
    head = factories.save(factories.version(), figure=figure)

    found = field(papers.card(head) or {}, "Figures")

    assert found["value"] == {
        "figures": [{"digest": figure.digest, "caption": "ROC", "alt": "It rises.", "kept": True}]
    }
    assert found["missing"] is False


def test_a_picture_that_the_author_could_not_see_is_not_printed(owner: User) -> None:
    """A card may name any digest: that must not get a stranger's picture into a report."""
    strange = factories.figure(by=factories.member("owner", "stranger"))
    content = factories.complete("card")
    content["analyses"]["figures"] = [{"digest": strange.digest, "caption": "Theirs", "alt": ""}]
    head = documents.save(about=factories.version(), content=content, on_top_of=0, by=owner)

    card = papers.card(head)

    assert field(card or {}, "Figures")["value"]["figures"][0]["kept"] is False
    assert pictures.of({"card": card}) == {}


def test_the_plates_of_a_snapshot_are_its_pictures_made_for_paper() -> None:
    figure = factories.figure()
    snapshot = {"card": papers.card(factories.save(factories.version(), figure=figure))}

    assert list(pictures.of(snapshot)) == [figure.digest]

    default_storage.delete(figure.place)

    assert pictures.of(snapshot) == {}
    assert pictures.of({"card": None}) == {}


def test_a_card_without_figures_says_that_they_are_missing() -> None:
    head = factories.save(factories.version())

    assert field(papers.card(head) or {}, "Figures")["missing"] is True


def test_an_answer_is_printed_in_its_words(owner: User) -> None:
    dataset = factories.training_data(factories.version())
    content = factories.complete("datasheet")
    content["scope"]["people"] = "unsure"
    documents.save(about=dataset, content=content, on_top_of=0, by=owner)
    dataset = type(dataset).objects.select_related("datasheet__head__by").get(pk=dataset.pk)

    asked = [one for section in papers.datasheet(dataset)["sections"] for one in section["questions"]]

    answer = next(one for one in asked if one["ask"] == "Does it hold data about people?")
    assert answer["answer"] == "Unsure"
    assert Revision.objects.count() == 1
