"""Who is told what, and who is not: a row for each kind of notice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Entry
from governance import audience
from governance.actions import conditions, glass, notices, reviews, revocations, threads
from governance.actions import tokens as token_verbs
from governance.audience.base import Told
from governance.models import Letter, Notice, Review, Switch, Thread
from governance.notices import KIND, KINDS
from registry.actions import catalogue
from registry.errors import Invalid, Missing
from registry.models import Environment, Model, User, Version
from tests import factories

pytestmark = pytest.mark.django_db


def told(kind: str) -> set[str]:
    """Who has a notice of this kind."""
    return set(Notice.objects.filter(kind=kind).values_list("person__username", flat=True))


def high_risk(version: Version | None = None) -> Version:
    about = version or factories.version()
    factories.system(model=about.model, risk_class="high")
    return about


@pytest.fixture
def cast(db: None) -> None:
    """One of each role, and a second owner and reviewer, so that somebody is always left who is not told."""
    for role in ("owner", "reviewer", "compliance", "auditor", "admin"):
        factories.member(role)
    factories.member("reviewer", "rita")
    factories.member("owner", "otto")
    factories.member("reviewer", "blind")


@pytest.mark.usefixtures("cast")
class TestReviews:
    def test_whoever_may_judge_is_asked_and_nobody_else(self) -> None:
        factories.submitted_review()

        assert told("review.asked") == {"reviewer", "rita", "blind", "compliance"}

    def test_an_author_who_could_judge_by_role_is_not_asked(self) -> None:
        author = factories.member("owner", "otto")
        factories.member("reviewer", "otto")
        version = factories.version()
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version, by=author)
        factories.resubmit(version)

        assert "otto" not in told("review.asked")
        assert "reviewer" in told("review.asked")

    def test_whoever_does_not_see_it_is_not_asked(self) -> None:
        model = factories.model(shared=False)
        factories.share(model, factories.member("reviewer"))
        factories.share(model, factories.member("owner"))
        factories.submitted_review(factories.version(model=model))

        assert told("review.asked") == {"reviewer", "compliance"}

    def test_a_sign_off_is_told_to_author_and_submitter_and_settles_what_was_asked_of_the_judge(self) -> None:
        review = factories.submitted_review(high_risk())

        factories.sign_off(review, by=factories.member("reviewer"))

        assert told("review.signed_off") == {"owner"}
        unread = Notice.objects.unread().filter(kind="review.asked")
        assert "reviewer" not in set(unread.values_list("person__username", flat=True))
        assert "compliance" in set(unread.values_list("person__username", flat=True))

    def test_an_approval_is_told_and_nobody_is_asked_any_more(self) -> None:
        factories.approve(factories.submitted_review())

        assert told("review.approved") == {"owner"}
        assert not Notice.objects.unread().filter(kind="review.asked").exists()

    def test_changes_are_asked_of_author_and_submitter_until_it_is_submitted_again(self) -> None:
        review = factories.submitted_review()
        judge = factories.member("reviewer")
        reviews.request_changes(review=review, digest=review.digest, comment="Name the groups.", by=judge)

        assert told("review.changes_requested") == {"owner"}
        assert "Name the groups." in Notice.objects.get(kind="review.changes_requested").text
        factories.resubmit(review.document.version)  # type: ignore[arg-type]
        assert not Notice.objects.unread().filter(kind="review.changes_requested").exists()

    def test_a_stale_approval_is_told_to_author_and_submitter_but_not_to_whoever_changed_it(self) -> None:
        version = factories.approved_version()

        factories.save(version, mark="b", by=factories.member("owner", "otto"))

        assert told("review.stale") == {"owner"}

    def test_an_approval_that_is_taken_away_is_told_and_one_that_is_replaced_is_not(self) -> None:
        version = factories.approved_version()
        approved = Review.objects.get(document=version.card)
        reviews.retire(review=approved, reason="Mistaken.", by=factories.member("reviewer"))
        assert told("review.stale") == {"owner"}
        Notice.objects.all().delete()

        factories.approve(factories.resubmit(version))

        assert told("review.stale") == set()


@pytest.mark.usefixtures("cast")
class TestConditions:
    def test_its_owner_is_told_of_a_condition_and_of_what_becomes_of_it(self) -> None:
        review = factories.submitted_review()
        otto = factories.member("owner", "otto")
        factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish(otto)])
        condition = review.conditions.get()
        assert told("condition.set") == {"otto"}

        conditions.extend(
            condition=condition,
            due_at=condition.due_at + timedelta(days=1),
            reason="The supplier is late.",
            by=factories.member("reviewer", "rita"),
        )
        conditions.fulfil(condition=condition, note="Measured.", by=factories.member("reviewer", "rita"))

        assert told("condition.settled") == {"otto", "owner"}
        assert Notice.objects.filter(kind="condition.settled", person=otto).count() == 2
        assert not Notice.objects.unread().filter(kind="condition.set").exists()


@pytest.mark.usefixtures("cast")
class TestGlass:
    def ask(self) -> Any:
        return glass.ask(
            version=factories.version(),
            environment=Environment.PRODUCTION,
            minutes=10,
            reason="At a standstill.",
            by=factories.member("owner"),
        )

    def test_those_who_may_grant_are_asked(self) -> None:
        self.ask()

        assert told("glass.asked") == {"admin", "compliance"}

    def test_broken_glass_is_told_to_all_who_watch_and_its_end_to_the_two(self) -> None:
        granted = glass.grant(glass=self.ask(), by=factories.member("compliance"))
        assert told("glass.granted") == {"owner", "admin", "reviewer", "rita", "blind"}
        assert not Notice.objects.unread().filter(kind="glass.asked").exists()

        glass.end(glass=granted, by=factories.member("admin"))

        assert told("glass.ended") == {"owner", "compliance"}


@pytest.mark.usefixtures("cast")
class TestTokens:
    def test_those_who_may_countersign_are_asked_when_it_waits(self) -> None:
        plain = factories.version()
        factories.system(model=plain.model)
        factories.token(plain.model)
        assert told("token.waits") == set()

        token, _ = factories.token(high_risk().model)
        assert told("token.waits") == {"admin", "otto"}

        token_verbs.countersign(token=token, by=factories.member("admin"))
        assert told("token.settled") == {"owner"}
        assert not Notice.objects.unread().filter(kind="token.waits").exists()

    def test_a_declined_one_is_told_to_whoever_issued_it(self) -> None:
        token, _ = factories.token(high_risk().model)

        token_verbs.decline(token=token, reason="Too wide.", by=factories.member("admin"))

        assert told("token.settled") == {"owner"}

    @pytest.mark.parametrize(("left", "stage"), [(15, 0), (13, 14), (2, 3)])
    def test_its_end_is_told_fourteen_and_three_days_before(
        self, left: int, stage: int, machine: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = factories.version()
        factories.system(model=version.model)
        token, _ = factories.token(version.model, days=60)
        later = token.expires_at - timedelta(days=left)
        monkeypatch.setattr(revocations.timezone, "now", lambda: later)

        told_of = [revocations.announce_ends(by=machine) for _ in range(2)]

        assert told_of == [int(stage > 0), 0]
        assert told("token.expiring") == ({"owner"} if stage else set())
        assert [n.cause.rpartition(":")[2] for n in Notice.objects.filter(kind="token.expiring")] == (
            [str(stage)] if stage else []
        )

    def test_one_that_somebody_else_revokes_is_told_and_ones_own_is_not(self) -> None:
        version = factories.version()
        factories.system(model=version.model)
        own, _ = factories.token(version.model)
        token_verbs.revoke(token=own, by=factories.member("owner"))
        assert told("token.revoked") == set()

        other, _ = factories.token(version.model)
        token_verbs.revoke(token=other, by=factories.member("admin"))

        assert told("token.revoked") == {"owner"}

    def test_many_at_once_are_told_in_as_many_queries_as_few(self, version: Version) -> None:
        """Revoking everything is an emergency: the notices must not hold it up."""

        def queries(count: int) -> int:
            for _ in range(count):
                factories.token(version.model)
            with CaptureQueriesContext(connection) as made:
                revocations.revoke_all_of(account=factories.member("owner"), by=factories.member("admin"))
            return len(made)

        assert queries(2) == queries(12)
        assert Notice.objects.filter(kind="token.revoked").count() == 14

    def test_a_leaked_one_is_told_to_its_owner_and_to_those_who_revoke(self, machine: User) -> None:
        version = factories.version()
        factories.system(model=version.model)
        _, secret = factories.token(version.model)

        revocations.end_leaked(found=[(secret.text, "https://example.org")], by=machine)

        assert told("token.leaked") == {"owner", "admin", "compliance"}
        assert not Notice.objects.filter(text__contains=secret.text).exists()


@pytest.mark.usefixtures("cast")
class TestOnce:
    def test_what_was_told_is_not_told_again(self, machine: User) -> None:
        review = factories.submitted_review()
        before = Notice.objects.count()
        again = audience.reviews.reminded(review, "review.asked", "Again.")

        notices.tell(told=again, by=machine)

        assert Notice.objects.count() == before
        assert not Notice.objects.filter(text="Again.").exists()

    def test_nobody_is_told_what_they_did_nor_is_a_machine_or_an_account_that_is_off(
        self, machine: User, owner: User
    ) -> None:
        gone = User.objects.create(username="gone", is_active=False)
        one = Told("absence.announced", [owner, machine, gone], "Something.", "/", "test:1")

        notices.tell(told=[one], by=owner)

        assert not Notice.objects.filter(cause="test:1").exists()

    def test_a_notice_that_cannot_be_written_undoes_what_it_tells_of(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = factories.version()
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version)
        entries = Entry.objects.count()
        monkeypatch.setattr(notices, "_notice", lambda *_, **__: Notice(person_id=-1))

        with pytest.raises(IntegrityError), transaction.atomic():
            factories.resubmit(version)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        assert not Review.objects.exists()
        assert Entry.objects.count() == entries


@pytest.mark.usefixtures("cast")
class TestSight:
    def test_what_was_unshared_since_is_told_no_more(self, reviewer: User) -> None:
        model = factories.model(shared=False)
        factories.share(model, reviewer)
        factories.share(model, factories.member("owner"))
        factories.submitted_review(factories.version(model=model))
        assert Notice.objects.visible_to(reviewer).count() == 1

        catalogue.unshare_model(model=model, audience=reviewer, by=factories.member("admin"))

        assert Notice.objects.visible_to(reviewer).count() == 0

    def test_notices_of_others_do_not_exist(self, reviewer: User, compliance: User) -> None:
        factories.submitted_review()
        theirs = Notice.objects.get(person=reviewer)

        assert not Notice.objects.visible_to(compliance).filter(pk=theirs.pk).exists()
        with pytest.raises(Missing):
            notices.read(notice=theirs, by=compliance)


@pytest.mark.usefixtures("cast")
class TestReading:
    def test_all_are_read_at_once_and_put_back_at_once(self, reviewer: User) -> None:
        for _ in range(3):
            factories.submitted_review()
        first = Notice.objects.filter(person=reviewer).earliest("pk")
        notices.read(notice=first, by=reviewer)

        count, at = notices.read_all(by=reviewer)
        assert count == 2
        assert Notice.objects.filter(person=reviewer).unread().count() == 0
        assert Notice.objects.filter(person__username="rita").unread().count() == 3

        assert notices.put_back(at=at, by=reviewer) == 2
        assert Notice.objects.filter(person=reviewer).unread().count() == 2

    def test_only_those_of_a_kind_are_read_and_an_unknown_kind_is_refused(self, reviewer: User) -> None:
        factories.submitted_review()

        assert notices.read_all(kind="token.waits", by=reviewer)[0] == 0
        assert notices.read_all(kind="review.asked", by=reviewer)[0] == 1
        with pytest.raises(Invalid):
            notices.read_all(kind="nothing", by=reviewer)


@pytest.mark.usefixtures("cast")
class TestQuiet:
    def test_only_what_asks_for_an_act_is_mailed_and_broken_glass_and_stops(self) -> None:
        mailed = {one.key for one in KINDS if one.is_mailed and not one.asks}

        assert mailed == {"glass.granted", "stop.made", "stop.lifted"}
        assert not KIND["review.approved"].is_mailed

    def test_without_a_mail_server_nothing_is_written_for_it(self, settings: Any) -> None:
        settings.MAIL_ENABLED = False
        factories.submitted_review()

        assert not Letter.objects.exists()

    @pytest.mark.parametrize(
        ("in_app", "by_mail", "shown", "mailed"),
        [
            (True, True, True, True),
            (True, False, True, False),
            (False, True, False, True),
            (False, False, None, False),
        ],
    )
    def test_each_kind_is_switched_on_and_off_for_each_channel(
        self, settings: Any, reviewer: User, in_app: bool, by_mail: bool, shown: bool | None, mailed: bool
    ) -> None:
        settings.MAIL_ENABLED = True
        notices.switch(kind="review.asked", in_app=in_app, by_mail=by_mail, by=reviewer)

        factories.submitted_review()

        found = Notice.objects.filter(person=reviewer, kind="review.asked").first()
        assert (found.in_app if found else None) is shown
        assert Letter.objects.filter(notice__person=reviewer).exists() is mailed
        assert Letter.objects.filter(notice__person__username="rita").exists()

    def test_what_is_as_by_default_leaves_no_switch(self, reviewer: User) -> None:
        notices.switch(kind="review.asked", in_app=False, by_mail=True, by=reviewer)
        notices.switch(kind="review.asked", in_app=True, by_mail=True, by=reviewer)

        assert not Switch.objects.exists()

    def test_whoever_has_no_address_gets_no_mail(self, settings: Any, reviewer: User) -> None:
        settings.MAIL_ENABLED = True
        User.objects.filter(pk=reviewer.pk).update(email="")

        factories.submitted_review()

        assert Notice.objects.filter(person=reviewer).exists()
        assert not Letter.objects.filter(notice__person=reviewer).exists()


class TestDatabase:
    """What must never be in the table, by raw SQL."""

    def insert(self, person: User, by: User, **other: Any) -> None:
        row = {"kind": "absence.ended", "cause": "test:1", "about": "test:1", "text": "x", "path": "/", "in_app": True,
               "made_at": timezone.now(), "person_id": person.pk, "by_id": by.pk} | other  # fmt: skip
        with connection.cursor() as cursor, transaction.atomic():
            names = ", ".join(row)
            marks = ", ".join(["%s"] * len(row))
            cursor.execute(f"INSERT INTO governance_notice ({names}) VALUES ({marks})", list(row.values()))

    def test_one_per_person_kind_and_cause(self, owner: User, reviewer: User) -> None:
        self.insert(owner, reviewer)
        self.insert(owner, reviewer, cause="test:2")

        with pytest.raises(IntegrityError, match="notice_once"):
            self.insert(owner, reviewer)

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [("notice_kind_known", {"kind": "x"}), ("notice_says_something", {"text": ""}),
         ("notice_says_something", {"path": "https://example.org"})],
    )  # fmt: skip
    def test_what_is_wrong_is_refused(
        self, name: str, wrong: dict[str, Any], owner: User, reviewer: User
    ) -> None:
        with pytest.raises(IntegrityError, match=name):
            self.insert(owner, reviewer, **wrong)

    def test_nobody_is_told_of_their_own_act(self, owner: User) -> None:
        with pytest.raises(IntegrityError, match="notice_not_of_ones_own_act"):
            self.insert(owner, owner)

    def test_it_stays_what_was_told(self, owner: User, reviewer: User) -> None:
        self.insert(owner, reviewer)

        with pytest.raises((DatabaseError, InternalError), match="can only be read"), transaction.atomic():
            Notice.objects.update(text="y")
        assert Notice.objects.update(read_at=timezone.now()) == 1

    def test_about_one_thing_only(self, owner: User, reviewer: User, version: Version, model: Model) -> None:
        token, _ = factories.token(model, by=owner)

        with pytest.raises(IntegrityError, match="notice_about_one_thing"):
            self.insert(owner, reviewer, version_id=version.pk, token_id=str(token.pk))


@pytest.fixture
def version(db: None) -> Version:
    """A version of a model of limited risk."""
    made = factories.version()
    factories.system(model=made.model)
    return made


@pytest.fixture
def model(version: Version) -> Model:
    """Its model."""
    return version.model


@pytest.mark.usefixtures("cast")
class TestComments:
    def begun(self) -> Thread:
        review = factories.submitted_review()
        judge = factories.member("reviewer", "rita")
        return threads.begin(revision=review.revision, path="model_details.overview", text="Why?", by=judge)

    def test_whoever_wrote_it_is_told_of_a_comment_and_its_words_stay_on_the_page(self) -> None:
        self.begun()

        assert told("comment.written") == {"owner"}
        assert "Why?" not in Notice.objects.get(kind="comment.written").text

    def test_whoever_takes_part_is_told_of_the_answer_and_of_the_end(self) -> None:
        thread = self.begun()

        threads.reply(thread=thread, text="Because.", by=factories.member("owner"))
        threads.resolve(thread=thread, by=factories.member("owner"))

        assert told("comment.written") == {"owner", "rita"}
        assert told("thread.resolved") == {"rita"}
