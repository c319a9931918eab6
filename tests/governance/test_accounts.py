"""Accounts are switched off at once and with a hand-over; there is always an administrator."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from audit.phrases import sentence
from governance.actions import accounts, conditions, service_accounts
from governance.models import ReviewCondition, ServiceAccount, Token
from registry.actions import roles
from registry.errors import Conflict, DomainError, Invalid, Refused
from registry.models import RoleGrant, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def raw(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def off(account: User, by: User, successor: User | None = None) -> User:
    return accounts.switch_off(account=account, reason="She left.", successor=successor, by=by)


def test_whoever_is_switched_off_is_out_at_once_and_for_good(
    owner: User, admin: User, as_user: AsUser
) -> None:
    browser = as_user(owner)
    token, _ = factories.token(factories.model())
    assert browser.get("/models/").status_code == 200

    off(owner, admin)

    assert browser.get("/models/").status_code == 302
    token.refresh_from_db()
    assert token.state == "revoked"
    told = Entry.objects.newest().first()
    assert told is not None
    assert (
        sentence(told.facts) == "admin switched off the account owner and ended 1 of its tokens: “She left.”"
    )

    accounts.switch_on(account=owner, reason="She is back.", by=admin)
    assert browser.get("/models/").status_code == 302, "the session of before stays ended"
    assert as_user(User.objects.get(pk=owner.pk)).get("/models/").status_code == 200
    token.refresh_from_db()
    assert token.state == "revoked"


def test_what_somebody_answers_for_passes_to_a_successor(owner: User, admin: User) -> None:
    review = factories.submitted_review(by=factories.member("owner", "another"))
    factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish(owner)])
    bot = service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=admin)
    heir = factories.member("owner", "heir")

    with pytest.raises(Invalid) as error:
        off(owner, admin)
    assert error.value.fields == {"successor": ["Choose who takes over bot, “Measure the groups again.”."]}
    off(owner, admin, heir)

    assert ServiceAccount.objects.get(pk=bot.pk).sponsor == heir
    assert ReviewCondition.objects.get().owner == heir
    assert [one.kind for one in Entry.objects.newest()[:4]] == [
        "account.switched_off", "token.revoked_together", "condition.passed_on", "service.passed_on",
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["itself", "program", "gone"])
def test_a_successor_is_another_active_person(owner: User, admin: User, who: str) -> None:
    service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=admin)
    gone = User.objects.create(username="gone", is_active=False)
    chosen = {"itself": owner, "program": User.objects.get(username="bot"), "gone": gone}[who]

    with pytest.raises(Invalid) as error:
        off(owner, admin, chosen)
    assert set(error.value.fields) == {"successor"}
    owner.refresh_from_db()
    assert owner.is_active


def test_a_condition_passes_to_nobody_who_gave_it_time(admin: User, owner: User) -> None:
    review = factories.submitted_review(by=owner)
    judge = factories.member("reviewer")
    holder = factories.member("owner", "holder")
    factories.sign_off(review, by=judge, conditions=[factories.wish(holder)])
    condition = ReviewCondition.objects.get()
    conditions.extend(
        condition=condition, due_at=timezone.now() + timedelta(days=9), reason="Late.", by=judge
    )

    with pytest.raises(Invalid, match="gave one of the conditions more time"):
        off(holder, admin, judge)


def test_a_condition_keeps_its_owner_while_they_are_active(admin: User, owner: User) -> None:
    review = factories.submitted_review(by=owner)
    factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish(owner)])

    with pytest.raises(DatabaseError, match="fulfilled once"):
        raw("UPDATE governance_reviewcondition SET owner_id = %s", admin.pk)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    bot = User.objects.create(username="bot", kind=User.Kind.SERVICE, password="!")
    with pytest.raises(DatabaseError, match="fulfilled once"):
        raw("UPDATE governance_reviewcondition SET owner_id = %s", bot.pk)


def test_only_who_changes_accounts_switches_them_and_nobody_their_own(owner: User, admin: User) -> None:
    factories.member("admin", "second")
    with pytest.raises(Refused):
        off(admin, owner)
    for one in (admin, User.machine()):
        with pytest.raises(Invalid):
            off(one, admin)
    off(owner, admin)
    with pytest.raises(Conflict):
        off(owner, admin)
    with pytest.raises(Refused):
        accounts.switch_on(account=owner, reason="Back.", by=factories.member("compliance"))


def test_the_last_administrator_stays_whoever_asks_and_however(admin: User, machine: User) -> None:
    passing = factories.member("admin", "passing")
    roles.take(grant=passing.grants.get(), by=admin)
    roles.give(
        user=passing, role="admin", reason="For a day.", until=timezone.now() + timedelta(days=1), by=admin
    )
    grant = RoleGrant.objects.get(user=admin)

    with pytest.raises(Conflict):
        off(admin, passing)
    with pytest.raises(Conflict):
        roles.take(grant=grant, by=passing)
    for statement in (
        "UPDATE registry_user SET is_active = false WHERE username = 'admin'",
        "UPDATE registry_user SET is_active = false",
        "UPDATE registry_rolegrant SET ended_at = now(), ended_by_id = user_id WHERE role = 'admin' AND until IS NULL AND ended_at IS NULL",
    ):
        with pytest.raises(DatabaseError, match="the last administrator"):
            raw(statement)
    with pytest.raises(DatabaseError, match="the last administrator"), transaction.atomic():
        User.objects.filter(pk=admin.pk).update(is_active=False)

    factories.member("admin", "second")
    raw("UPDATE registry_user SET is_active = false WHERE username = 'admin'")


def test_a_superuser_is_an_administrator_too(db: None) -> None:
    boss = User.objects.create(username="boss", is_superuser=True)

    with pytest.raises(DatabaseError, match="the last administrator"):
        raw("UPDATE registry_user SET is_superuser = false WHERE id = %s", boss.pk)
    with pytest.raises(DatabaseError, match="the last administrator"):
        raw("DELETE FROM registry_user WHERE id = %s", boss.pk)


def both(*deeds: Callable[[], Any]) -> list[Any]:
    """What became of deeds done at once, each in a connection of its own."""
    start, outcomes = threading.Barrier(len(deeds)), [None] * len(deeds)

    def act(place: int, deed: Callable[[], Any]) -> None:
        start.wait()
        try:
            outcomes[place] = deed()
        except (DomainError, DatabaseError) as error:
            outcomes[place] = error  # type: ignore[assignment]
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in enumerate(deeds)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["switched off", "role taken", "raw", "both ways"])
def test_two_administrators_who_remove_each_other_leave_one(way: str) -> None:
    one, other = factories.member("admin", "one"), factories.member("admin", "other")
    grants = {user.pk: RoleGrant.objects.get(user=user, role="admin") for user in (one, other)}
    deeds: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "switched off": (lambda: off(other, one), lambda: off(one, other)),
        "role taken": (
            lambda: roles.take(grant=grants[other.pk], by=one),
            lambda: roles.take(grant=grants[one.pk], by=other),
        ),
        "raw": (
            lambda: raw("UPDATE registry_user SET is_active = false WHERE id = %s", other.pk),
            lambda: raw("UPDATE registry_user SET is_active = false WHERE id = %s", one.pk),
        ),
        "both ways": (lambda: off(other, one), lambda: roles.take(grant=grants[one.pk], by=other)),
    }

    outcomes = both(*deeds[way])

    assert sum(isinstance(one, (DomainError, DatabaseError)) for one in outcomes) == 1
    # Whoever comes second finds that they are the last, or that they are no administrator any more.
    assert re.search("last administrator|role does not allow", "".join(map(str, outcomes)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cardinal_administrators()")
        assert cursor.fetchone() == (1,)


def test_page_and_interface_switch_an_account(owner: User, admin: User, as_user: AsUser) -> None:
    service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=admin)
    browser = as_user(admin)

    refused = browser.post("/people/owner/switch-off/", {"reason": "She left."})
    assert refused.status_code == 400
    assert "Choose who takes over bot." in refused.content.decode()
    gone = browser.post("/people/owner/switch-off/", {"reason": "She left.", "successor": "nobody"})
    assert "There is no account of this name." in gone.content.decode()
    done = browser.post("/people/owner/switch-off/", {"reason": "She left.", "successor": "admin"})
    assert done.status_code == 302
    page = browser.get("/people/owner/").content.decode()
    assert "Switched off" in page
    assert "Switch on owner" in page
    shown = browser.patch(
        "/api/v1/accounts/owner/", {"active": True, "reason": "Back."}, content_type="application/json"
    ).json()
    assert (shown["active"], shown["roles"], shown["service_accounts"]) == (True, ["owner"], [])
    assert browser.get("/api/v1/accounts/admin/").json()["service_accounts"] == ["bot"]


def test_everybody_sees_their_own_page_and_no_other(owner: User, reviewer: User, as_user: AsUser) -> None:
    browser = as_user(owner)

    assert browser.get("/people/owner/").status_code == 200
    assert browser.get("/people/reviewer/").status_code == browser.get("/people/nobody/").status_code == 403
    assert browser.get("/api/v1/accounts/owner/").status_code == 200
    assert browser.get("/api/v1/accounts/reviewer/").status_code == 403


def test_the_administration_of_django_switches_nobody_off(owner: User, as_user: AsUser) -> None:
    boss = User.objects.create(username="boss", is_staff=True, is_superuser=True)

    answer = as_user(boss).post(
        f"/admin/registry/user/{owner.pk}/change/", {"username": "owner", "kind": "person"}
    )

    assert answer.status_code == 302
    owner.refresh_from_db()
    assert owner.is_active
    assert not Token.objects.exists()


SWITCH_OFF = "UPDATE registry_user SET is_active = false WHERE id = %s AND is_active"
TAKE = (
    "UPDATE registry_rolegrant SET ended_at = now(), ended_by_id = %s WHERE user_id = %s AND ended_at IS NULL"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["switched off", "role taken", "both ways"])
def test_two_who_remove_two_administrators_in_turn_do_not_wait_for_each_other(way: str) -> None:
    """Each by raw SQL, in the opposite order, and each with one statement done when the other begins."""
    machine, first, last = (
        User.machine(),
        factories.member("admin", "first"),
        factories.member("admin", "last"),
    )
    factories.member("admin", "stays")
    meeting = threading.Barrier(2)

    def statement(user: User, *, switches_off: bool) -> tuple[str, tuple[int, ...]]:
        return (SWITCH_OFF, (user.pk,)) if switches_off else (TAKE, (machine.pk, user.pk))

    def remove(*order: User, switches_off: bool) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for user in order:
                cursor.execute(*statement(user, switches_off=switches_off))
                with contextlib.suppress(
                    threading.BrokenBarrierError
                ):  # one waits for the lock: the other goes on
                    meeting.wait(timeout=1)

    outcomes = both(
        lambda: remove(first, last, switches_off=way != "role taken"),
        lambda: remove(last, first, switches_off=way == "switched off"),
    )

    assert outcomes == [None, None]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.username FROM cardinal_administrators() a(id) JOIN registry_user u USING (id)"
        )
        assert cursor.fetchall() == [("stays",)]
