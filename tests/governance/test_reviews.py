"""Four eyes: whoever submitted or wrote a revision never judges it, by whatever door they come."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from governance.actions import reviews
from governance.models import Judgement, Review
from governance.permissions import may_judge
from registry import canonical
from registry.actions import documents
from registry.documents.content import blank
from registry.errors import Conflict, DomainError, Invalid, Missing, Refused
from registry.models import Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    """In a system of limited risk: one judge is enough."""
    made = factories.version()
    factories.system(model=made.model)
    return made


@pytest.fixture
def review(version: Version) -> Review:
    return factories.submitted_review(version)


def both(name: str, *roles: str) -> User:
    """Somebody with several roles, so that only four eyes stand in the way."""
    for role in roles:
        user = factories.member(role, name)
    return user


def insert_judgement(
    review: Review, by: User, *, outcome: str = "approve", digest: str = "", role: str = "reviewer"
) -> None:
    """Around every line of Python."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_judgement (review_id, outcome, comment, digest, by_id, made_at, role)"
            " VALUES (%s, %s, 'forged', %s, %s, now(), %s)",
            [review.pk, outcome, digest or review.digest, by.pk, role],
        )


@pytest.mark.parametrize(
    ("wrote_first", "wrote_last", "submitted", "role", "allowed"),
    [
        (False, False, False, "reviewer", True),
        (True, False, False, "reviewer", False),
        (False, True, False, "reviewer", False),
        (False, False, True, "reviewer", False),
        (True, True, True, "reviewer", False),
        (False, False, False, "owner", False),
        (False, False, False, "compliance", True),
        (False, False, True, "compliance", False),
        (False, False, False, "auditor", False),
        (False, False, False, "admin", False),
    ],
)
def test_who_may_judge(
    version: Version, wrote_first: bool, wrote_last: bool, submitted: bool, role: str, allowed: bool
) -> None:
    other = factories.member("owner")
    candidate = both("candidate", *({"owner", role} if wrote_first or wrote_last or submitted else {role}))
    factories.save(version, mark="first", by=candidate if wrote_first else other)
    factories.save(version, mark="last", by=candidate if wrote_last else other)
    review = factories.resubmit(version, by=candidate if submitted else other)

    if allowed:
        assert factories.approve(review, by=candidate).state == "approved"
    else:
        with pytest.raises(Refused) as caught:
            factories.approve(review, by=candidate)
        assert caught.value.verdict.reasons[0].remedy
        assert Review.objects.get().state == "in_review"
        assert not Judgement.objects.exists()


def test_an_author_is_refused_by_every_door(version: Version) -> None:
    """The author is not the submitter, and wrote only the first of two revisions."""
    author = both("author", "owner", "reviewer")
    factories.save(version, mark="first", by=author)
    factories.save(version, mark="last")
    review = factories.resubmit(version)

    assert may_judge(author, review).reasons[0].code == "four_eyes_author"
    with pytest.raises(Refused):
        factories.approve(review, by=author)
    with pytest.raises(DatabaseError, match="four eyes: an author"), transaction.atomic():
        Judgement.objects.create(review=review, outcome="approve", digest=review.digest, by=author)
    with pytest.raises(DatabaseError, match="four eyes: an author"):
        insert_judgement(review, author)


def test_the_submitter_is_refused_by_every_door(version: Version) -> None:
    submitter = both("submitter", "owner", "reviewer")
    factories.save(version)
    review = factories.resubmit(version, by=submitter)

    assert may_judge(submitter, review).reasons[0].code == "four_eyes_submitter"
    with pytest.raises(Refused):
        factories.approve(review, by=submitter)
    with pytest.raises(DatabaseError, match="four eyes: whoever submitted"), transaction.atomic():
        Judgement.objects.create(review=review, outcome="approve", digest=review.digest, by=submitter)
    with pytest.raises(DatabaseError, match="four eyes: whoever submitted"):
        insert_judgement(review, submitter)


def test_several_rows_at_once_are_refused_too(review: Review, owner: User) -> None:
    rows = [Judgement(review=review, outcome="approve", digest=review.digest, by=owner)]

    with pytest.raises(DatabaseError, match="four eyes"), transaction.atomic():
        Judgement.objects.bulk_create(rows)


