"""Who could do both halves of what two people should do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from governance.actions import policies
from governance.duties import Overlap, overlaps
from registry.actions import roles
from registry.models import Model, RoleGrant, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def found(name: str) -> dict[str, Overlap]:
    return {one.duty.code: one for one in overlaps() if one.user.username == name}


@pytest.fixture
def model(db: None) -> Model:
    return factories.model(name="churn")


def test_whoever_has_one_half_only_is_not_listed(model: Model, owner: User, reviewer: User) -> None:
    assert found("owner") == found("reviewer") == {}


def test_somebody_who_writes_and_judges_what_they_see(model: Model) -> None:
    factories.model(name="hidden", shared=False)
    factories.member("owner", "both")
    factories.member("reviewer", "both")

    one = found("both")["author_and_approve"]

    assert (one.number, one.kind, one.names) == (1, "models", ("churn",))
    assert one.since == RoleGrant.objects.get(user_id=one.user.pk, role="reviewer").since


def test_a_role_that_was_taken_makes_it_go(model: Model, admin: User) -> None:
    both = factories.member("owner", "both")
    factories.member("reviewer", "both")
    roles.take(grant=RoleGrant.objects.get(user=both, role="reviewer"), by=admin)

    assert "author_and_approve" not in found("both")


def test_somebody_who_sees_nothing_could_do_nothing(db: None) -> None:
    factories.model(shared=False)
    factories.member("owner", "both")
    factories.member("reviewer", "both")

    assert found("both") == {}


@pytest.mark.parametrize(
    ("subject", "listed"), [("user:owner", True), ("group:owner", True), ("group:reviewer", False)]
)
def test_somebody_who_issues_tokens_and_is_let_in(model: Model, subject: str, listed: bool) -> None:
    factories.member("reviewer")
    factories.policy(model, subject)

    assert ("issue_and_use" in found("owner")) == listed


def test_a_rule_that_denies_lets_nobody_in(model: Model, owner: User) -> None:
    factories.policy(model, "user:owner")

    policies.publish(
        model=model, environment="production", content=factories.rules("user:owner", effect="deny"),
        on_top_of=1, by=owner,
    )  # fmt: skip

    assert found("owner") == {}


def test_somebody_who_classifies_what_they_own(model: Model) -> None:
    factories.system(model=model)
    factories.member("owner", "both")
    factories.member("compliance", "both")

    one = found("both")["classify_and_own"]

    assert (one.number, one.kind) == (1, "systems")
    assert "None" in one.duty.guard


def test_a_superuser_could_do_everything(model: Model) -> None:
    User.objects.create(username="root", is_superuser=True)

    assert found("root")["author_and_approve"].since is None


def test_who_is_switched_off_could_do_nothing(model: Model) -> None:
    both = factories.member("owner", "both")
    factories.member("reviewer", "both")
    User.objects.filter(pk=both.pk).update(is_active=False)

    assert found("both") == {}


def test_page_table_and_interface_tell_the_same(model: Model, compliance: User, as_user: AsUser) -> None:
    factories.member("owner", "both")
    factories.member("reviewer", "both")
    browser = as_user(compliance)

    page = browser.get("/duties/").content.decode()
    table = b"".join(browser.get("/duties.csv").streaming_content).decode()  # type: ignore[attr-defined]
    told = browser.get("/api/v1/duties/").json()["overlaps"]

    assert "both" in page
    assert "both,Writes and approves,1,models,churn," in table
    assert [(one["account"], one["duty"], one["count"]) for one in told] == [
        ("both", "author_and_approve", 1)
    ]
