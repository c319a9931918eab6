"""Cards and datasheets: a revision is written once, in canonical bytes, and nobody's text is overwritten."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import Entry
from registry import canonical
from registry.actions import documents
from registry.documents.content import blank
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Document, Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


@pytest.fixture
def revision(version: Version) -> Revision:
    return factories.save(version)


def refused_by_the_database(statement: str, *values: object) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)


def test_the_first_save_opens_the_document(version: Version, owner: User) -> None:
    revision = documents.save(
        about=version, content=factories.complete("card"), on_top_of=0, note="first", by=owner
    )

    assert (revision.number, revision.parent, revision.by, revision.note) == (1, None, owner, "first")
    assert Document.objects.get(version=version).head == revision
    assert Entry.objects.filter(kind="revision.saved", actor="owner").count() == 1


def test_the_next_save_stands_on_the_head(version: Version, revision: Revision) -> None:
    second = factories.save(version, mark="second")

    assert (second.number, second.parent) == (2, revision)
    assert Document.objects.get(version=version).head == second


def test_the_digest_is_the_sha256_of_the_stored_bytes(revision: Revision) -> None:
    stored = bytes(Revision.objects.get(pk=revision.pk).body)

    assert revision.digest == hashlib.sha256(stored).hexdigest()
    assert Revision.objects.get(pk=revision.pk).is_intact()
    assert json.loads(stored) == revision.content


def test_equal_content_makes_no_second_revision(version: Version, revision: Revision) -> None:
    before = Entry.objects.count()

    again = factories.save(version, on_top_of=1)

    assert again == revision
    assert Revision.objects.count() == 1
    assert Entry.objects.count() == before


def test_content_that_a_reader_could_not_tell_apart_is_equal(
    version: Version, revision: Revision, owner: User
) -> None:
    content = factories.complete("card")
    content["model_details"]["overview"] += "  \r\n"
    content["model_details"]["owners"].append("   ")

    assert documents.save(about=version, content=content, on_top_of=1, by=owner) == revision


def test_who_started_from_an_older_revision_is_told_and_overwrites_nothing(
    version: Version, revision: Revision
) -> None:
    with pytest.raises(Conflict, match="Revision 1 was saved by owner while you were editing revision 0"):
        factories.save(version, mark="late", on_top_of=0)

    assert list(Revision.objects.all()) == [revision]


def test_a_revision_that_is_yet_to_come_is_a_conflict_too(version: Version, revision: Revision) -> None:
    with pytest.raises(Conflict):
        factories.save(version, mark="early", on_top_of=2)


def test_an_outsider_is_told_that_there_is_nothing(version: Version, outsider: User) -> None:
    with pytest.raises(Missing):
        factories.save(version, by=outsider)


@pytest.mark.parametrize("role", ["reviewer", "compliance", "auditor", "admin"])
def test_only_owners_write(version: Version, role: str) -> None:
    with pytest.raises(Refused, match="Your role does not allow this"):
        factories.save(version, by=factories.member(role))

    assert not Document.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"schema": "cardinal/card/2"},
        blank("card") | {"extra": {}},
        blank("card") | {"factors": {"relevant": 7}},
        blank("card") | {"factors": {"relevant": ["a list"]}},
        blank("card") | {"factors": "text"},
        blank("card") | {"model_details": {"owners": "not a list"}},
        blank("card") | {"factors": {"relevant": "a\x00b"}},
        blank("card") | {"factors": {"relevant": "x" * 40_001}},
    ],
)
def test_content_outside_the_published_schema_is_refused(
    version: Version, owner: User, content: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        documents.save(about=version, content=content, on_top_of=0, by=owner)

    assert not Revision.objects.exists()


def test_a_revision_is_not_changed_through_the_orm(revision: Revision) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).update(note="nicer")
    revision.note = "nicer"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        revision.save()


def test_a_revision_is_not_deleted_through_the_orm(revision: Revision) -> None:
    with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
        revision.delete()
    with pytest.raises(DatabaseError, match="next revision only"), transaction.atomic():
        Document.objects.update(head=None)


def test_a_revision_is_not_changed_or_deleted_by_hand(revision: Revision) -> None:
    refused_by_the_database("UPDATE registry_revision SET body = ''::bytea WHERE id = %s", revision.pk)
    refused_by_the_database("UPDATE registry_revision SET by_id = by_id WHERE id = %s", revision.pk)
    refused_by_the_database("DELETE FROM registry_revision WHERE id = %s", revision.pk)


def test_without_the_trigger_the_change_would_go_through(revision: Revision) -> None:
    """The guard is what refuses: in a transaction without it the same statement succeeds, and is then undone."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse_change ON registry_revision")
        cursor.execute("UPDATE registry_revision SET note = 'forged' WHERE id = %s", [revision.pk])

        assert cursor.rowcount == 1