def test_without_the_trigger_the_author_would_get_through(review: Review, owner: User) -> None:
    """The database refuses, not chance: without the trigger the forged row is accepted, and is then undone."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER four_eyes ON governance_judgement")

    insert_judgement(review, owner)

    assert Judgement.objects.get().by == owner


@pytest.mark.parametrize("state", ["approved", "changes_requested"])
def test_a_review_does_not_jump_to_its_end(review: Review, state: str) -> None:
    with pytest.raises(DatabaseError, match="nobody has"), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(state=state, closed_at=timezone.now())
    with (
        pytest.raises(DatabaseError, match="nobody has"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE governance_review SET state = '{state}', closed_at = now() WHERE id = {review.pk}"
        )

    assert Review.objects.get().state == "in_review"


def test_without_the_trigger_the_review_would_jump(review: Review) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER review_course ON governance_review")

    assert Review.objects.filter(pk=review.pk).update(state="approved", closed_at=timezone.now()) == 1


def test_a_request_for_changes_does_not_make_an_approval(review: Review, reviewer: User) -> None:
    Judgement.objects.create(
        review=review,
        outcome="request_changes",
        role="reviewer",
        comment="Why?",
        digest=review.digest,
        by=reviewer,
    )

    with pytest.raises(DatabaseError, match="nobody has approved"), transaction.atomic():
        Review.objects.update(state="approved", closed_at=timezone.now())


def test_a_review_is_not_born_approved(version: Version, owner: User) -> None:
    revision = factories.save(version)

    with pytest.raises(DatabaseError, match="starts in review"), transaction.atomic():
        Review.objects.create(
            document=revision.document,
            revision=revision,
            digest=revision.digest,
            basis=b"{}",
            submitted_by=owner,
            state="approved",
            closed_at=timezone.now(),
        )


def test_a_review_names_its_revision_by_digest(version: Version, owner: User) -> None:
    revision = factories.save(version)

    with pytest.raises(DatabaseError, match="by digest"), transaction.atomic():
        Review.objects.create(
            document=revision.document, revision=revision, digest="0" * 64, basis=b"{}", submitted_by=owner
        )


@pytest.mark.parametrize(
    "column",
    ["digest = repeat('0', 64)", "basis = ''::bytea", "submitted_by_id = {reviewer}", "submitted_at = now()"],
)
def test_what_is_judged_never_changes(review: Review, reviewer: User, column: str) -> None:
    with (
        pytest.raises(DatabaseError, match="never changes"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE governance_review SET {column.format(reviewer=reviewer.pk)}")


def test_a_closed_review_stays_closed_and_is_never_deleted(review: Review) -> None:
    factories.approve(review)

    with pytest.raises(DatabaseError, match="closed review"), transaction.atomic():
        Review.objects.update(state="in_review", closed_at=None)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM governance_review")


def test_a_judgement_is_about_the_digest_under_review(review: Review, reviewer: User) -> None:
    with pytest.raises(Conflict, match="not what is under review"):
        reviews.approve(review=review, digest="0" * 64, by=reviewer)
    with pytest.raises(DatabaseError, match="about another revision"):
        insert_judgement(review, reviewer, digest="0" * 64)


def test_a_closed_review_takes_no_judgement(review: Review) -> None:
    factories.approve(review)
    second = factories.member("reviewer", "second-reviewer")

    with pytest.raises(Conflict):
        factories.approve(review, by=second)
    with pytest.raises(DatabaseError, match="is closed"):
        insert_judgement(review, second)


def test_a_judgement_is_not_changed_or_deleted(review: Review) -> None:
    factories.approve(review)

    for statement in (
        "UPDATE governance_judgement SET comment = 'nicer'",
        "DELETE FROM governance_judgement",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_who_asks_for_changes_says_which(review: Review, reviewer: User) -> None:
    with pytest.raises(Invalid):
        reviews.request_changes(review=review, digest=review.digest, comment="  ", by=reviewer)
    with pytest.raises(DatabaseError, match="judgement_against_says_why"), transaction.atomic():
        Judgement.objects.create(
            review=review, outcome="request_changes", role="reviewer", digest=review.digest, by=reviewer
        )


def test_changes_requested_then_mended_then_approved(
    version: Version, review: Review, reviewer: User
) -> None:
    reviews.request_changes(review=review, digest=review.digest, comment="Name the group.", by=reviewer)
    factories.save(version, mark="mended")

    approved = factories.approve(factories.resubmit(version))

    assert approved.state == "approved"
    told = Entry.objects.filter(kind__startswith="review.").order_by("created_at", "pk")
    assert [entry.kind for entry in told] == [
        "review.submitted",
        "review.changes_requested",
        "review.submitted",
        "review.approved",
    ]


def test_a_card_with_a_gap_is_not_submitted(version: Version, owner: User) -> None:
    documents.save(about=version, content=blank("card"), on_top_of=0, by=owner)

    with pytest.raises(Invalid) as caught:
        factories.resubmit(version)

    assert "ethics.risks" in caught.value.fields


def test_what_was_saved_a_moment_ago_can_be_submitted(version: Version, owner: User) -> None:
    """The revision as the verb returned it, not loaded again."""
    revision = documents.save(about=version, content=factories.complete("card"), on_top_of=0, by=owner)

    assert reviews.submit(revision=revision, by=owner).state == "in_review"


def test_only_the_latest_revision_is_submitted(version: Version, owner: User) -> None:
    first = factories.save(version, mark="first")
    factories.save(version, mark="second")

    with pytest.raises(Conflict, match="newer revision"):
        reviews.submit(revision=first, by=owner)


def test_one_review_of_a_document_at_a_time(version: Version, review: Review) -> None:
    with pytest.raises(Conflict, match="open already"):
        factories.resubmit(version)


def test_an_outsider_neither_submits_nor_judges(version: Version, review: Review, outsider: User) -> None:
    with pytest.raises(Missing):
        factories.approve(review, by=outsider)
    with pytest.raises(Missing):
        factories.resubmit(version, by=outsider)


def test_a_submitter_takes_back_what_is_open_and_nobody_else_does(version: Version, review: Review) -> None:
    colleague = factories.member("owner", "colleague")
    with pytest.raises(DomainError, match="Only the person who submitted"):
        reviews.withdraw(review=review, by=colleague)

    reviews.withdraw(review=review, by=factories.member("owner"))

    assert Review.objects.get().state == "withdrawn"
    with pytest.raises(Conflict):
        reviews.withdraw(review=review, by=factories.member("owner"))


def test_waiting_reviews_are_listed_for_those_who_may_judge_them(
    review: Review, reviewer: User, owner: User
) -> None:
    assert list(Review.objects.awaiting(reviewer)) == [review]
    assert list(Review.objects.awaiting(owner)) == []


def test_the_basis_is_what_the_judgement_stands_on(version: Version, review: Review) -> None:
    sheet = factories.training_data(version)

    assert review.basis_facts == {
        "artifact": version.manifests.get().digest,
        "datasheets": {sheet.slug: sheet.datasheet.head.digest},
        "risk_classes": {version.model.systems.get().slug: "limited"},
    }
    assert canonical.canonical(review.basis_facts) == bytes(review.basis)


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Do all at the same moment, each in a thread with a connection of its own; what each returned or raised."""
    start, outcomes = threading.Barrier(len(deeds)), [None] * len(deeds)

    def act(place: int, deed: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            outcomes[place] = deed()  # type: ignore[call-overload]
        except Exception as error:  # noqa: BLE001 - an outcome to be looked at
            outcomes[place] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes  # type: ignore[return-value]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second_outcome", ["approve", "request_changes"])
def test_of_two_reviewers_who_click_at_once_one_wins_and_the_other_is_told(second_outcome: str) -> None:
    review = factories.submitted_review()
    one, two = factories.member("reviewer", "one"), factories.member("reviewer", "two")
    judge = {"approve": reviews.approve, "request_changes": reviews.request_changes}

    outcomes = at_once(
        lambda: reviews.approve(review=review, digest=review.digest, by=one),
        lambda: judge[second_outcome](review=review, digest=review.digest, comment="Why?", by=two),
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Review"]
    assert "closed" in str(next(outcome for outcome in outcomes if isinstance(outcome, Conflict)))
    assert Judgement.objects.count() == 1
    assert Entry.objects.filter(kind__in=["review.approved", "review.changes_requested"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_authors_who_save_at_once_one_wins_and_the_other_is_told() -> None:
    version = factories.version()
    one, two = factories.member("owner", "one"), factories.member("owner", "two")

    outcomes = at_once(
        lambda: factories.save(version, mark="one", by=one, on_top_of=0),
        lambda: factories.save(version, mark="two", by=two, on_top_of=0),
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Revision"]
    assert Revision.objects.count() == 1
