"""Absences: who is asked in whose place, that nobody gains a right by it, and what the database refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError, InternalError
from django.utils import timezone

from audit.models import Entry
from audit.phrases import sentence
from governance.actions import absences, reminders, reviews
from governance.deputies import asked
from governance.inbox import tasks
from governance.models import Absence, Judgement, Notice, Review
from registry.errors import Conflict, DomainError, Invalid, Missing, Refused
from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def anna(db: None) -> User:
    """A reviewer who goes away."""
    return factories.member("reviewer", "anna")


@pytest.fixture
def bert(db: None) -> User:
    """A reviewer who stays."""
    return factories.member("reviewer", "bert")


def away(person: User, stand_in: User, *, start: float = 0, end: float = 5) -> Absence:
    now = timezone.now()
    return absences.announce(stand_in=stand_in, since=now + start * DAY, until=now + end * DAY, by=person)


def whom(review: Review) -> dict[str, list[str]]:
    """Who is asked, and in whose place."""
    return {one.person.username: [str(p) for p in one.in_place_of] for one in asked(review)}


class TestAsking:
    def test_the_stand_in_is_asked_in_place_and_whoever_is_away_is_not(self, anna: User, bert: User) -> None:
        away(anna, bert)
        review = factories.submitted_review()

        assert whom(review) == {"bert": ["anna"], "compliance": []}
        assert not Notice.objects.filter(kind="review.asked", person=anna).exists()
        notice = Notice.objects.get(kind="review.asked", person=bert)
        assert "in place of anna" in notice.text
        assert [one.in_place_of for one in tasks(bert) if one.what == "Judge"] == [("anna",)]

    def test_an_absence_that_begins_later_changes_nothing_yet(self, anna: User, bert: User) -> None:
        away(anna, bert, start=1)

        assert whom(factories.submitted_review()) == {"anna": [], "bert": [], "compliance": []}

    def test_a_stand_in_who_wrote_it_is_not_asked_and_nothing_waits_unseen(
        self, anna: User, bert: User
    ) -> None:
        factories.member("owner", "bert")
        away(anna, bert)
        version = factories.version()
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version, by=User.objects.get(username="bert"))

        review = factories.resubmit(version)

        assert whom(review) == {
            "anna": [],
            "compliance": [],
        }  # no other reviewer could: she is asked all the same

    def test_the_stand_in_is_reminded_in_place(
        self, anna: User, bert: User, machine: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        away(anna, bert, end=60)
        review = factories.submitted_review()
        monkeypatch.setattr(reminders.timezone, "now", lambda: review.submitted_at + 5 * DAY)

        reminders.sweep_reviews(by=machine)

        assert set(
            Notice.objects.filter(kind="review.reminded").values_list("person__username", flat=True)
        ) == {"bert", "compliance"}


class TestJudging:
    def test_a_judgement_in_place_says_so_and_is_the_stand_ins_own(self, anna: User, bert: User) -> None:
        away(anna, bert)
        review = factories.submitted_review()

        factories.sign_off(review, by=bert)

        made = Judgement.objects.get()
        assert (made.by, made.in_place_of) == (bert, anna)
        told = sentence(Entry.objects.get(kind="review.approved").facts)
        assert "bert approved" in told
        assert "in place of anna" in told

    def test_changes_are_asked_for_in_place_too(self, anna: User, bert: User) -> None:
        away(anna, bert)
        review = factories.submitted_review()

        reviews.request_changes(review=review, digest=review.digest, comment="More.", by=bert)

        assert Judgement.objects.get().in_place_of == anna

    def test_one_who_is_not_named_judges_in_their_own_place(self, anna: User, bert: User) -> None:
        away(anna, bert)
        review = factories.submitted_review()

        factories.sign_off(review, by=factories.member("reviewer", "carl"))

        assert Judgement.objects.get().in_place_of is None

    def test_nothing_is_done_in_place_of_somebody_who_could_not_judge_it(
        self, anna: User, bert: User
    ) -> None:
        factories.member("owner", "anna")
        away(User.objects.get(pk=anna.pk), bert)
        version = factories.version()
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version, by=User.objects.get(pk=anna.pk))
        review = factories.resubmit(version)

        factories.sign_off(review, by=bert)

        assert Judgement.objects.get().in_place_of is None

    def test_an_absence_gives_no_right(self, anna: User, bert: User, outsider: User) -> None:
        with pytest.raises(Invalid, match="does not hold your role"):
            away(anna, outsider)
        away(anna, bert)
        review = factories.submitted_review(by=None)
        Judgement.objects.all()
        with pytest.raises(DomainError):
            factories.sign_off(review, by=outsider)

    def test_whoever_comes_back_judges_themselves(self, anna: User, bert: User) -> None:
        absence = away(anna, bert)
        absences.end(absence=absence, by=anna)
        review = factories.submitted_review()

        assert whom(review) == {"anna": [], "bert": [], "compliance": []}
        factories.sign_off(review, by=bert)
        assert Judgement.objects.get().in_place_of is None
        assert Notice.objects.filter(person=bert, kind="absence.ended").exists()


class TestAnnouncing:
    def test_it_is_told_to_the_stand_in_and_stands_in_the_trail(self, anna: User, bert: User) -> None:
        away(anna, bert)

        assert Notice.objects.get(kind="absence.announced").person == bert
        assert "named bert to be asked for reviews in place of anna" in sentence(
            Entry.objects.get(kind="absence.announced").facts
        )

    @pytest.mark.parametrize(
        ("start", "end", "field"), [(2, 1, "until"), (-3, -1, "until"), (0, 400, "until")]
    )
    def test_times_that_make_no_sense_are_refused(
        self, start: float, end: float, field: str, anna: User, bert: User
    ) -> None:
        with pytest.raises(Invalid) as refused:
            away(anna, bert, start=start, end=end)

        assert field in refused.value.fields

    def test_nobody_stands_in_for_themselves(self, anna: User) -> None:
        with pytest.raises(Invalid, match="somebody else"):
            away(anna, anna)

    def test_whoever_does_not_judge_has_nothing_to_hand_over(self, owner: User, bert: User) -> None:
        with pytest.raises(Refused):
            away(owner, bert)

    def test_two_at_a_time_are_refused_and_one_after_the_other_is_not(self, anna: User, bert: User) -> None:
        away(anna, bert, end=5)
        carl = factories.member("reviewer", "carl")
        with pytest.raises(Conflict, match="already"):
            away(anna, carl, start=4, end=9)

        away(anna, carl, start=6, end=9)
        assert Absence.objects.count() == 2

    def test_one_that_was_called_off_makes_room(self, anna: User, bert: User) -> None:
        absences.end(absence=away(anna, bert), by=anna)

        assert away(anna, bert)

    def test_no_chains_and_no_loops(self, anna: User, bert: User) -> None:
        carl = factories.member("reviewer", "carl")
        away(anna, bert)

        with pytest.raises(Conflict, match="No chains"):
            away(bert, carl)  # who stands in goes away
        with pytest.raises(Conflict, match="No chains"):
            away(bert, anna)  # a loop
        with pytest.raises(Conflict, match="No chains"):
            away(carl, anna)  # the stand-in is away
        assert away(bert, carl, start=6, end=9)

    def test_only_ones_own_is_ended_and_once(self, anna: User, bert: User) -> None:
        absence = away(anna, bert)

        with pytest.raises(Missing):
            absences.end(absence=absence, by=bert)
        absences.end(absence=absence, by=anna)
        with pytest.raises(Conflict):
            absences.end(absence=absence, by=anna)

    def test_others_do_not_see_it_but_those_who_watch_roles(
        self, anna: User, bert: User, compliance: User
    ) -> None:
        away(anna, bert)
        carl = factories.member("reviewer", "carl")

        seen = {str(one): Absence.objects.visible_to(one).count() for one in (anna, bert, carl, compliance)}

        assert seen == {"anna": 1, "bert": 1, "carl": 0, "compliance": 1}


class TestDatabase:
    """By raw SQL, past every verb."""

    def insert(self, person: User, stand_in: User, start: str = "0", end: str = "5") -> None:
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute(
                "INSERT INTO governance_absence (person_id, stand_in_id, since, until, announced_at)"
                " VALUES (%s, %s, now() + %s::interval, now() + %s::interval, now())",
                [person.pk, stand_in.pk, f"{start} days", f"{end} days"],
            )

    def test_self_overlap_chain_and_what_is_over_are_refused(self, anna: User, bert: User) -> None:
        with pytest.raises(IntegrityError, match="absence_by_somebody_else"):
            self.insert(anna, anna)
        with pytest.raises(IntegrityError, match="absence_ends_within_a_year"):
            self.insert(anna, bert, end="400")
        with pytest.raises(DatabaseError, match="not over"):
            self.insert(anna, bert, start="-5", end="-1")
        self.insert(anna, bert)
        with pytest.raises(IntegrityError, match="absence_one_at_a_time"):
            self.insert(anna, factories.member("reviewer", "carl"), start="4", end="8")
        with pytest.raises(DatabaseError, match="no chains"):
            self.insert(bert, anna)

    def test_a_program_stands_in_for_nobody(self, anna: User, machine: User) -> None:
        with pytest.raises(DatabaseError, match="a person with an active account"):
            self.insert(anna, machine)

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE governance_absence SET until = until + interval '1 day'",
         "UPDATE governance_absence SET stand_in_id = person_id", "DELETE FROM governance_absence"],
    )  # fmt: skip
    def test_it_stays_as_it_was_announced(self, statement: str, anna: User, bert: User) -> None:
        away(anna, bert)

        with (
            pytest.raises((DatabaseError, InternalError)),
            connection.cursor() as cursor,
            transaction.atomic(),
        ):
            cursor.execute(statement)

    @pytest.mark.parametrize("who", ["never away", "author"])
    def test_no_judgement_in_place_of_somebody_whom_it_is_not(self, who: str, anna: User, bert: User) -> None:
        if who == "author":
            factories.member("owner", "anna")
            anna = User.objects.get(pk=anna.pk)
            away(anna, bert)
        version = factories.version()
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version, by=anna if who == "author" else factories.member("owner"))
        review = factories.resubmit(version)

        with pytest.raises(DatabaseError, match="in place of somebody"), transaction.atomic():
            Judgement.objects.create(
                review=review, outcome="approve", role="reviewer", digest=review.digest, by=bert, in_place_of=anna,
                checked=[one.key for one in review.frozen_rule.checklist],
            )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_two_who_name_each_other_at_once_one_is_refused() -> None:
    anna, bert = factories.member("reviewer", "anna"), factories.member("reviewer", "bert")
    start, refused = Barrier(2), []

    def name(person: User, stand_in: User) -> None:
        try:
            start.wait(10)
            away(person, stand_in)
        except Conflict:
            refused.append(person)
        finally:
            connection.close()

    for thread in running(Thread(target=name, args=pair) for pair in ((anna, bert), (bert, anna))):
        thread.join(20)

    assert len(refused) == 1
    assert Absence.objects.count() == 1


def running(threads: Iterator[Thread]) -> list[Thread]:
    started = list(threads)
    for thread in started:
        thread.start()
    return started
