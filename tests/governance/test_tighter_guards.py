"""What the application's own rights would have let somebody write past the verbs, and no longer do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from governance.actions import clearances, reviews
from governance.models import Clearance, Judgement, Policy, Review, Token
from registry.errors import Conflict
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db


def test_nobody_writes_a_clearance_that_no_approval_stands_behind() -> None:
    version = factories.version()

    with pytest.raises(DatabaseError, match="nobody has approved"), transaction.atomic():
        Clearance.objects.filter(version=version).update(allowed=True)


def test_nobody_writes_a_clearance_over_a_suspension() -> None:
    version = factories.approved_version()
    clearances.suspend(version=version, reason="It drifts.", by=factories.member("reviewer"))

    with pytest.raises(DatabaseError, match="suspended"), transaction.atomic():
        Clearance.objects.filter(version=version).update(allowed=True)


@pytest.mark.parametrize(
    "deed", ["DELETE FROM governance_suspension", "UPDATE governance_suspension SET reason = 'x'"]
)
def test_a_suspension_is_lifted_and_never_erased(deed: str) -> None:
    version = factories.approved_version()
    clearances.suspend(version=version, reason="It drifts.", by=factories.member("reviewer"))

    with (
        pytest.raises(DatabaseError, match="only be lifted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(deed)

    clearances.lift(version=version, reason="It no longer does.", by=factories.member("reviewer"))
    assert Clearance.objects.get(version=version, environment="production").allowed


def test_a_policy_cannot_borrow_the_rules_of_another_model() -> None:
    mine, theirs = factories.policy(factories.model()), factories.policy(factories.model())

    with pytest.raises(DatabaseError, match="its own versions"), transaction.atomic():
        Policy.objects.filter(pk=mine.policy_id).update(in_force=theirs)


@pytest.mark.parametrize("change", [{"is_active": False}, {"kind": "service"}])
def test_only_a_person_with_an_active_account_judges(change: dict[str, object]) -> None:
    review = factories.submitted_review()
    judge = factories.member("reviewer")
    User.objects.filter(pk=judge.pk).update(**change)

    with pytest.raises(DatabaseError, match="only a person"), transaction.atomic():
        Judgement.objects.create(
            review=review, outcome="approve", role="reviewer", digest=review.digest, by=judge
        )


def test_a_token_cannot_be_made_to_remember_another_transaction() -> None:
    token, _ = factories.token(factories.model())

    with (
        pytest.raises(DatabaseError, match="only be revoked"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE governance_token SET issued_in = (issued_in::text::bigint + 1)::text::xid8 WHERE id = %s",
            [token.pk],
        )


def test_a_token_is_revoked_and_never_deleted() -> None:
    token, _ = factories.token(factories.model())

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_token WHERE id = %s", [token.pk])
    assert Token.objects.filter(pk=token.pk).exists()


def test_a_token_is_issued_now_and_not_in_five_years() -> None:
    token, _ = factories.token(factories.model())
    token.pk, token.digest = None, "0" * 64
    token.issued_at = timezone.now().replace(year=timezone.now().year + 5)
    token.expires_at = token.issued_at + timedelta(days=1)

    with pytest.raises(DatabaseError), transaction.atomic():
        token.save(force_insert=True)


def test_what_has_moved_since_the_submission_is_not_approved(reviewer: User) -> None:
    review = factories.submitted_review()
    version = review.document.version
    assert isinstance(version, Version)
    factories.manifest(version, "b")

    with pytest.raises(Conflict, match="changed since this was submitted"):
        reviews.approve(review=review, digest=review.digest, by=reviewer)

    assert Review.objects.get(pk=review.pk).state == Review.State.IN_REVIEW


def test_guessing_passwords_closes_the_door(owner: User) -> None:
    cache.clear()
    owner.set_password("right and long")
    owner.save()
    browser = Client(headers={"host": "127.0.0.1"})
    wrong = {"username": "owner", "password": "wrong"}

    statuses = [browser.post("/accounts/login/", wrong).status_code for _ in range(11)]
    late = browser.post("/accounts/login/", wrong | {"password": "right and long"})

    assert statuses == [200] * 10 + [429]
    assert late.status_code == 429
    assert late.headers["Retry-After"] == "900"
    cache.clear()


def test_the_administration_has_no_second_door(owner: User) -> None:
    browser = Client(headers={"host": "127.0.0.1"})

    assert browser.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert (
        browser.post("/admin/login/", {"username": "owner", "password": "x"})
        .headers["Location"]
        .startswith("/accounts/login/")
    )
    browser.force_login(owner, backend="registry.backends.GrantedRoles")
    assert browser.get("/admin/login/").status_code == 403


def test_an_address_with_a_nul_is_no_address_and_no_error(owner: User) -> None:
    browser = Client(headers={"host": "127.0.0.1"})
    browser.force_login(owner, backend="registry.backends.GrantedRoles")

    assert browser.get("/models/?q=%00").status_code == 400
    assert browser.delete("/models/").status_code == 405
