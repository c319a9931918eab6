"""Mail, against a real server: sent once, not to whoever may not see it, tried again, and given up in the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client

from governance import mailing
from governance.actions import glass, letters, notices, reviews
from governance.models import Letter, Notice, Review, Switch
from governance.notices import LETTER_TRIES
from governance.settings import mail_server as mail_settings
from governance.tasks import forget_notices
from registry.actions import catalogue
from registry.models import Model, User
from tests import factories
from tests.smtp import MailServer, mail_server

State = Letter.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server that this installation uses."""
    with mail_server() as running:
        settings.MAIL_ENABLED = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        for name, value in mail_settings(running.url).items():
            setattr(settings, name, value)
        yield running


@pytest.fixture
def asked(server: MailServer, reviewer: User) -> Review:
    """A review that one reviewer is asked for by mail; compliance wants none."""
    notices.switch(kind="review.asked", in_app=True, by_mail=False, by=factories.member("compliance"))
    return factories.submitted_review()


def states() -> list[str]:
    return sorted(Letter.objects.values_list("state", flat=True))


def later(monkeypatch: pytest.MonkeyPatch, when: datetime) -> None:
    monkeypatch.setattr(letters.timezone, "now", lambda: when)


class TestSending:
    def test_a_letter_goes_once_with_both_forms_and_a_way_out(
        self, asked: Review, server: MailServer
    ) -> None:
        assert [mailing.send_due() for _ in range(2)] == [1, 0]

        ((recipient, letter),) = server.letters
        assert recipient == "reviewer@example.org"
        assert letter["Subject"] == "Cardinal: A review waits for you"
        model = asked.document.version.model.name  # type: ignore[union-attr]
        assert model not in str(letter["Subject"])
        plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
        assert plain is not None
        assert html is not None
        for part in (plain.get_content(), html.get_content()):
            assert model in part
            assert f"http://127.0.0.1:8000{asked.get_absolute_url()}" in part
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert states() == [State.SENT]

    def test_a_letter_that_was_sent_is_sent_no_more_whatever_is_written(self, asked: Review) -> None:
        mailing.send_due()

        with pytest.raises(DatabaseError, match="sent once"), transaction.atomic():
            Letter.objects.update(state=State.WAITING, done_at=None)

    def test_what_was_read_meanwhile_is_not_mailed(self, asked: Review, server: MailServer) -> None:
        factories.approve(asked, by=factories.member("reviewer"))

        mailing.send_due()

        assert "A review waits for you" not in [str(one["Subject"]) for _, one in server.letters]
        assert State.DROPPED in states()

    def test_what_was_unshared_meanwhile_is_not_mailed(
        self, server: MailServer, reviewer: User, owner: User
    ) -> None:
        model: Model = factories.model(shared=False)
        for one in (reviewer, owner):
            factories.share(model, one)
        factories.submitted_review(factories.version(model=model))
        catalogue.unshare_model(model=model, audience=reviewer, by=factories.member("admin"))

        mailing.send_due()

        assert "reviewer@example.org" not in [recipient for recipient, _ in server.letters]

    def test_what_is_wanted_no_more_is_not_mailed(
        self, asked: Review, server: MailServer, reviewer: User
    ) -> None:
        notices.switch(kind="review.asked", in_app=True, by_mail=False, by=reviewer)

        assert mailing.send_due() == 0
        assert server.letters == []

    def test_a_day_of_mail_is_one_letter_at_seven(
        self, server: MailServer, reviewer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notices.set_rhythm(daily=True, by=reviewer)
        notices.switch(kind="review.asked", in_app=True, by_mail=False, by=factories.member("compliance"))
        for _ in range(3):
            factories.submitted_review()
        assert mailing.send_due() == 0

        later(monkeypatch, datetime.now(UTC) + timedelta(days=1))
        assert mailing.send_due() == 1
        ((_, letter),) = server.letters
        assert letter["Subject"] == "Cardinal: 3 notices"
        assert states() == [State.SENT] * 3

    def test_broken_glass_does_not_wait_for_the_morning(
        self, server: MailServer, owner: User, reviewer: User
    ) -> None:
        compliance = factories.member("compliance")
        for one in (compliance, reviewer):
            notices.set_rhythm(daily=True, by=one)
        made = glass.ask(
            version=factories.version(),
            environment="production",
            minutes=5,
            reason="At a standstill.",
            by=owner,
        )
        assert mailing.send_due()  # a second person has an hour
        glass.grant(glass=made, by=compliance)
        mailing.send_due()

        subjects = {recipient: str(letter["Subject"]) for recipient, letter in server.letters}
        assert subjects["compliance@example.org"] == "Cardinal: Somebody asks you to break the glass"
        assert subjects["reviewer@example.org"] == "Cardinal: The glass is broken"


class TestTrouble:
    def test_a_dead_server_loses_nothing_and_the_next_round_sends_it(
        self, asked: Review, server: MailServer, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        living, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
        with caplog.at_level(logging.INFO):
            assert mailing.send_due() == 0
        one = Letter.objects.get()
        assert (one.state, one.tries, one.problem) == (State.WAITING, 1, "no service: ConnectionRefusedError")
        assert "example.org" not in caplog.text
        assert mailing.send_due() == 0  # it is not due again before a minute has gone by

        settings.EMAIL_PORT = living
        later(monkeypatch, datetime.now(UTC) + timedelta(minutes=2))
        assert mailing.send_due() == 1
        assert len(server.letters) == 1

    def test_a_dead_server_is_asked_once_in_a_round_however_many_wait(
        self, server: MailServer, settings: Any, reviewer: User
    ) -> None:
        for _ in range(3):
            factories.submitted_review()
        settings.EMAIL_PORT = 9

        mailing.send_due()

        assert sorted(Letter.objects.values_list("tries", flat=True))[-2:] == [0, 1]

    def test_a_refusal_for_now_is_tried_again_and_one_for_ever_is_not(
        self, asked: Review, server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.refuse_recipient = "451 try later"
        mailing.send_due()
        assert states() == [State.WAITING]

        server.refuse_recipient = "550 unknown here"
        later(monkeypatch, datetime.now(UTC) + timedelta(minutes=2))
        mailing.send_due()

        assert states() == [State.GIVEN_UP]
        assert Letter.objects.get().problem == "refused with 550"

    def test_one_refused_letter_does_not_hold_up_the_others(self, asked: Review, server: MailServer) -> None:
        notices.tell(told=[], by=User.machine())
        server.refuse_data = "554 no"
        mailing.send_due()
        server.refuse_data = ""
        factories.submitted_review()

        assert mailing.send_due() == 1

    def test_it_is_given_up_after_its_last_try_or_when_it_is_old(
        self, asked: Review, server: MailServer, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Letter.objects.update(tries=LETTER_TRIES - 1)
        settings.EMAIL_PORT = 9
        mailing.send_due()
        assert states() == [State.GIVEN_UP]

        factories.submitted_review()
        later(monkeypatch, datetime.now(UTC) + timedelta(days=4))
        mailing.send_due()
        assert states() == [State.GIVEN_UP, State.GIVEN_UP]
        assert server.letters == []

    def test_two_workers_at_once_take_different_letters(self, asked: Review, machine: User) -> None:
        first, second = letters.claim(by=machine), letters.claim(by=machine)

        assert len(first) == 1
        assert second == []

    def test_without_a_server_nothing_is_tried(
        self, asked: Review, settings: Any, server: MailServer
    ) -> None:
        settings.MAIL_ENABLED = False

        assert mailing.send_due() == 0
        assert server.connections == 0


class TestWayOut:
    def way_out(self, server: MailServer) -> str:
        mailing.send_due()
        parts = urlsplit(str(server.letters[0][1]["List-Unsubscribe"]).strip().strip("<>"))
        return f"{parts.path}?{parts.query}"

    def test_a_mail_program_switches_off_the_kind_with_one_click(
        self, asked: Review, server: MailServer, reviewer: User
    ) -> None:
        address = self.way_out(server)
        browser = Client(enforce_csrf_checks=True)
        assert browser.get(address).status_code == 200
        assert not Switch.objects.filter(person=reviewer).exists()  # asking changes nothing

        answer = browser.post(address, {"List-Unsubscribe": "One-Click"})

        assert answer.status_code == 200
        assert (Switch.objects.get(person=reviewer).kind, Switch.objects.get(person=reviewer).by_mail) == (
            "review.asked",
            False,
        )
        assert Switch.objects.get(person=reviewer).in_app

    def test_a_key_that_somebody_made_up_does_nothing(self, reviewer: User) -> None:
        answer = Client().post("/accounts/unsubscribe/?key=made:up")

        assert answer.status_code == 400
        assert not Switch.objects.exists()

    def test_all_mail_is_switched_off_by_the_way_out_of_a_daily_letter(self, reviewer: User) -> None:
        key = mailing.unsubscribe_key(reviewer, mailing.ALL)

        Client().post(f"/accounts/unsubscribe/?key={key}")

        assert not Switch.objects.filter(person=reviewer, by_mail=True).exists()
        assert Switch.objects.filter(person=reviewer, kind="review.asked", in_app=True).exists()


class TestSettings:
    @pytest.mark.parametrize(
        ("address", "port", "tls", "ssl"),
        [("smtp://mail.example.org", 25, False, False), ("smtp+tls://mail.example.org", 587, True, False),
         ("smtps://u%40x:p%3Aw@mail.example.org:4465", 4465, False, True)],
    )  # fmt: skip
    def test_an_address_says_where_and_how(self, address: str, port: int, tls: bool, ssl: bool) -> None:
        found = mail_settings(address)

        assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", port)
        assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)
        if ssl:
            assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("u@x", "p:w")

    @pytest.mark.parametrize(
        "address", ["http://u:secret@mail.example.org", "smtp://", "smtp://u:secret@h:port"]
    )
    def test_a_wrong_one_stops_the_start_and_tells_no_password(self, address: str) -> None:
        with pytest.raises(ImproperlyConfigured) as stopped:
            mail_settings(address)

        assert "secret" not in str(stopped.value)


def test_notices_are_forgotten_after_half_a_year_with_their_letters(asked: Review) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_notice DISABLE TRIGGER notice_course")
        cursor.execute(
            "UPDATE governance_notice SET made_at = made_at - interval '181 days' WHERE kind = 'review.asked'"
        )
        cursor.execute("ALTER TABLE governance_notice ENABLE ALWAYS TRIGGER notice_course")
    reviews.withdraw(review=asked, by=factories.member("owner"))

    assert forget_notices() >= 1
    assert not Notice.objects.filter(kind="review.asked").exists()
    assert not Letter.objects.exists()
