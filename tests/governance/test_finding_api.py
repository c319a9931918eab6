"""Finding things by REST: the same filters as the pages, strict about what they do not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.models import SavedFilter
from registry.actions import catalogue
from registry.models import Model, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def names(answer: Any) -> list[str]:
    return [row["name"] for row in answer.json()["results"]]


def test_models_are_asked_in_the_words_of_their_page(owner: User, as_user: AsUser) -> None:
    version = factories.approved_version(factories.version(model=factories.model(name="credit-scorer")))
    factories.version(model=factories.model(name="churn-ranker"))
    factories.model(name="credit-secret", shared=False)
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())
    Model.objects.filter(pk=version.model_id).update(tags={"team": "lending"})
    browser = as_user(owner)

    for asked in (
        "q=credit", "state=cleared", "risk=limited", "team=lending", "alias=champion", "q=cred&changed_within=7",
        "state=cleared&environment=staging&sort=-changed",
    ):  # fmt: skip
        assert names(browser.get(f"/api/v1/models/?{asked}")) == ["credit-scorer"], asked
    assert names(browser.get("/api/v1/models/?sort=-name")) == ["credit-scorer", "churn-ranker"]
    one = browser.get("/api/v1/models/?q=credit").json()["results"][0]
    assert one["state"] == "cleared"
    assert one["unmet"] == []
    assert one["teams"] == ["lending"]
    assert one["tags"] == {"team": "lending"}


@pytest.mark.parametrize(
    "asked",
    ["state=maybe", "risk=huge", "changed_within=3", "sort=size", f"q={'a' * 201}", "q=%00", "team=%00"],
)
def test_what_is_not_known_is_an_error(asked: str, owner: User, as_user: AsUser) -> None:
    assert as_user(owner).get(f"/api/v1/models/?{asked}").status_code == 400


def test_pages_of_a_search_follow_each_other(owner: User, as_user: AsUser) -> None:
    for number in range(5):
        factories.model(name=f"gadget-{number}")
    browser = as_user(owner)
    found, address = [], "/api/v1/models/?q=gadget&size=2"
    while address:
        answer = browser.get(address)
        found += names(answer)
        address = answer.json()["next"]

    assert sorted(found) == [f"gadget-{number}" for number in range(5)]


def test_systems_and_datasets_are_asked_likewise(owner: User, as_user: AsUser) -> None:
    version = factories.version()
    system = factories.system(model=version.model, risk_class="high")
    browser = as_user(owner)

    assert names(browser.get("/api/v1/systems/?risk=high")) == [system.name]
    assert names(browser.get("/api/v1/systems/?risk=minimal")) == []
    assert names(browser.get("/api/v1/datasets/?datasheet=missing")) == [
        factories.training_data(version).name
    ]
    assert names(browser.get("/api/v1/datasets/?datasheet=written")) == []


def test_search_tells_where(owner: User, outsider: User, as_user: AsUser) -> None:
    version = factories.version()
    factories.save(version, mark="calibrated")

    found = as_user(owner).get("/api/v1/search/?q=calibration").json()
    card = as_user(owner).get("/api/v1/search/?q=calibration&kind=document").json()["results"][0]

    assert [hit["kind"] for hit in found["results"]] == ["model", "card"]
    assert found["count"] == 2
    assert card["where"].startswith("in the card of version 1, ")
    assert "calibrated" in card["text"]
    assert as_user(owner).get(card["page"]).status_code in (200, 302)
    assert as_user(outsider).get("/api/v1/search/?q=calibration").json() == {"count": 0, "results": []}
    assert as_user(owner).get("/api/v1/search/").status_code == 400


def test_saved_filters_are_kept_renamed_and_forgotten(owner: User, admin: User, as_user: AsUser) -> None:
    browser = as_user(owner)
    given = {"page": "models", "name": "Mine", "query": "risk=high"}

    made = browser.post("/api/v1/saved-filters/", given, content_type="application/json")
    again = browser.post("/api/v1/saved-filters/", given, content_type="application/json")
    wrong = browser.post("/api/v1/saved-filters/", given | {"query": "x=1"}, content_type="application/json")
    place = made.headers["Location"]
    others = as_user(admin).get(place)
    renamed = browser.put(place, {"name": "Other"}, content_type="application/json")
    listed = browser.get("/api/v1/saved-filters/")
    gone = browser.delete(place)

    assert made.status_code == 201
    assert made.json()["address"] == "/models/?risk=high"
    assert (again.status_code, wrong.status_code, others.status_code) == (400, 400, 404)
    assert renamed.json()["name"] == "Other"
    assert names(listed) == ["Other"]
    assert names(as_user(admin).get("/api/v1/saved-filters/")) == []
    assert gone.status_code == 204
    assert not SavedFilter.objects.exists()
