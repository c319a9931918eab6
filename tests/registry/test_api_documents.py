"""Documents by REST: findings, history, comparison, figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from registry.actions import documents
from registry.documents.content import blank
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db

API = "/api/v1"
AsUser = Callable[[User], Client]


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


def test_findings_say_whether_a_review_can_be_asked_for(
    version: Version, owner: User, as_user: AsUser
) -> None:
    browser = as_user(owner)
    address = f"{API}/models/{version.model.slug}/versions/{version.number}/card/findings/"
    assert browser.get(address).status_code == 404, "there is no card"

    factories.save(version)
    assert (browser.get(address).json()["ready"], browser.get(address).json()["revision"]) == (True, 1)

    documents.save(about=version, content=blank("card"), on_top_of=1, by=owner)
    found = browser.get(address).json()
    assert found["ready"] is False
    assert {"required_empty"} <= {one["code"] for one in found["findings"]}
    assert found["findings"][0]["path"] == "model_details.name"


def test_a_datasheet_has_findings_too(version: Version, owner: User, as_user: AsUser) -> None:
    dataset = factories.training_data(version)
    documents.save(about=dataset, content=blank("datasheet"), on_top_of=0, by=owner)

    found = as_user(owner).get(f"{API}/datasets/{dataset.slug}/datasheet/findings/").json()["findings"]

    assert {"required_empty", "gate_unanswered"} == {one["code"] for one in found}


def test_revisions_are_read_and_compared(version: Version, owner: User, as_user: AsUser) -> None:
    browser = as_user(owner)
    for mark in ("first", "second"):
        factories.save(version, mark=mark)
        factories.save(factories.training_data(version), mark=mark)
    card = f"{API}/models/{version.model.slug}/versions/{version.number}/card"
    sheet = f"{API}/datasets/{factories.training_data(version).slug}/datasheet"

    for paper in (card, sheet):
        listed = browser.get(f"{paper}/revisions/").json()["results"]
        assert [one["number"] for one in listed] == [2, 1]
        one = browser.get(f"{paper}/revisions/1/")
        assert one.headers["ETag"] == f'"{listed[1]["digest"]}"'
        assert one.json()["content"]["schema"].startswith("cardinal/")
        assert browser.get(f"{paper}/revisions/9/").status_code == 404
        compared = browser.get(f"{paper}/compare/", {"old": 1, "new": 2}).json()
        assert all("first" in str(change["before"]) for change in compared["changes"])
        assert all("second" in str(change["after"]) for change in compared["changes"])
        assert len(compared["changes"]) > 5
        assert browser.get(f"{paper}/compare/", {"old": 1}).status_code == 400


def test_what_is_not_shared_has_no_history(version: Version, outsider: User, as_user: AsUser) -> None:
    factories.save(version)
    card = f"{API}/models/{version.model.slug}/versions/{version.number}/card"

    for part in ("findings/", "revisions/", "revisions/1/", "compare/?old=1&new=1"):
        assert as_user(outsider).get(f"{card}/{part}").status_code == 404


def test_a_figure_is_brought_as_bytes_and_named_by_its_digest(
    owner: User, outsider: User, as_user: AsUser, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    browser, there = as_user(owner), f"{API}/figures/"

    answer = browser.post(there, factories.picture(), content_type="image/png")

    figure = answer.json()
    assert (answer.status_code, figure["media_type"], figure["width"]) == (201, "image/png", 40)
    assert browser.get(answer.headers["Location"]).json() == figure
    assert browser.get(figure["file"]).headers["Content-Type"] == "image/png"
    assert as_user(outsider).get(answer.headers["Location"]).status_code == 404
    assert as_user(outsider).post(there, factories.picture(), content_type="image/png").status_code == 403
    for body, kind, status in (
        (b"<svg/>", "image/png", 400),
        (b"", "image/png", 400),
        (factories.picture(), "text/html", 415),
        (bytes(5_000_001), "image/png", 413),
    ):
        assert browser.post(there, body, content_type=kind).status_code == status
