"""Comments as people see them: at their field on page and API, and nowhere for whom the document does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.actions import reviews, threads
from governance.margin import margin_of
from governance.models import Comment, Review, Thread
from registry.actions import documents
from registry.models import Dataset, Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
OVERVIEW, RESULTS = "model_details.overview", "metrics.results"
TOGETHER = {"HTTP_IDEMPOTENCY_KEY": "once-only"}


@pytest.fixture
def review() -> Review:
    """A card that waits for its judgement."""
    return factories.submitted_review()


def begin(
    revision: Revision, path: str = OVERVIEW, *, row: int | None = None, text: str = "Which data?"
) -> Thread:
    return threads.begin(revision=revision, path=path, row=row, text=text, by=factories.member("reviewer"))


def rewritten(version: Version, change: Callable[[dict[str, Any]], None]) -> Revision:
    """The next revision, with something changed."""
    head = Revision.objects.filter(document__version=version).latest("number")
    content = head.content
    change(content)
    return documents.save(about=version, content=content, on_top_of=head.number, by=factories.member("owner"))


def card_api(version: Version) -> str:
    return f"/api/v1/models/{version.model.slug}/versions/{version.number}/card/threads/"


# Where a thread stands


def test_a_thread_follows_its_row_into_later_revisions(review: Review) -> None:
    version, row = review.document.version, begin(review.revision, RESULTS, row=0)
    whole, other = begin(review.revision, RESULTS), begin(review.revision)

    def change(content: dict[str, Any]) -> None:
        first = content["metrics"]["results"][0]
        content["metrics"]["results"] = [dict.fromkeys(first, "new"), first | {"value": "0.95"}]

    margin = margin_of(rewritten(version, change))

    notes = {note.thread: note for notes in margin.by_path.values() for note in notes}
    assert (notes[row].place.row, notes[row].place.changed, notes[row].is_of_earlier) == (1, True, True)
    assert "0.95" in notes[row].row_name
    assert notes[whole].place.changed
    assert not notes[other].place.changed
    assert (margin.open, margin.open_paths, margin.gone) == (3, {OVERVIEW: 1, RESULTS: 2}, [])
    assert {note.place.row for note in margin_of(review.revision).notes} == {0, None}  # where it was begun


def test_a_thread_whose_row_went_stands_under_what_is_no_longer_there(
    review: Review, as_user: AsUser
) -> None:
    begin(review.revision, RESULTS, row=0, text="This very row?")

    def change(content: dict[str, Any]) -> None:
        content["metrics"]["results"] = [dict.fromkeys(content["metrics"]["results"][0], "new")]

    head = rewritten(review.document.version, change)

    page = as_user(factories.member("owner")).get(head.get_absolute_url()).content.decode()
    assert page.index("On what is no longer there") < page.index("This very row?")
    assert (
        "no longer there"
        not in as_user(factories.member("owner")).get(review.get_absolute_url()).content.decode()
    )


def test_what_is_said_about_a_later_revision_is_not_shown_on_an_earlier_one(review: Review) -> None:
    begin(factories.save(review.document.version, mark="later"))

    assert margin_of(review.revision).notes == ()


# Pages


def test_a_comment_stands_at_its_field_wherever_the_document_is_shown(
    review: Review, as_user: AsUser
) -> None:
    version = review.document.version
    begin(review.revision, text="On **which** data? <script>alert(1)</script>")
    browser = as_user(factories.member("owner"))

    for address in (
        review.get_absolute_url(),
        f"{version.get_absolute_url()}card/",
        review.revision.get_absolute_url(),
        f"{version.get_absolute_url()}card/edit/",
        f"/documents/{review.document_id}/threads/",
        Thread.objects.get().get_absolute_url(),
    ):
        page = browser.get(address).content.decode()
        assert "On <strong>which</strong> data?" in page, address
        assert "<script>alert" not in page, address
    listed = browser.get("/reviews/?show=open").content.decode()
    assert re.search(r'<td class="number"[^>]*>1</td>', listed)


def test_a_withdrawn_comment_is_shown_to_nobody(review: Review, as_user: AsUser) -> None:
    thread = begin(review.revision, text="hunter2")
    threads.reply(thread=thread, text="Take that back!", by=factories.member("owner"))
    mine = as_user(factories.member("reviewer"))

    answer = mine.post(f"/comments/{thread.comments.order_by('pk')[0].pk}/withdraw/", {"back": "/reviews/"})

    assert answer.headers["Location"] == f"/reviews/#thread-{thread.pk}"
    for role in ("reviewer", "owner", "compliance", "auditor"):
        browser = as_user(factories.member(role))
        for address in (
            review.get_absolute_url(), thread.get_absolute_url(), f"/api/v1/threads/{thread.pk}/",
            card_api(review.document.version), f"{review.document.version.get_absolute_url()}history/",
        ):  # fmt: skip
            page = browser.get(address)
            assert page.status_code == 200
            assert "hunter2" not in page.content.decode(), address
    assert "withdrew this" in mine.get(review.get_absolute_url()).content.decode()


def test_who_reads_only_finds_no_way_to_comment(review: Review, as_user: AsUser) -> None:
    thread = begin(review.revision)
    auditor = as_user(factories.member("auditor"))

    page = auditor.get(review.get_absolute_url()).content.decode()

    assert "Which data?" in page
    assert "/comment/?about=" not in page
    assert "/answer/" not in page
    assert auditor.get(f"/documents/{review.document_id}/revisions/1/comment/").status_code == 403
    assert auditor.post(f"/threads/{thread.pk}/answer/", {"text": "Hm."}).status_code == 403
    assert Comment.objects.count() == 1


@pytest.mark.parametrize(
    ("shown", "there", "not_there"),
    [("changed", [OVERVIEW], ["model_details.task"]), ("open", ["model_details.task"], [OVERVIEW])],
)
def test_the_cockpit_shows_what_changed_or_what_is_talked_about_alone(
    shown: str, there: list[str], not_there: list[str], as_user: AsUser
) -> None:
    version = factories.approved_version()
    factories.save(version, mark="since the spring")
    review = factories.resubmit(version)
    begin(review.revision, "model_details.task")

    page = (
        as_user(factories.member("reviewer"))
        .get(f"{review.get_absolute_url()}?show={shown}")
        .content.decode()
    )

    assert [path for path in there if f'id="f-{path}"' not in page] == []
    assert [path for path in not_there if f'id="f-{path}"' in page] == []


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "\\\\evil", "reviews"]
)
def test_nobody_is_led_elsewhere(back: str, review: Review, as_user: AsUser) -> None:
    thread = begin(review.revision)

    answer = as_user(factories.member("owner")).post(
        f"/threads/{thread.pk}/answer/", {"text": "These.", "back": back}
    )

    assert answer.headers["Location"] == f"{thread.get_absolute_url()}#thread-{thread.pk}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "", "then": ""}, "Write something."),
        ({"text": "x" * 5_001, "then": ""}, "at most 5000 characters"),
        ({"text": "Once more.", "then": "reopen"}, "This thread is open already."),
    ],
)
def test_what_was_typed_survives_a_refusal(
    given: dict[str, str], said: str, review: Review, as_user: AsUser
) -> None:
    thread = begin(review.revision)

    answer = as_user(factories.member("owner")).post(f"/threads/{thread.pk}/answer/", given)

    page = answer.content.decode()
    assert answer.status_code in (400, 409)
    assert said in page
    assert given["text"] in page
    assert Comment.objects.count() == 1


def test_a_field_that_is_not_there_is_refused_on_the_page_too(review: Review, as_user: AsUser) -> None:
    browser = as_user(factories.member("owner"))
    place = f"/documents/{review.document_id}/revisions/1/comment/"

    for given in (
        {"about": OVERVIEW, "path": "model_details.mood", "text": "Hm."},
        {"about": RESULTS, "path": RESULTS, "row": "7", "text": "Hm."},
        {"about": "nothing", "path": "", "text": "Hm."},
    ):
        answer = browser.post(place, given)
        assert answer.status_code == 400
        assert "Hm." in answer.content.decode()
    assert not Thread.objects.exists()
    assert (
        browser.get(f"{place}?about=metrics", headers={"HX-Request": "true"}).content.decode().count("<form")
        == 1
    )


def test_a_datasheet_is_talked_about_as_well(as_user: AsUser) -> None:
    version = factories.version()
    dataset = factories.training_data(version)
    sheet = factories.save(dataset)
    begin(sheet, "motivation.mot_purpose")

    browser = as_user(factories.member("owner"))

    assert "Which data?" in browser.get(sheet.get_absolute_url()).content.decode()
    assert (
        browser.get(f"/api/v1/datasets/{dataset.slug}/datasheet/threads/").json()["results"][0]["dataset"]
        == dataset.slug
    )
    assert isinstance(dataset, Dataset)


# Over REST


def test_over_rest_a_thread_is_begun_answered_resolved_and_reopened(review: Review, as_user: AsUser) -> None:
    version = review.document.version
    mine, theirs = as_user(factories.member("reviewer")), as_user(factories.member("owner"))

    begun = mine.post(
        card_api(version), {"path": RESULTS, "row": 0, "text": "Which data?"}, content_type="application/json"
    )
    there = begun.headers["Location"]
    answered = theirs.post(f"{there}comments/", {"text": "These."}, content_type="application/json")
    resolved = theirs.post(f"{there}resolution/", {"text": "Done."}, content_type="application/json")
    refused = mine.post(f"{there}comments/", {"text": "But."}, content_type="application/json")
    reopened = mine.post(f"{there}reopening/", {}, content_type="application/json")

    assert [one.status_code for one in (begun, answered, resolved, refused, reopened)] == [
        201,
        201,
        200,
        409,
        200,
    ]
    assert "owner has resolved" in refused.json()["detail"]
    shown = mine.get(there).json()
    assert [one["text"] for one in shown["comments"]] == ["Which data?", "These.", "Done."]
    assert (shown["path"], shown["row"], shown["place"]) == (
        RESULTS,
        0,
        {"there": True, "changed": False, "row": 0},
    )
    assert (shown["model"], shown["version"], shown["revision"], shown["resolved_at"]) == (
        version.model.slug,
        1,
        1,
        None,
    )


def test_over_rest_a_list_is_narrowed_by_state_and_field(review: Review, as_user: AsUser) -> None:
    settled, open_ = begin(review.revision), begin(review.revision, RESULTS)
    threads.resolve(thread=settled, by=factories.member("owner"))
    browser = as_user(factories.member("auditor"))

    def found(query: str) -> list[int]:
        return [one["id"] for one in browser.get(card_api(review.document.version) + query).json()["results"]]

    assert found("") == [open_.pk, settled.pk]
    assert found("?state=open") == found(f"?path={RESULTS}") == [open_.pk]
    assert found("?state=resolved") == [settled.pk]
    assert found("?size=1") == [open_.pk]
    assert browser.get(f"{card_api(review.document.version)}?state=lost").status_code == 400


def test_over_rest_a_comment_that_is_sent_again_is_written_once(review: Review, as_user: AsUser) -> None:
    browser = as_user(factories.member("owner"))
    body = {"path": OVERVIEW, "text": "Which data?"}

    sent = [
        browser.post(card_api(review.document.version), body, content_type="application/json", **TOGETHER)
        for _ in range(2)
    ]

    assert [one.status_code for one in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert Thread.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"path": "model_details.mood", "text": "Hm."}, "path"),
        ({"path": OVERVIEW, "row": 0, "text": "Hm."}, "row"),
        ({"path": OVERVIEW, "text": " "}, "text"),
        ({"path": OVERVIEW, "text": "Hm.", "revision": 9}, "revision"),
        ({"path": OVERVIEW, "text": "Hm.", "colour": "red"}, "colour"),
    ],
)
def test_over_rest_what_cannot_be_taken_is_named(
    body: dict[str, Any], named: str, review: Review, as_user: AsUser
) -> None:
    answer = as_user(factories.member("owner")).post(
        card_api(review.document.version), body, content_type="application/json"
    )

    assert answer.status_code == 400
    assert named in answer.json()["errors"]


def test_over_rest_one_withdraws_what_one_wrote_and_nothing_else(review: Review, as_user: AsUser) -> None:
    thread = begin(review.revision)
    said = f"/api/v1/threads/{thread.pk}/comments/{thread.comments.get().pk}/withdrawal/"

    refused = as_user(factories.member("owner")).post(said, content_type="application/json")
    done = as_user(factories.member("reviewer")).post(said, content_type="application/json")

    assert (refused.status_code, done.status_code) == (403, 200)
    assert done.json()["comments"][0]["text"] == ""
    assert done.json()["resolved_by"] == "reviewer"  # nothing is left to settle


def test_a_rule_that_asks_for_it_is_decided_over_rest_and_told(as_user: AsUser) -> None:
    rules = "/api/v1/review-rules/"
    browser = as_user(factories.member("compliance"))
    assert {one["threads_resolved"] for one in browser.get(rules).json()["rules"]} == {False}

    decided = browser.put(
        f"{rules}limited/",
        {
            "approvers": 1, "roles": [], "checklist": [], "max_age_days": 30, "again_after_days": 20,
            "step_up": False, "threads_resolved": True, "rationale": "No loose ends.",
        },
        content_type="application/json",
    )  # fmt: skip

    assert decided.json()["threads_resolved"] is True
    assert "all resolved" in browser.get("/review-rules/").content.decode()
    review = factories.submitted_review()
    assert review.frozen_rule.threads_resolved
    thread = begin(review.revision)
    reviewer = as_user(factories.member("reviewer"))
    page = reviewer.get(review.get_absolute_url()).content.decode()
    assert "this rule asks that all are resolved" in page
    refused = reviewer.post(f"{review.get_absolute_url()}judge/", {"digest": review.digest, "approve": "1"})
    assert refused.status_code == 409
    threads.resolve(thread=thread, by=factories.member("owner"))
    assert reviews.approve(review=review, digest=review.digest, by=factories.member("reviewer")).is_approved
