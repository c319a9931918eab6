"""Comments on a field: who may, what stays as it was said, and what two people at once make of it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from audit.phrases import sentence
from governance.actions import review_rules, reviews, threads
from governance.models import Comment, Review, Thread, rules_in_force
from governance.permissions import may_comment
from governance.reviews import DEFAULTS, Rule
from registry.actions import catalogue
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Revision, User
from tests import factories
from tests.governance.test_reviews import at_once

pytestmark = pytest.mark.django_db

OVERVIEW = "model_details.overview"


@pytest.fixture
def revision() -> Revision:
    """The first revision of a card."""
    return factories.save(factories.version())


def begin(
    revision: Revision, *, by: User | None = None, text: str = "Which data?", path: str = OVERVIEW
) -> Thread:
    return threads.begin(revision=revision, path=path, text=text, by=by or factories.member("reviewer"))


def raw(statement: str, *values: object) -> None:
    """Past every verb and the ORM, down to the constraints that wait for the end of the transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# Who, and what is told


@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("reviewer", True), ("compliance", True), ("auditor", False), ("admin", False), ("viewer", False)],
)  # fmt: skip
def test_who_writes_or_judges_documents_comments_and_who_reads_only_does_not(
    role: str, may: bool, revision: Revision
) -> None:
    person = factories.member(role)
    factories.share(revision.document.about.model, person)  # type: ignore[union-attr]

    assert bool(may_comment(person)) is may
    if may:
        assert begin(revision, by=person).begun_by == person
    else:
        with pytest.raises(Refused):
            begin(revision, by=person)


def test_a_program_does_not_comment() -> None:
    program = User.objects.create(username="bot", kind=User.Kind.SERVICE, password="!")

    assert not may_comment(program)
    assert not may_comment(User.machine())


def test_what_is_not_shared_has_no_threads(revision: Revision) -> None:
    thread = begin(revision)
    model = revision.document.about.model  # type: ignore[union-attr]
    reviewer = factories.member("reviewer")
    catalogue.unshare_model(
        model=model, audience=Group.objects.get(name="reviewer"), by=factories.member("admin")
    )

    assert not Thread.objects.visible_to(reviewer).exists()
    for deed in (
        lambda: begin(revision, by=reviewer),
        lambda: threads.reply(thread=thread, text="Hm.", by=reviewer),
        lambda: threads.resolve(thread=thread, by=reviewer),
        lambda: threads.withdraw(comment=thread.comments.get(), by=reviewer),
    ):
        with pytest.raises(Missing):
            deed()
    assert Thread.objects.visible_to(factories.member("owner")).get() == thread


def test_the_trail_tells_each_step_and_holds_no_words(revision: Revision) -> None:
    owner, reviewer = factories.member("owner"), factories.member("reviewer")
    thread = begin(revision, text="A secret word.", by=reviewer)
    threads.reply(thread=thread, text="Of 2025.", by=owner)
    threads.resolve(thread=thread, by=owner)
    threads.reopen(thread=thread, text="Which month?", by=reviewer)
    threads.withdraw(comment=thread.comments.get(text="Which month?"), by=reviewer)

    entries = [
        one for one in reversed(Entry.objects.newest()) if "thread" in one.kind or "comment" in one.kind
    ]
    said = [sentence(one.facts) for one in entries]
    assert [one.kind for one in entries] == [
        "thread.begun", "comment.written", "thread.resolved", "thread.reopened", "comment.written",
        "comment.withdrawn",
    ]  # fmt: skip
    digest = sha256(b"A secret word.").hexdigest()
    assert (
        said[0]
        == f"reviewer began a thread on Overview of {revision.document}, on {revision} ({digest[:12]})."
    )
    assert entries[0].facts["facts"]["digest"] == digest
    assert entries[0].facts["facts"]["path"] == OVERVIEW
    assert "secret" not in str([one.facts for one in entries])
    assert f"registry.revision:{revision.pk}" in str(entries[0].subjects)


