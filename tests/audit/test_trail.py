"""No trail, no change; and what stands in the trail stays as it was written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.dispatch import Signal

from audit import trail
from audit.models import Entry, reference
from audit.phrases import UnknownEvent, sentence
from governance import refusals
from governance.actions import reviews
from governance.middleware import request_id
from governance.models import Clearance, Judgement, Review
from registry import canonical, events
from registry.actions import catalogue
from registry.errors import Refused
from registry.events import ModelShared, Unheard, publish
from registry.models import Document, Model, ModelUserObjectPermission, Revision, User
from tests import factories

pytestmark = pytest.mark.django_db


class BrokenTrail(RuntimeError):
    """The trail could not be written."""


@pytest.fixture
def broken_trail(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From the moment this is called, no entry can be written."""

    def refuse(*_: Any, **__: Any) -> Entry:
        raise BrokenTrail

    def broken() -> None:
        monkeypatch.setattr(Entry, "save", refuse)
        monkeypatch.setattr(Entry.objects, "bulk_create", refuse)

    return broken


def test_a_card_is_not_saved_when_the_trail_cannot_be_written(broken_trail: Any) -> None:
    version = factories.version()
    broken_trail()

    with pytest.raises(BrokenTrail):
        factories.save(version)

    assert not Revision.objects.exists()
    assert not Document.objects.exists()


def test_an_approval_is_undone_when_the_trail_cannot_be_written(broken_trail: Any) -> None:
    review = factories.submitted_review()
    broken_trail()

    with pytest.raises(BrokenTrail):
        factories.approve(review)

    assert Review.objects.get().state == "in_review"
    assert not Judgement.objects.exists()
    assert not Clearance.objects.filter(allowed=True).exists()


def test_nothing_is_shared_when_the_trail_cannot_be_written(broken_trail: Any, outsider: User) -> None:
    model = factories.model(shared=False)
    admin = factories.member("admin")
    broken_trail()

    with pytest.raises(BrokenTrail):
        catalogue.share_model(model=model, audience=outsider, by=admin)

    assert not ModelUserObjectPermission.objects.exists()


def test_an_event_that_nobody_keeps_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server = factories.tracking_server()
    monkeypatch.setattr(events.base, "happened", Signal())

    with pytest.raises(Unheard, match="nobody keeps"):
        factories.model(server=server)

    assert not Model.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_an_error(admin: User) -> None:
    model = factories.model()
    before = Entry.objects.count()

    with pytest.raises(Unheard, match="outside a transaction"):
        publish(ModelShared(model=model, audience="everybody", by=admin))

    assert Entry.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_entry() -> None:
    factories.tracking_server()
    before = Entry.objects.count()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        factories.tracking_server()
        raise ZeroDivisionError

    assert Entry.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_kept_after_the_attempt_was_rolled_back(owner: User) -> None:
    review = factories.submitted_review()
    author = factories.member("reviewer", "owner")  # the author, now with the role to judge

    with pytest.raises(Refused) as caught:
        factories.approve(review, by=author)
    assert not Entry.objects.filter(kind="action.refused").exists()
    refusals.keep(caught.value, by=author)

    entry = Entry.objects.get(kind="action.refused")
    assert entry.actor == "owner"
    assert entry.facts["facts"]["codes"] == "four_eyes_submitter"
    assert reference(review) in entry.subjects
    assert "was refused judge review" in sentence(entry.facts)
    assert Review.objects.get().state == "in_review"


def test_a_refusal_without_a_subject_is_kept_too(outsider: User) -> None:
    with pytest.raises(Refused) as caught:
        factories.servers.add(name="x", uri="http://127.0.0.1:1", by=outsider)

    refusals.keep(caught.value, by=outsider)

    assert Entry.objects.get(kind="action.refused").actor == "outsider"


@pytest.fixture
def entry(db: None) -> Entry:
    factories.tracking_server()
    return Entry.objects.get()


