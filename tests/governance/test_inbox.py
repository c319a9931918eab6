"""What waits for whom, derived from the facts; and the inbox by REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.actions import absences, conditions, glass, notices, reviews, stops
from governance.actions import tokens as token_verbs
from governance.inbox import counts, tasks
from governance.models import Absence, MailRhythm, Notice, Review, Stop, Switch
from governance.notices import KINDS
from registry.actions import catalogue
from registry.models import Environment, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
CAST = ("owner", "reviewer", "compliance", "auditor", "admin", "outsider")


@pytest.fixture
def people(db: None, outsider: User) -> dict[str, User]:
    """One of each."""
    return {name: factories.member(name) for name in CAST[:-1]} | {"outsider": outsider}


def waits(people: dict[str, User], what: str) -> set[str]:
    """For whom something of this sort waits."""
    return {name for name, one in people.items() if any(task.what == what for task in tasks(one))}


class TestTasks:
    def test_a_review_waits_for_those_who_may_judge_until_they_have(self, people: dict[str, User]) -> None:
        review = factories.submitted_review()
        assert waits(people, "Judge") == {"reviewer", "compliance"}

        factories.approve(review, by=people["reviewer"])
        assert waits(people, "Judge") == set()

    def test_a_review_that_needs_both_waits_for_who_is_missing(self, people: dict[str, User]) -> None:
        version = factories.version()
        factories.system(model=version.model, risk_class="high")
        review = factories.submitted_review(version)

        factories.sign_off(review, by=people["reviewer"])

        assert waits(people, "Judge") == {"compliance"}

    def test_a_condition_waits_for_its_owner_and_for_who_may_confirm(self, people: dict[str, User]) -> None:
        review = factories.submitted_review()
        factories.sign_off(review, by=people["reviewer"], conditions=[factories.wish(people["compliance"])])
        assert waits(people, "Fulfil") == {"compliance"}
        assert waits(people, "Confirm") == {"reviewer"}  # not its owner, not the submitter

        conditions.fulfil(condition=review.conditions.get(), note="Measured.", by=people["reviewer"])
        assert waits(people, "Fulfil") | waits(people, "Confirm") == set()

    def test_glass_waits_for_those_who_may_grant_and_did_not_ask(self, people: dict[str, User]) -> None:
        made = glass.ask(
            version=factories.version(),
            environment=Environment.STAGING,
            minutes=5,
            reason="A test.",
            by=people["admin"],
        )
        assert waits(people, "Grant or turn down") == {"compliance"}

        glass.grant(glass=made, by=people["compliance"])
        assert waits(people, "Grant or turn down") == set()

    def test_a_token_waits_for_those_who_may_countersign(self, people: dict[str, User]) -> None:
        version = factories.version()
        factories.system(model=version.model, risk_class="high")
        token, _ = factories.token(version.model)
        hidden = factories.model()
        factories.system(model=hidden, risk_class="high")
        factories.token(version.model, hidden)
        blind = people | {"blind": factories.member("owner", "blind")}
        assert waits(blind, "Countersign") == {"admin", "blind"}

        token_verbs.countersign(token=token, by=people["admin"])
        assert waits(blind, "Countersign") == {"admin", "blind"}

    def test_a_stop_waits_for_those_who_may_lift_it_until_it_is_lifted(self, people: dict[str, User]) -> None:
        lift, model = "Lift when it is mended", factories.model()
        token, _ = factories.token(model)
        deeds: list[tuple[Callable[[], Stop], set[str]]] = [
            (lambda: stops.stop_all(reason="Attack.", by=people["admin"]), {"compliance", "admin"}),
            (
                lambda: stops.stop_model(model=model, reason="Nonsense.", by=people["compliance"]),
                {"compliance", "admin"},
            ),
            (
                lambda: stops.stop_token(token=token, reason="Lost.", by=people["owner"]),
                {"owner", "compliance", "admin"},
            ),
        ]
        for deed, those in deeds:
            made = deed()
            assert waits(people, lift) == those, made
            stops.lift(stop=made, reason="Mended.", by=people["admin"])
            assert waits(people, lift) == set(), made

    def test_what_was_sent_back_waits_for_its_submitter_until_it_is_sent_again(
        self, people: dict[str, User]
    ) -> None:
        review = factories.submitted_review()
        reviews.request_changes(review=review, digest=review.digest, comment="More.", by=people["reviewer"])
        assert waits(people, "Change and submit again") == {"owner"}

        factories.resubmit(review.document.version)  # type: ignore[arg-type]
        assert waits(people, "Change and submit again") == set()

    def test_what_was_unshared_waits_for_nobody_who_cannot_see_it(self, people: dict[str, User]) -> None:
        model = factories.model(shared=False)
        for name in ("owner", "reviewer"):
            factories.share(model, people[name])
        factories.submitted_review(factories.version(model=model))
        assert "reviewer" in waits(people, "Judge")

        catalogue.unshare_model(model=model, audience=people["reviewer"], by=people["admin"])

        assert "reviewer" not in waits(people, "Judge")
        assert counts(people["reviewer"])[:2] == (0, 0)

    def test_the_count_of_the_bell_is_one_query(self, people: dict[str, User]) -> None:
        factories.submitted_review()
        reviewer = User.objects.get(pk=people["reviewer"].pk)
        reviewer.has_perm("governance.judge_review")

        with CaptureQueriesContext(connection) as queries:
            assert counts(reviewer)[:2] == (1, 1)

        assert len(queries) == 1


class TestInterface:
    def test_the_inbox_tells_what_waits_and_how_much_is_unread(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        review = factories.submitted_review()

        found = as_user(people["reviewer"]).get("/api/v1/inbox/").json()

        assert found["unread"] == 1
        (task,) = found["tasks"]
        assert (task["key"], task["what"], task["page"]) == (
            f"review:{review.pk}",
            "Judge",
            review.get_absolute_url(),
        )

    def test_notices_are_listed_filtered_and_read(self, people: dict[str, User], as_user: AsUser) -> None:
        for _ in range(3):
            factories.submitted_review()
        browser = as_user(people["reviewer"])
        listed = browser.get("/api/v1/notices/?unread=true&kind=review.asked&size=2").json()
        assert len(listed["results"]) == 2
        assert listed["next"]
        one = listed["results"][0]

        assert browser.put(f"/api/v1/notices/{one['id']}/read/").json()["read_at"]
        assert len(browser.get("/api/v1/notices/?unread=true").json()["results"]) == 2
        assert browser.delete(f"/api/v1/notices/{one['id']}/read/").json()["read_at"] is None
        body = {"kind": "review.asked"}
        assert browser.post("/api/v1/notices/read/", body, content_type="application/json").json() == {
            "count": 3
        }
        assert browser.get("/api/v1/notices/?unread=true").json()["results"] == []
        assert browser.get("/api/v1/notices/?kind=nothing").status_code == 400

    def test_nobody_reads_or_marks_the_notices_of_others(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        factories.submitted_review()
        theirs = Notice.objects.get(person=people["reviewer"])
        browser = as_user(people["compliance"])

        assert browser.put(f"/api/v1/notices/{theirs.pk}/read/").status_code == 404
        assert theirs.pk not in [one["id"] for one in browser.get("/api/v1/notices/").json()["results"]]

    def test_settings_are_told_and_chosen_whole_or_not_at_all(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        browser = as_user(people["reviewer"])
        held = browser.get("/api/v1/notices/settings/").json()
        assert [one["kind"] for one in held["kinds"]] == [one.key for one in KINDS]
        assert held["daily"] is False

        wish = {"kind": "review.approved", "in_app": False, "by_mail": True}
        body: dict[str, Any] = {"daily": True, "kinds": [wish, wish | {"kind": "none"}]}
        address = "/api/v1/notices/settings/"
        assert browser.put(address, body, content_type="application/json").status_code == 400
        assert not Switch.objects.exists()

        body["kinds"] = [wish]
        held = browser.put(address, body, content_type="application/json").json()
        assert held["daily"] is True
        assert next(one for one in held["kinds"] if one["kind"] == "review.approved")["by_mail"] is True
        assert MailRhythm.objects.get().daily

    def test_absences_are_announced_listed_and_ended(self, people: dict[str, User], as_user: AsUser) -> None:
        factories.member("reviewer", "bert")
        browser, now = as_user(people["reviewer"]), timezone.now()
        body = {"stand_in": "bert", "since": now.isoformat(), "until": (now + timedelta(days=2)).isoformat()}

        made = browser.post("/api/v1/absences/", body, content_type="application/json")
        assert made.status_code == 201
        again = browser.post("/api/v1/absences/", body, content_type="application/json")
        assert again.status_code == 409
        nobody = browser.post(
            "/api/v1/absences/", body | {"stand_in": "none"}, content_type="application/json"
        )
        assert nobody.json()["errors"] == {"stand_in": ["Name a person whose account is active."]}
        assert len(as_user(User.objects.get(username="bert")).get("/api/v1/absences/").json()["results"]) == 1
        assert as_user(people["owner"]).get("/api/v1/absences/").json()["results"] == []

        ended = browser.delete(f"/api/v1/absences/{made.json()['id']}/")
        assert ended.json()["ended_at"]
        assert not Absence.objects.in_force().exists()

    def test_a_review_says_in_whose_place_it_was_judged(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        bert, now = factories.member("reviewer", "bert"), timezone.now()
        absences.announce(stand_in=bert, since=now, until=now + timedelta(days=2), by=people["reviewer"])
        review = factories.submitted_review()
        factories.sign_off(review, by=bert)

        found = as_user(people["owner"]).get(f"/api/v1/reviews/{review.pk}/").json()

        assert [one["in_place_of"] for one in found["judgements"]] == ["reviewer"]

    def test_reminders_are_read_by_all_and_decided_by_compliance(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        body = {"remind_after_days": 1, "escalate_after_days": 2, "escalate_to": [], "working_days": False}
        wanted = body | {"rationale": "Faster."}

        refused = as_user(people["owner"]).put("/api/v1/reminders/", wanted, content_type="application/json")
        assert refused.status_code == 403
        done = as_user(people["compliance"]).put(
            "/api/v1/reminders/", wanted, content_type="application/json"
        )
        assert done.json() == body
        assert as_user(people["outsider"]).get("/api/v1/reminders/").json() == body


class TestPages:
    def test_marking_all_says_how_many_and_offers_the_way_back(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        for _ in range(2):
            factories.submitted_review()
        browser = as_user(people["reviewer"])

        answer = browser.post("/inbox/read/?show=all&kind=review.asked", follow=True)

        assert b"Marked as read: 2." in answer.content
        at = Notice.objects.filter(person=people["reviewer"]).first().read_at  # type: ignore[union-attr]
        assert at
        browser.post("/inbox/undo/", {"at": at.isoformat()})
        assert counts(people["reviewer"])[1] == 2

    @pytest.mark.parametrize("at", ["", "yesterday", "2026-01-01T00:00:00", "2026-99-01T00:00:00+00:00"])
    def test_a_moment_that_is_none_is_refused(
        self, at: str, people: dict[str, User], as_user: AsUser
    ) -> None:
        assert as_user(people["reviewer"]).post("/inbox/undo/", {"at": at}).status_code == 400

    def test_who_names_somebody_reads_what_is_wrong_with_it(
        self, people: dict[str, User], as_user: AsUser
    ) -> None:
        factories.member("reviewer", "bert")
        body = {"stand_in": "bert", "since": "2099-01-02T00:00", "until": "2099-01-01T00:00"}

        answer = as_user(people["reviewer"]).post("/accounts/absence/", body)

        assert answer.status_code == 400
        assert b"An absence ends after it begins" in answer.content

    def test_a_notice_that_is_only_mailed_stands_in_no_inbox(
        self, people: dict[str, User], as_user: AsUser, settings: Any
    ) -> None:
        settings.MAIL_ENABLED = True
        notices.switch(kind="review.asked", in_app=False, by_mail=True, by=people["reviewer"])
        factories.submitted_review()

        page = as_user(people["reviewer"]).get("/inbox/?show=all")

        assert counts(people["reviewer"])[:2] == (1, 0)
        assert b"A review waits for you</a>" not in page.content
        assert Review.objects.awaiting(people["reviewer"]).exists()  # it waits all the same