# What is refused


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 5_001, "nul\x00"])
def test_a_comment_says_something_and_not_too_much(text: str, revision: Revision) -> None:
    thread = begin(revision)

    for deed in (
        lambda: begin(revision, text=text),
        lambda: threads.reply(thread=thread, text=text, by=factories.member("owner")),
    ):
        with pytest.raises(Invalid) as refused:
            deed()
        assert list(refused.value.fields) == ["text"]
    assert Comment.objects.count() == 1


def test_a_field_that_is_not_there_is_named(revision: Revision) -> None:
    with pytest.raises(Invalid, match=r"no field model_details\.mood"):
        begin(revision, path="model_details.mood")


def test_a_resolved_thread_takes_no_reply_until_it_is_reopened(revision: Revision) -> None:
    owner, thread = factories.member("owner"), begin(revision)
    threads.resolve(thread=thread, text="Done.", by=owner)

    with pytest.raises(Conflict, match="owner has resolved this thread"):
        threads.reply(thread=thread, text="But.", by=factories.member("reviewer"))
    with pytest.raises(Conflict, match="already"):
        threads.resolve(thread=thread, by=owner)
    reopened = threads.reopen(thread=thread, text="But.", by=factories.member("reviewer"))
    with pytest.raises(Conflict, match="open already"):
        threads.reopen(thread=reopened, by=owner)
    assert [one.text for one in thread.comments.order_by("pk")] == ["Which data?", "Done.", "But."]
    assert Thread.objects.get(pk=thread.pk).is_open


def test_only_its_author_withdraws_a_comment_and_once(revision: Revision) -> None:
    thread = begin(revision)
    threads.reply(thread=thread, text="These.", by=factories.member("owner"))
    first = thread.comments.order_by("pk")[0]

    with pytest.raises(Refused, match="Somebody else wrote this"):
        threads.withdraw(comment=first, by=factories.member("owner"))
    threads.withdraw(comment=first, by=factories.member("reviewer"))
    with pytest.raises(Conflict):
        threads.withdraw(comment=first, by=factories.member("reviewer"))

    assert Thread.objects.get(pk=thread.pk).is_open
    threads.withdraw(comment=thread.comments.order_by("pk")[1], by=factories.member("owner"))
    assert not Thread.objects.get(pk=thread.pk).is_open  # nothing is left to settle


