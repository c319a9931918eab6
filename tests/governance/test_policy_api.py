"""Drafts and versions of policies over REST: the same verbs as the editor, with an ETag in the place of its hidden fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from governance.models import Policy, PolicyDraft
from registry.models import Model, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
RULE: dict[str, Any] = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}
TEST = {"name": "The owners get in", "who": "user:owner", "groups": ["owner"], "action": "predict",
        "at": "2026-11-23T12:00:00+00:00", "expect": "allow"}  # fmt: skip


class Desk:
    """Somebody at the draft of one policy."""

    def __init__(self, browser: Client, model: Model) -> None:
        self.browser, self.place = browser, f"/api/v1/policies/{model.slug}/production/"

    def __call__(self, method: str, path: str, body: Any = None, tag: str = "") -> Any:
        headers = {"If-Match": tag} if tag else {}
        data = json.dumps(body) if body is not None else ""
        return self.browser.generic(
            method, self.place + path, data, content_type="application/json", headers=headers
        )


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


@pytest.fixture
def desk(owner: User, as_user: AsUser, model: Model) -> Desk:
    return Desk(as_user(owner), model)


def test_a_draft_is_saved_tried_and_published_and_ends_with_that(desk: Desk, model: Model) -> None:
    saved = desk("PUT", "draft/", {"rules": [RULE], "tests": [TEST]})
    tried = desk("POST", "draft/trial/")
    read = desk("GET", "draft/")
    published = desk("POST", "draft/publication/", tag=read.headers["ETag"])

    assert (saved.status_code, saved.json()["state"], saved.json()["errors"]) == (201, 1, {})
    assert tried.json()["tests"] == [
        {"name": TEST["name"], "expect": "allow", "outcome": "allowed", "passed": True}
    ]
    assert tried.json()["replay"]["total"] == 0
    assert (published.status_code, published.json()["number"]) == (201, 1)
    assert published.json()["rules"] == [RULE]
    assert desk("GET", "draft/").status_code == 404
    assert Policy.objects.get(model=model).in_force
    assert list(Entry.objects.filter(kind__startswith="policy.").values_list("kind", flat=True).order_by("created_at")) == [
        "policy.drafted", "policy.published",
    ]  # fmt: skip


def test_what_cannot_be_published_is_kept_and_says_why(desk: Desk) -> None:
    saved = desk("PUT", "draft/", {"rules": [RULE | {"subjects": ["group:nobody"]}], "tests": []})
    broken = desk("PUT", "draft/", {"rules": [{"effect": "perhaps"}]}, tag=saved.headers["ETag"])
    tried = desk("POST", "draft/trial/")
    refused = desk("POST", "draft/publication/", tag=broken.headers["ETag"])

    assert saved.json()["errors"] == {"rules.0.subjects": ["There is no role or team named nobody."]}
    assert broken.status_code == 200
    assert broken.json()["rules"] == [{"effect": "perhaps"}]
    assert tried.json() == {"errors": broken.json()["errors"], "tests": [], "replay": None}
    assert refused.status_code == 400
    assert not Policy.objects.get().in_force


def test_a_failing_test_case_keeps_a_draft_from_being_published(desk: Desk) -> None:
    saved = desk("PUT", "draft/", {"rules": [RULE], "tests": [TEST | {"expect": "deny"}]})

    assert desk("POST", "draft/trial/").json()["tests"][0]["passed"] is False
    assert desk("POST", "draft/publication/", tag=saved.headers["ETag"]).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "draft/"), ("DELETE", "draft/"), ("POST", "draft/publication/")]
)
def test_nobody_writes_over_publishes_or_discards_what_they_have_not_read(
    method: str, path: str, desk: Desk
) -> None:
    first = desk("PUT", "draft/", {"rules": [RULE]})
    desk("PUT", "draft/", {"rules": []}, tag=first.headers["ETag"])
    body = {"rules": [RULE]} if method == "PUT" else None

    blind, late = desk(method, path, body), desk(method, path, body, tag=first.headers["ETag"])

    assert (blind.status_code, late.status_code) == (428, 412)
    assert PolicyDraft.objects.latest("number").content["rules"] == []


def test_a_draft_is_discarded_as_it_was_read(desk: Desk) -> None:
    saved = desk("PUT", "draft/", {"rules": [RULE]})

    assert desk("DELETE", "draft/", tag=saved.headers["ETag"]).status_code == 204
    assert not PolicyDraft.objects.exists()
    assert Entry.objects.filter(kind="policy.draft_discarded").exists()


def test_a_draft_begun_before_another_version_came_into_force_is_not_published(
    desk: Desk, model: Model
) -> None:
    saved = desk("PUT", "draft/", {"rules": [RULE, RULE | {"effect": "deny"}]})
    factories.policy(model, "group:owner")

    read = desk("GET", "draft/")

    assert (read.json()["based_on"], read.json()["in_force"]) == (0, 1)
    assert desk("POST", "draft/publication/", tag=saved.headers["ETag"]).status_code == 409
    again = desk("PUT", "draft/", {"rules": [RULE], "based_on": 0}, tag=read.headers["ETag"])
    rebased = desk("PUT", "draft/", {"rules": [RULE, RULE | {"effect": "deny"}]}, tag=read.headers["ETag"])
    assert (again.status_code, rebased.json()["based_on"]) == (409, 1)


def test_every_version_can_be_read_and_an_earlier_one_put_back(desk: Desk, model: Model) -> None:
    factories.policy(model, "group:owner")
    factories.policy(model, "user:owner", on_top_of=1)
    in_force = desk("GET", "").headers["ETag"]
    first = desk("GET", "versions/1/")

    blind = desk("POST", "versions/1/restoration/")
    late = desk("POST", "versions/1/restoration/", tag=first.headers["ETag"])
    done = desk("POST", "versions/1/restoration/", tag=in_force)

    assert [one["number"] for one in desk("GET", "versions/").json()["results"]] == [3, 2, 1]
    assert (blind.status_code, late.status_code, done.status_code) == (428, 412, 201)
    assert (done.json()["number"], done.json()["rules"]) == (3, first.json()["rules"])
    assert desk("GET", "versions/4/").status_code == 404


def test_policies_in_force_are_listed_and_others_are_not(desk: Desk, model: Model) -> None:
    hidden = factories.model()
    for one in (model, hidden):
        factories.policy(one, "group:owner")
    factories.policy(model, "user:owner", on_top_of=1)
    factories.policy(model, "group:owner", environment="staging")

    found = desk.browser.get("/api/v1/policies/", {"model": model.slug}).json()["results"]
    staging = desk.browser.get("/api/v1/policies/", {"environment": "staging"}).json()["results"]

    assert {(one["environment"], one["number"]) for one in found} == {("production", 2), ("staging", 1)}
    assert [one["model"] for one in staging] == [model.slug]


@pytest.mark.parametrize("role", ["reviewer", "compliance", "auditor", "admin", "outsider"])
def test_who_may_not_publish_sees_no_draft(role: str, model: Model, desk: Desk, as_user: AsUser) -> None:
    desk("PUT", "draft/", {"rules": [RULE]})
    person = User.objects.create(username="outsider") if role == "outsider" else factories.member(role)
    other = Desk(as_user(person), model)

    answers = {other("GET", "draft/").status_code, other("POST", "draft/trial/").status_code,
               other("PUT", "draft/", {"rules": []}, tag="*").status_code}  # fmt: skip

    assert answers == {404 if role == "outsider" else 403}


def test_no_token_writes_a_policy(model: Model, owner: User) -> None:
    _, secret = factories.token(owner=owner, actions=(), portal=("read", "token"))
    bearer = {"Authorization": f"Bearer {secret.text}"}
    place = f"/api/v1/policies/{model.slug}/production/draft/"

    answer = Client().put(place, json.dumps({"rules": []}), content_type="application/json", headers=bearer)

    assert answer.status_code == 403
    assert not PolicyDraft.objects.exists()