def test_a_revision_number_is_used_once(revision: Revision) -> None:
    with pytest.raises(DatabaseError, match="revision_number_once"), transaction.atomic():
        Revision.objects.create(
            document=revision.document,
            number=1,
            body=b"{}",
            digest=canonical.digest(b"{}"),
            by=revision.by,
            parent=None,
        )


def test_a_revision_carries_the_digest_of_its_own_bytes(revision: Revision) -> None:
    with pytest.raises(DatabaseError, match="that of its bytes"), transaction.atomic():
        Revision.objects.create(
            document=revision.document,
            number=2,
            body=b"{}",
            digest=canonical.digest(b"[]"),
            by=revision.by,
            parent=revision,
        )


def test_a_revision_stands_on_a_parent_of_its_own_document(revision: Revision) -> None:
    other = factories.save(factories.version())

    with pytest.raises(DatabaseError, match="the one before it"), transaction.atomic():
        Revision.objects.create(
            document=revision.document,
            number=2,
            body=b"{}",
            digest=canonical.digest(b"{}"),
            by=revision.by,
            parent=other,
        )


def test_a_head_is_a_revision_of_its_own_document(revision: Revision) -> None:
    other = factories.save(factories.version())

    with pytest.raises(DatabaseError, match="the head of a document"), transaction.atomic():
        Document.objects.filter(pk=revision.document_id).update(head=other)


def test_a_document_is_about_exactly_one_thing(version: Version) -> None:
    with pytest.raises(DatabaseError, match="document_about_one_thing"), transaction.atomic():
        Document.objects.create(kind="card", version=version, dataset=factories.training_data(version))
    with pytest.raises(DatabaseError, match="document_about_one_thing"), transaction.atomic():
        Document.objects.create(kind="datasheet", version=version)


def shuffled(value: Any, order: Any) -> Any:
    """The same JSON with the keys of its objects in another order."""
    if isinstance(value, dict):
        keys = order.draw(st.permutations(list(value)))
        return {key: shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffled(one, order) for one in value]
    return value


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, order=st.data())
@settings(max_examples=200, deadline=None)
def test_the_digest_does_not_depend_on_the_order_of_keys(value: Any, order: Any) -> None:
    written = canonical.canonical(value)

    assert canonical.canonical(shuffled(value, order)) == written
    assert canonical.parse(written) == value
    assert canonical.canonical(canonical.parse(written)) == written


@given(value=JSON)
@settings(max_examples=100, deadline=None)
def test_another_value_has_another_digest(value: Any) -> None:
    assert canonical.digest(canonical.canonical([value])) != canonical.digest(canonical.canonical([value, 1]))


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**53, {"é": 1}, {1: 1}, "\x00", "\ud800", {"a": [{"b": 0.5}]}]
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.canonical(value)


def test_a_document_that_is_nested_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(canonical.MAX_DEPTH + 1):
        deep = [deep]

    with pytest.raises(canonical.NotCanonical, match="deeper"):
        canonical.canonical(deep)