def test_there_is_an_end_to_threads_and_to_comments(
    revision: Revision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MOST_THREADS", 1)
    monkeypatch.setattr(threads, "MOST_COMMENTS", 2)
    owner, thread = factories.member("owner"), begin(revision)
    threads.reply(thread=thread, text="One.", by=owner)

    with pytest.raises(Conflict, match="Begin another"):
        threads.reply(thread=thread, text="Two.", by=owner)
    with pytest.raises(Conflict, match="Answer in one of them"):
        begin(revision)
    threads.resolve(thread=thread, by=owner)  # without a word it still can be settled


def test_what_is_sent_twice_is_heard_once(revision: Revision) -> None:
    thread = begin(revision)
    threads.reply(thread=thread, text="These.", by=factories.member("owner"))

    for deed in (
        lambda: begin(revision, text=" Which data? "),
        lambda: threads.reply(thread=thread, text="These.\n", by=factories.member("owner")),
    ):
        with pytest.raises(Conflict, match="exactly this here already"):
            deed()
    begin(revision, by=factories.member("owner"))  # somebody else may ask the same
    threads.reply(thread=thread, text="These.", by=factories.member("reviewer"))
    assert Comment.objects.count() == 4


# A rule may ask that every thread is resolved


def settled_first() -> Rule:
    limited = DEFAULTS["limited"]
    return Rule(
        limited.risk_class, limited.approvers, limited.roles, limited.checklist, limited.max_age_days,
        limited.again_after_days, limited.step_up, threads_resolved=True,
    )  # fmt: skip


def test_an_open_thread_hinders_nobody_unless_the_rule_says_so() -> None:
    review = factories.submitted_review()
    begin(review.revision)

    assert factories.approve(review).is_approved


def test_where_the_rule_asks_for_it_nobody_approves_while_a_thread_is_open() -> None:
    review_rules.decide(rule=settled_first(), rationale="No loose ends.", by=factories.member("compliance"))
    assert rules_in_force()["limited"] == settled_first()
    assert "once every thread is resolved" in settled_first().in_words()
    review = factories.submitted_review()
    thread = begin(review.revision)

    with pytest.raises(Conflict, match="1 thread is open"):
        factories.approve(review)
    with pytest.raises(DatabaseError, match="nobody approves while a thread is open"):
        raw(
            "INSERT INTO governance_judgement (review_id, outcome, role, comment, digest, by_id, made_at)"
            " VALUES (%s, 'approve', 'reviewer', '', %s, %s, now())",
            review.pk, review.digest, factories.member("reviewer").pk,
        )  # fmt: skip
    threads.resolve(thread=thread, by=factories.member("owner"))
    assert factories.approve(review).is_approved


def test_a_thread_on_a_later_revision_does_not_hinder_the_one_that_is_judged() -> None:
    review_rules.decide(rule=settled_first(), rationale="No loose ends.", by=factories.member("compliance"))
    review = factories.submitted_review()
    begin(factories.save(review.document.version, mark="later"))

    assert factories.approve(review).state != Review.State.IN_REVIEW


def test_changes_are_requested_with_threads_open() -> None:
    review_rules.decide(rule=settled_first(), rationale="No loose ends.", by=factories.member("compliance"))
    review = factories.submitted_review()
    begin(review.revision)

    judged = reviews.request_changes(
        review=review, digest=review.digest, comment="See the threads.", by=factories.member("reviewer")
    )
    assert judged.state == Review.State.CHANGES_REQUESTED


# Past the verbs


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE governance_comment SET text = 'Nothing.'", "never changes"),
        ("UPDATE governance_comment SET by_id = by_id + 1", "never changes"),
        ("UPDATE governance_comment SET written_at = now()", "never changes"),
        ("DELETE FROM governance_comment", "withdrawn, never deleted"),
        ("DELETE FROM governance_thread", "resolved, never deleted"),
        ("UPDATE governance_thread SET path = 'caveats.caveats'", "never changes"),
        ('UPDATE governance_thread SET "row" = 3', "never changes"),
        ("UPDATE governance_thread SET begun_by_id = begun_by_id + 1", "never changes"),
        ("UPDATE governance_thread SET resolved_at = now()", "person who may comment"),
        ("UPDATE governance_thread SET reopened_at = now(), reopened_by_id = begun_by_id", "only a resolved thread"),
        (
            (
                "INSERT INTO governance_thread (document_id, revision_id, path, begun_by_id, begun_at)"
            " SELECT document_id, revision_id, path, begun_by_id, now() FROM governance_thread"
            ),
            "begins with a comment",
        ),
        (
            (
                "INSERT INTO governance_thread (document_id, revision_id, path, begun_by_id, begun_at)"
            " SELECT document_id, revision_id, 'no path', begun_by_id, now() FROM governance_thread"
            ),
            "thread_path_names_a_field",
        ),
        (
            (
                "INSERT INTO governance_comment (thread_id, text, by_id, written_at)"
            " SELECT thread_id, repeat('x', 5001), by_id, now() FROM governance_comment"
            ),
            "comment_not_too_long",
        ),
        (
            (
                "INSERT INTO governance_comment (thread_id, text, by_id, written_at)"
            " SELECT thread_id, ' ', by_id, now() FROM governance_comment"
            ),
            "comment_says_something",
        ),
    ],
)  # fmt: skip
def test_the_database_keeps_what_was_said(statement: str, said: str, revision: Revision) -> None:
    begin(revision)

    with pytest.raises(DatabaseError, match=said):
        raw(statement)


def test_a_withdrawn_comment_stays_withdrawn(revision: Revision) -> None:
    thread = begin(revision)
    threads.withdraw(comment=thread.comments.get(), by=factories.member("reviewer"))

    for statement in ("SET withdrawn_at = NULL", "SET withdrawn_at = now()", "SET text = ''"):
        with pytest.raises(DatabaseError, match="withdrawn once"):
            raw(f"UPDATE governance_comment {statement}")
    assert thread.comments.get().text == "Which data?"  # kept, and shown to nobody


