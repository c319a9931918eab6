"""Facts by REST: the same visibility and the same verbs as the pages, and errors that a program can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from registry.models import Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db

API = "/api/v1"
AsUser = Callable[[User], Client]


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


@pytest.fixture
def card(version: Version) -> str:
    """Where the card is."""
    return f"{API}/models/{version.model.slug}/versions/{version.number}/card/"


def put(browser: Client, url: str, body: Any, **headers: str) -> Any:
    return browser.put(url, json.dumps(body), content_type="application/json", headers=headers)


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem details in `answer`, which has this status."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert problem["status"] == status
    assert {"type", "title", "detail", "request_id"} <= set(problem)
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


class TestWhatExists:
    """What one may not see does not exist."""

    def test_models_are_listed_for_whom_they_are_shared_with(
        self, version: Version, owner: User, auditor: User, outsider: User, as_user: AsUser
    ) -> None:
        hidden = factories.model(shared=False)

        seen = {
            user.username: {row["slug"] for row in as_user(user).get(f"{API}/models/").json()["results"]}
            for user in (owner, auditor, outsider)
        }

        assert seen == {
            "owner": {version.model.slug},
            "auditor": {version.model.slug, hidden.slug},
            "outsider": set(),
        }

    def test_nothing_of_a_hidden_model_can_be_read(
        self, version: Version, outsider: User, as_user: AsUser
    ) -> None:
        model = f"{API}/models/{version.model.slug}/"
        dataset = f"{API}/datasets/{factories.training_data(version).slug}/"
        factories.save(version)
        factories.save(factories.training_data(version))
        places = [model, f"{model}versions/", f"{model}versions/1/", f"{model}versions/1/card/"]
        places += [f"{model}versions/1/card/revisions/", dataset, f"{dataset}datasheet/"]

        for place in places:
            is_problem(as_user(outsider).get(place), 404)

    def test_a_system_with_a_hidden_model_does_not_tell_its_name(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        hidden = factories.model(shared=False)
        system = factories.system(model=version.model)
        system.models.add(hidden)

        told = as_user(owner).get(f"{API}/systems/{system.slug}/").json()

        assert told["models"] == [version.model.slug]

    def test_a_version_is_told_with_its_run(self, version: Version, owner: User, as_user: AsUser) -> None:
        told = as_user(owner).get(f"{API}/models/{version.model.slug}/versions/1/").json()

        assert told["number"] == 1
        assert told["run"]["metrics"] == {"auc": 0.9}

    def test_a_search_finds_part_of_a_name(self, owner: User, as_user: AsUser) -> None:
        factories.model(name="credit-risk")
        factories.model(name="churn")

        found = as_user(owner).get(f"{API}/models/?q=credit").json()["results"]

        assert [row["name"] for row in found] == ["credit-risk"]


class TestPages:
    """Lists are cut by signed cursors."""

    def test_following_next_shows_every_row_once_and_previous_leads_back(
        self, owner: User, as_user: AsUser
    ) -> None:
        for n in range(5):
            factories.model(name=f"m{n}")
        browser, url, seen = as_user(owner), f"{API}/models/?size=2", []

        while url:
            page = browser.get(url).json()
            seen += [row["name"] for row in page["results"]]
            url, previous = page["next"], page["previous"]

        assert seen == [f"m{n}" for n in range(5)]
        assert [row["name"] for row in browser.get(previous).json()["results"]] == ["m2", "m3"]

    def test_a_cursor_of_another_list_shows_the_first_page(self, owner: User, as_user: AsUser) -> None:
        factories.model()
        factories.model()
        link = as_user(owner).get(f"{API}/models/?size=1").json()["next"]

        answer = as_user(owner).get(f"{API}/trail/?{link.partition('?')[2]}")

        assert answer.status_code == 200
        assert answer.json() == as_user(owner).get(f"{API}/trail/?size=1").json() | {"next": None}

    @pytest.mark.parametrize("size", ["0", "-1", "201", "ten", "1e2", "²", "9" * 30])
    def test_a_size_that_is_none_is_refused(self, size: str, owner: User, as_user: AsUser) -> None:
        problem = is_problem(as_user(owner).get(f"{API}/models/", {"size": size}), 400)

        assert problem["errors"] == {"size": ["A whole number from 1 to 200."]}

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_longer_list_asks_no_more_queries(
        self, count: int, owner: User, as_user: AsUser, django_assert_num_queries: Any
    ) -> None:
        model = factories.model()
        for number in range(1, count + 1):
            factories.version(model=model, number=number)
            factories.version()  # a model and a dataset more
            factories.system(model=model)
        made = factories.version(model=model, number=99)
        for n in range(count):
            factories.save(made, mark=str(n))
        browser = as_user(owner)
        browser.get(f"{API}/models/")  # the session moves into the cache

        # Always: who asks, and what the role allows (two). Then what is named.
        with django_assert_num_queries(
            9
        ):  # what is to be seen, models bare, their rows, models, aliases, systems
            assert len(browser.get(f"{API}/models/").json()["results"]) == count + 1
        with django_assert_num_queries(6):  # the model, versions, aliases
            assert len(browser.get(f"{API}/models/{model.slug}/versions/").json()["results"]) == count + 1
        with django_assert_num_queries(7):  # which datasets fit, datasets bare, with datasheets, snapshots
            browser.get(f"{API}/datasets/")
        with django_assert_num_queries(5):  # the version, revisions
            rows = browser.get(f"{API}/models/{model.slug}/versions/99/card/revisions/").json()["results"]
            assert len(rows) == count


class TestCards:
    """A card is saved on top of what was read, and never over it."""

    def test_the_first_card_needs_no_precondition(
        self, version: Version, card: str, owner: User, as_user: AsUser
    ) -> None:
        answer = put(as_user(owner), card, {"content": factories.complete("card"), "note": "First."})

        revision = Revision.objects.get(document__version=version)
        assert answer.status_code == 201
        assert answer.headers["ETag"] == f'"{revision.digest}"'
        assert answer.json()["content"] == revision.content
        assert (revision.note, revision.by) == ("First.", owner)
        assert Entry.objects.filter(kind="revision.saved", actor="owner").count() == 1

    def test_what_was_read_can_be_replaced(
        self, version: Version, card: str, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)
        read = as_user(owner).get(card)

        answer = put(
            as_user(owner),
            card,
            {"content": factories.complete("card", "new")},
            **{"If-Match": read.headers["ETag"]},
        )

        assert answer.status_code == 200
        assert answer.json()["number"] == 2

    def test_without_having_read_nothing_is_replaced(
        self, version: Version, card: str, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)

        is_problem(put(as_user(owner), card, {"content": factories.complete("card", "new")}), 428)

        assert Revision.objects.count() == 1

    @pytest.mark.parametrize("tag", [f'"{"0" * 64}"', "W/{head}", "", "nonsense", "{bare}"])
    def test_an_old_or_weak_or_broken_tag_replaces_nothing(
        self, tag: str, version: Version, card: str, owner: User, as_user: AsUser
    ) -> None:
        head = factories.save(version).digest
        tag = tag.replace("{head}", f'"{head}"').replace("{bare}", head)

        answer = put(
            as_user(owner), card, {"content": factories.complete("card", "new")}, **{"If-Match": tag}
        )

        is_problem(answer, 412)
        assert Revision.objects.count() == 1

    def test_if_match_fails_where_there_is_nothing(self, card: str, owner: User, as_user: AsUser) -> None:
        answer = put(as_user(owner), card, {"content": factories.complete("card")}, **{"If-Match": "*"})

        is_problem(answer, 412)

    def test_if_none_match_protects_a_card_that_is_there(
        self, version: Version, card: str, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)

        answer = put(as_user(owner), card, {"content": factories.complete("card")}, **{"If-None-Match": "*"})

        is_problem(answer, 412)

    def test_a_field_that_does_not_fit_is_named(self, card: str, owner: User, as_user: AsUser) -> None:
        content = factories.complete("card") | {"model_details": {"name": 7}}

        problem = is_problem(put(as_user(owner), card, {"content": content}), 400)

        assert "model_details.name" in problem["errors"]

    def test_who_may_not_write_is_refused_before_anything_else_and_the_trail_keeps_it(
        self, version: Version, card: str, auditor: User, as_user: AsUser
    ) -> None:
        factories.save(version)

        problem = is_problem(put(as_user(auditor), card, {}), 403)

        assert problem["reasons"][0]["code"] == "role_missing"
        assert Entry.objects.filter(kind="action.refused", actor="auditor").count() == 1

    def test_a_datasheet_is_saved_likewise(self, version: Version, owner: User, as_user: AsUser) -> None:
        place = f"{API}/datasets/{factories.training_data(version).slug}/datasheet/"
        is_problem(as_user(owner).get(place), 404)

        first = put(as_user(owner), place, {"content": factories.complete("datasheet")})
        again = put(as_user(owner), place, {"content": factories.complete("datasheet", "new")})

        assert first.status_code == 201
        is_problem(again, 428)
        assert as_user(owner).get(place).headers["ETag"] == first.headers["ETag"]


class TestProblems:
    """Every error is problem details (RFC 9457), whoever raised it."""

    def test_nobody_is_asked_to_sign_in(self) -> None:
        answer = Client().get(f"{API}/models/")

        is_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")  # RFC 6750, 3

    def test_a_change_without_the_token_against_forgery_is_refused(self, owner: User) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner, backend="registry.backends.GrantedRoles")

        is_problem(browser.post(f"{API}/systems/", "{}", content_type="application/json"), 403)

    def test_an_address_or_method_that_does_not_exist(self, owner: User, as_user: AsUser) -> None:
        for place in ("/", "/nothing/", "/models/x/", "/models", "/reports/no-uuid/"):
            is_problem(as_user(owner).get(f"{API}{place}"), 404)
        for method in ("delete", "patch", "options"):
            is_problem(getattr(as_user(owner), method)(f"{API}/models/"), 405)

    def test_something_other_than_json(self, owner: User, as_user: AsUser) -> None:
        is_problem(as_user(owner).post(f"{API}/systems/", "a=1", content_type="text/plain"), 415)
        is_problem(as_user(owner).get(f"{API}/models/", headers={"Accept": "text/html"}), 406)
        is_problem(as_user(owner).post(f"{API}/systems/", b"--", content_type="multipart/form-data"), 415)

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"NaN",
            b'{"name": NaN}',
            b"\xff\xfe",
            b'{"name": "\\ud800"}',
            b'{"\\ud800": 1}',
            b'{"name": "\\u0000"}',
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"9" * 5_000,
        ],
        ids=range(13),
    )
    def test_json_that_cannot_be_kept(self, body: bytes, owner: User, as_user: AsUser) -> None:
        is_problem(as_user(owner).post(f"{API}/systems/", body, content_type="application/json"), 400)

    def test_a_body_that_is_too_large(self, owner: User, as_user: AsUser, settings: Any) -> None:
        body = b'"' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"'

        is_problem(as_user(owner).post(f"{API}/systems/", body, content_type="application/json"), 413)

    def test_a_field_that_nobody_reads_is_refused(self, card: str, owner: User, as_user: AsUser) -> None:
        problem = is_problem(
            put(as_user(owner), card, {"content": factories.complete("card"), "notes": "a typing error"}), 400
        )

        assert problem["errors"] == {"notes": ["There is no such field."]}

    @pytest.mark.parametrize(
        "content", [None, [], "x", 1, {"a": 1.5}, {"schema": "cardinal/card/1", "x": "\ud800"}]
    )
    def test_content_that_is_no_document(self, content: Any, card: str, owner: User, as_user: AsUser) -> None:
        is_problem(put(as_user(owner), card, {"content": content}), 400)