def test_an_entry_is_not_changed_or_deleted_through_the_orm(entry: Entry) -> None:
    with pytest.raises(TypeError, match="never changed"):
        Entry.objects.update(actor="nobody")
    with pytest.raises(TypeError, match="never deleted"):
        Entry.objects.all().delete()
    entry.actor = "nobody"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'nobody'",
        "UPDATE audit_entry SET body = ''::bytea",
        "DELETE FROM audit_entry",
    ],
)
def test_an_entry_is_not_changed_or_deleted_by_hand(entry: Entry, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_without_the_trigger_the_entry_would_change(entry: Entry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse_change ON audit_entry")
        cursor.execute("UPDATE audit_entry SET actor = 'nobody'")

        assert cursor.rowcount == 1


def test_the_time_of_an_entry_is_the_databases(entry: Entry) -> None:
    early = datetime(2001, 1, 1, tzinfo=UTC)

    forged = Entry.objects.create(kind="server.added", actor="x", body=b"{}", created_at=early)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (id, created_at, kind, actor, subjects, body)"
            " VALUES (gen_random_uuid(), %s, 'server.added', 'y', '{}', '{}'::bytea)",
            [early],
        )

    assert Entry.objects.get(pk=forged.pk).created_at.year >= 2026
    assert not Entry.objects.filter(created_at__lt=entry.created_at).exists()


def test_entries_of_one_transaction_stand_in_the_order_in_which_they_happened() -> None:
    with transaction.atomic():
        factories.approved_version()

    kinds = list(Entry.objects.order_by("created_at").values_list("kind", flat=True))
    assert kinds.index("review.submitted") < kinds.index("review.approved") < kinds.index("clearance.granted")


def test_an_entry_holds_canonical_bytes_with_who_what_and_about_what(owner: User) -> None:
    version = factories.version()
    mark = request_id.set("request-1")

    revision = factories.save(version)

    request_id.reset(mark)
    entry = Entry.objects.get(kind="revision.saved")
    facts = json.loads(bytes(entry.body))
    assert canonical.canonical(facts) == bytes(entry.body)
    assert facts["by"]["name"] == entry.actor == "owner"
    assert facts["request"] == "request-1"
    assert facts["facts"]["digest"] == revision.digest
    assert {reference(version), reference(version.model), reference(revision)} <= set(entry.subjects)
    assert entry.digest == canonical.digest(bytes(entry.body))


def test_every_entry_of_a_whole_story_reads_as_a_sentence(reviewer: User) -> None:
    version = factories.approved_version()
    factories.policy(version.model)
    factories.token(version.model)
    factories.save(version, mark="edited")
    review = factories.resubmit(version)
    reviews.request_changes(review=review, digest=review.digest, comment="Why?", by=reviewer)

    said = {entry.kind: sentence(entry.facts) for entry in Entry.objects.all()}

    assert len(said) >= 14
    assert all(
        words.endswith((".", ".”", "?”")) and not words.endswith(("..", ".”.", "?”.")) and "{" not in words
        for words in said.values()
    )


def test_the_history_of_an_object_is_found_through_all_that_belongs_to_it() -> None:
    version = factories.approved_version()
    other = factories.version()

    about = Entry.objects.about(version.model)

    assert {"model.registered", "revision.saved", "review.approved"} <= set(
        about.values_list("kind", flat=True)
    )
    assert reference(other) not in {subject for entry in about for subject in entry.subjects}


def test_an_unknown_kind_has_no_sentence() -> None:
    with pytest.raises(UnknownEvent):
        sentence({"kind": "cat.fed", "by": {"name": "owner"}, "facts": {}})


@pytest.mark.parametrize("value", [1.5, object(), b"bytes", {"a": 1}, [1]])
def test_an_event_carries_plain_things_only(value: Any) -> None:
    with pytest.raises(TypeError, match="An event carries"):
        trail.describe(value)
