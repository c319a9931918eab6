"""Roles: given by somebody else, with a reason and an end, and gone at the second at which they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from audit.phrases import sentence
from governance.roles import GIVEN
from registry.actions import roles
from registry.errors import Conflict, Invalid, Refused
from registry.models import Model, Role, RoleGrant, User, groups_of
from registry.models.roles import LONGEST_AUDIT
from registry.tasks import tidy_roles
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create(username="paula")


def given(person: User, role: str, by: User, **rest: object) -> RoleGrant:
    return roles.give(user=person, role=role, reason="She joins.", by=by, **rest)  # type: ignore[arg-type]


def fresh(user: User) -> User:
    """Permissions are remembered on the object."""
    return User.objects.get(pk=user.pk)


def test_there_is_a_table_of_rights_for_each_role_that_is_given() -> None:
    assert set(Role.values) == set(GIVEN)


def test_a_role_counts_at_once_and_is_told(person: User, admin: User) -> None:
    given(person, "reviewer", admin)

    assert fresh(person).has_perm("governance.judge_review")
    told = Entry.objects.newest().first()
    assert told is not None
    assert "gave paula the role reviewer: “She joins.”" in sentence(told.facts)


def test_a_role_that_was_taken_counts_no_more(person: User, admin: User) -> None:
    grant = given(person, "compliance", admin)
    factories.model(shared=False)

    roles.take(grant=grant, by=admin)

    assert not fresh(person).has_perm("registry.view_model")
    assert not Model.objects.visible_to(fresh(person)).exists()
    with pytest.raises(Conflict):
        roles.take(grant=grant, by=admin)


def test_an_audit_ends_at_its_second_though_nothing_runs(person: User, admin: User, as_user: AsUser) -> None:
    hidden = factories.model(shared=False)
    given(person, "auditor", admin, until=timezone.now() + timedelta(seconds=0.6))
    browser = as_user(person)
    assert browser.get(f"/models/{hidden.slug}/").status_code == 200

    time.sleep(0.7)

    assert browser.get(f"/models/{hidden.slug}/").status_code == 404
    assert not fresh(person).has_perm("registry.view_model")
    assert person.groups.filter(name="auditor").exists()  # the row still stands, and counts for nothing
    assert not groups_of(person.pk).exists()


def test_what_is_shared_with_a_role_is_seen_while_it_lasts(person: User, admin: User) -> None:
    shared = factories.model()
    given(person, "owner", admin, until=timezone.now() + timedelta(seconds=0.5))
    assert shared in Model.objects.visible_to(fresh(person))

    time.sleep(0.6)

    assert not Model.objects.visible_to(fresh(person)).exists()


def test_a_role_for_later_does_not_count_yet(person: User, admin: User) -> None:
    given(person, "compliance", admin, since=timezone.now() + timedelta(hours=1))

    assert not fresh(person).has_perm("registry.view_model")


def test_the_sweep_tells_what_ended_and_takes_the_row(person: User, admin: User) -> None:
    grant = given(person, "auditor", admin, until=timezone.now() + timedelta(seconds=0.2))
    time.sleep(0.3)

    assert [tidy_roles(), tidy_roles()] == [1, 0]

    grant.refresh_from_db()
    assert grant.ended_at == grant.until
    assert not person.groups.exists()
    told = Entry.objects.newest().first()
    assert told is not None
    assert "saw the time of paula as auditor end" in sentence(told.facts)


def test_a_role_can_be_given_again_after_its_time(person: User, admin: User) -> None:
    given(person, "auditor", admin, until=timezone.now() + timedelta(seconds=0.2))
    time.sleep(0.3)

    given(person, "owner", admin)

    assert fresh(person).has_perm("governance.issue_token")


@pytest.mark.parametrize("until", [None, LONGEST_AUDIT + timedelta(hours=1), timedelta(hours=-1)])
def test_an_audit_needs_an_end_within_half_a_year(person: User, admin: User, until: timedelta | None) -> None:
    with pytest.raises(Invalid) as error:
        given(person, "auditor", admin, until=until and timezone.now() + until)

    assert set(error.value.fields) == {"until"}


@pytest.mark.parametrize(("first", "then"), [("auditor", "owner"), ("reviewer", "auditor")])
def test_an_auditor_has_no_other_role(person: User, admin: User, first: str, then: str) -> None:
    month = timezone.now() + timedelta(days=30)
    given(person, first, admin, until=month)

    with pytest.raises(Conflict, match="An auditor has no other role"):
        given(person, then, admin, until=month)


def test_nobody_gives_themselves_a_role(admin: User) -> None:
    with pytest.raises(Invalid) as error:
        given(admin, "reviewer", admin)

    assert set(error.value.fields) == {"user"}


@pytest.mark.parametrize("role", ["owner", "reviewer", "compliance", "auditor", "viewer"])
def test_only_administrators_give_and_take(person: User, admin: User, role: str) -> None:
    other = factories.member(role, "other")
    grant = given(person, "owner", admin)

    with pytest.raises(Refused):
        given(User.objects.create(username="new"), "viewer", other)
    with pytest.raises(Refused):
        roles.take(grant=grant, by=other)


def test_the_last_administrator_stays(admin: User) -> None:
    second = factories.member("admin", "second")
    roles.take(grant=RoleGrant.objects.get(user=second), by=admin)

    with pytest.raises(Conflict, match="last administrator"):
        roles.take(grant=RoleGrant.objects.get(user=admin), by=fresh(admin))


def test_an_administrator_for_a_time_does_not_replace_the_last_one(person: User, admin: User) -> None:
    given(person, "admin", admin, until=timezone.now() + timedelta(days=1))

    with pytest.raises(Conflict, match="last administrator"):
        roles.take(grant=RoleGrant.objects.get(user=admin), by=fresh(person))


def raw(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


INSERT = "INSERT INTO registry_rolegrant (user_id, role, since, until, reason, by_id) VALUES (%s, %s, now(), {}, '', %s)"


def test_the_database_refuses_a_membership_that_nobody_gave(person: User, admin: User) -> None:
    for role in [*Role.values, "machine"]:
        group = Group.objects.get(name=role)
        with pytest.raises(DatabaseError, match=r"nobody has given|given to nobody"):
            raw("INSERT INTO registry_user_groups (user_id, group_id) VALUES (%s, %s)", person.pk, group.pk)
        with pytest.raises(DatabaseError, match=r"nobody has given|given to nobody"), transaction.atomic():
            person.groups.add(group)
    roles.give(user=person, role="viewer", reason="Joins.", by=admin)
    with pytest.raises(DatabaseError, match="nobody has given"):
        raw(
            "UPDATE registry_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'admin')"
            f" WHERE user_id = {person.pk}"
        )


def test_the_database_refuses_what_the_verb_refuses(person: User, admin: User, owner: User) -> None:
    cases = {
        "only an administrator gives roles": (INSERT.format("NULL"), person.pk, "reviewer", owner.pk),
        "grant_by_somebody_else": (INSERT.format("NULL"), admin.pk, "reviewer", admin.pk),
        "grant_of_an_audit_ends": (INSERT.format("NULL"), person.pk, "auditor", admin.pk),
        "an auditor has no other role": (
            INSERT.format("now() + interval '1 day'"), owner.pk, "auditor", admin.pk,
        ),
        "grant_role_known": (INSERT.format("NULL"), person.pk, "king", admin.pk),
        "grant_once_at_a_time": (INSERT.format("NULL"), owner.pk, "owner", admin.pk),
        "can only be ended": ("UPDATE registry_rolegrant SET until = NULL, role = 'admin' WHERE user_id = %s", owner.pk),
        "never deleted": ("DELETE FROM registry_rolegrant WHERE user_id = %s", owner.pk),
    }  # fmt: skip
    for words, (statement, *values) in cases.items():
        with pytest.raises(DatabaseError, match=words):
            raw(statement, *values)


def test_the_administration_of_django_has_no_door_to_roles(person: User, as_user: AsUser) -> None:
    boss = User.objects.create(username="boss", is_staff=True, is_superuser=True)
    address = f"/admin/registry/user/{person.pk}/change/"
    sent = {
        "username": "paula",
        "kind": "person",
        "is_active": "on",
        "groups": [Group.objects.get(name="admin").pk],
    }

    answer = as_user(boss).post(address, sent)

    assert answer.status_code == 302
    assert not person.groups.exists()