def test_who_may_not_comment_writes_nothing_past_the_verbs_either(revision: Revision) -> None:
    auditor, thread = factories.member("auditor"), begin(revision)

    for deed in (
        lambda: Comment.objects.create(thread=thread, text="Hm.", by=auditor),
        lambda: Thread.objects.create(
            document=revision.document, revision=revision, path=OVERVIEW, begun_by=auditor
        ),
        lambda: Thread.objects.filter(pk=thread.pk).update(resolved_at=thread.begun_at, resolved_by=auditor),
    ):
        with pytest.raises(DatabaseError, match="may comment"), transaction.atomic():
            deed()


def test_somebody_who_is_switched_off_writes_nothing(revision: Revision) -> None:
    thread, owner = begin(revision), factories.member("owner")
    User.objects.filter(pk=owner.pk).update(is_active=False)

    with pytest.raises(DatabaseError, match="may comment"), transaction.atomic():
        Comment.objects.create(thread=thread, text="Hm.", by=owner)


def test_a_thread_is_about_the_document_of_its_revision(revision: Revision) -> None:
    other = factories.save(factories.version())

    with pytest.raises(DatabaseError, match="the document of its revision"), transaction.atomic():
        Thread.objects.create(
            document=other.document, revision=revision, path=OVERVIEW, begun_by=factories.member("reviewer")
        )


def test_nobody_answers_in_a_resolved_thread_past_the_verbs(revision: Revision) -> None:
    thread, reviewer = begin(revision), factories.member("reviewer")
    threads.resolve(thread=thread, by=reviewer)

    with pytest.raises(DatabaseError, match="reopen it to answer"), transaction.atomic():
        Comment.objects.create(thread=thread, text="But.", by=reviewer)
    with pytest.raises(DatabaseError, match="reopened by a person"):
        raw("UPDATE governance_thread SET resolved_at = NULL, resolved_by_id = NULL")


# At once


@pytest.mark.django_db(transaction=True)
def test_two_who_answer_at_once_are_both_heard() -> None:
    revision = factories.save(factories.version())
    thread, owner, reviewer = begin(revision), factories.member("owner"), factories.member("reviewer")

    outcomes = at_once(
        lambda: threads.reply(thread=thread, text="One.", by=owner),
        lambda: threads.reply(thread=thread, text="Two.", by=reviewer),
    )

    assert [type(one) for one in outcomes] == [Comment, Comment]
    assert {one.text for one in thread.comments.all()} == {"Which data?", "One.", "Two."}
    assert Entry.objects.filter(kind="comment.written").count() == 2


@pytest.mark.django_db(transaction=True)
def test_whoever_answers_while_it_is_resolved_is_heard_before_or_told() -> None:
    revision = factories.save(factories.version())
    owner, reviewer = factories.member("owner"), factories.member("reviewer")
    for _ in range(4):
        thread = begin(revision, by=reviewer)

        answered, resolved = at_once(
            lambda thread=thread: threads.reply(thread=thread, text="But.", by=reviewer),  # type: ignore[misc]
            lambda thread=thread: threads.resolve(thread=thread, by=owner),  # type: ignore[misc]
        )

        assert isinstance(resolved, Thread)
        thread.refresh_from_db()
        if isinstance(answered, Comment):
            assert answered.written_at <= thread.resolved_at  # type: ignore[operator]
        else:
            assert isinstance(answered, Conflict)
            assert "owner has resolved" in str(answered)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_resolve_at_once_one_does() -> None:
    revision = factories.save(factories.version())
    thread, owner, reviewer = begin(revision), factories.member("owner"), factories.member("reviewer")

    outcomes = at_once(
        lambda: threads.resolve(thread=thread, by=owner), lambda: threads.resolve(thread=thread, by=reviewer)
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Thread"]
    assert Entry.objects.filter(kind="thread.resolved").count() == 1
