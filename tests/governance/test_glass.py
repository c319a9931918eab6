"""Breaking the glass: two people, an hour at most, on record; by whatever door they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit import evidence
from audit.models import Entry
from governance.actions import glass
from governance.models import Batch, BreakGlass, Decision
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def version() -> Version:
    made = factories.version()
    factories.system(model=made.model)
    return made


def asked(version: Version, by: User | None = None, minutes: int = 30) -> BreakGlass:
    return glass.ask(
        version=version,
        environment="production",
        minutes=minutes,
        reason="Payments are at a standstill.",
        by=by or factories.member("owner"),
    )


def test_one_asks_and_another_grants(version: Version, owner: User, compliance: User) -> None:
    waiting = asked(version, owner)
    assert waiting.granted_at is None

    opened = glass.grant(glass=waiting, by=compliance)

    assert opened.ends_at
    assert opened.granted_at
    assert opened.ends_at - opened.granted_at == timedelta(minutes=30)
    assert [one.kind for one in Entry.objects.filter(kind__startswith="glass.").order_by("created_at")] == [
        "glass.asked",
        "glass.granted",
    ]


@pytest.mark.parametrize("role", ["compliance", "auditor"])
def test_who_may_not_ask(version: Version, role: str) -> None:
    with pytest.raises(Refused):
        asked(version, factories.member(role))


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_who_may_not_grant(version: Version, role: str) -> None:
    waiting = asked(version)

    with pytest.raises(Refused):
        glass.grant(glass=waiting, by=factories.member(role, "another"))


def test_an_outsider_learns_nothing(version: Version, outsider: User) -> None:
    waiting = asked(version)

    with pytest.raises(Missing):
        glass.grant(glass=waiting, by=outsider)
    with pytest.raises(Missing):
        asked(version, outsider)


def test_nobody_grants_what_they_asked_for_by_any_door(version: Version, as_user: AsUser) -> None:
    alone = factories.member("owner", "alone")
    alone = factories.member("compliance", alone.username)
    alone = User.objects.get(pk=alone.pk)
    waiting = asked(version, alone)

    with pytest.raises(Refused) as refused:
        glass.grant(glass=waiting, by=alone)
    assert refused.value.verdict.reasons[0].code == "glass_two_people"
    assert as_user(alone).post(f"/break-glass/{waiting.pk}/grant/").status_code == 403
    assert as_user(alone).post(f"/api/v1/break-glass/{waiting.pk}/grant/").status_code == 403
    now = timezone.now()
    forged = {"granted_by": alone, "granted_at": now, "ends_at": now + timedelta(minutes=5)}
    with pytest.raises(DatabaseError, match="second, active person"), transaction.atomic():
        BreakGlass.objects.filter(pk=waiting.pk).update(**forged)
    assert not BreakGlass.objects.exclude(granted_at=None).exists()


def test_the_hour_is_held_by_the_database(version: Version, compliance: User) -> None:
    for minutes in (0, 61):
        with pytest.raises(Invalid):
            asked(version, minutes=minutes)
    with pytest.raises(IntegrityError, match="an_hour_at_most"), transaction.atomic():
        BreakGlass.objects.create(
            version=version, environment="production", reason="x", minutes=61, asked_by=compliance
        )
    opened = glass.grant(glass=asked(version), by=compliance)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        BreakGlass.objects.update(ends_at=opened.ends_at + timedelta(hours=1))  # type: ignore[operator]


def test_a_granter_cannot_stretch_the_time(version: Version, compliance: User) -> None:
    """Whatever times are given, the trigger takes the database's clock and the minutes that were asked for."""
    waiting, far = asked(version, minutes=5), timezone.now() + timedelta(days=30)

    BreakGlass.objects.filter(pk=waiting.pk).update(granted_by=compliance, granted_at=far, ends_at=far)

    opened = BreakGlass.objects.get()
    assert opened.ends_at
    assert opened.ends_at < timezone.now() + timedelta(minutes=6)


@pytest.mark.parametrize("change", [{"is_active": False}, {"kind": "service"}])
def test_the_second_person_is_a_person_whose_account_is_on(
    version: Version, compliance: User, change: dict[str, object]
) -> None:
    waiting = asked(version)
    User.objects.filter(pk=compliance.pk).update(**change)
    now = timezone.now()

    with pytest.raises(DatabaseError, match="second, active person"), transaction.atomic():
        BreakGlass.objects.update(granted_by=compliance, granted_at=now, ends_at=now)
    assert BreakGlass.objects.get() == waiting


def test_what_was_asked_an_hour_ago_is_granted_no_more(version: Version, compliance: User) -> None:
    waiting = asked(version)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_breakglass DISABLE TRIGGER glass_course")
        cursor.execute("UPDATE governance_breakglass SET asked_at = now() - interval '61 minutes'")
        cursor.execute("ALTER TABLE governance_breakglass ENABLE ALWAYS TRIGGER glass_course")

    with pytest.raises(Conflict):
        glass.grant(glass=BreakGlass.objects.get(), by=compliance)
    now = timezone.now()
    with pytest.raises(DatabaseError, match="an hour ago"), transaction.atomic():
        BreakGlass.objects.update(granted_by=compliance, granted_at=now, ends_at=now)
    assert asked(version).pk != waiting.pk, "the old one has ended by itself"


def test_it_is_granted_once_ended_once_and_never_erased(version: Version, compliance: User) -> None:
    opened = glass.grant(glass=asked(version), by=compliance)
    with pytest.raises(Conflict):
        glass.grant(glass=opened, by=factories.member("admin"))
    with pytest.raises(Conflict):
        asked(version)
    glass.end(glass=opened, by=opened.asked_by)
    with pytest.raises(Conflict):
        glass.end(glass=opened, by=compliance)
    with pytest.raises(DatabaseError, match="stays on record"), transaction.atomic():
        BreakGlass.objects.all().delete()
    with pytest.raises(DatabaseError, match="can only end"), transaction.atomic():
        BreakGlass.objects.update(reason="nicer")


def test_a_prohibited_practice_has_no_emergency(version: Version, compliance: User) -> None:
    waiting = asked(version)
    factories.decide(version.model.systems.get(), "prohibited")

    for deed in (lambda: glass.grant(glass=waiting, by=compliance), lambda: asked(version)):
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.verdict.reasons[0].code == "risk_prohibited"


def test_it_stands_in_red_on_the_pages(
    version: Version, owner: User, compliance: User, as_user: AsUser
) -> None:
    page = as_user(owner).post(
        f"{version.get_absolute_url()}break-glass/",
        {"environment": "production", "minutes": "10", "reason": "At a standstill."},
        follow=True,
    )
    assert b"Somebody asks to break the glass" in page.content
    assert b"Grant it" not in page.content
    waiting = BreakGlass.objects.get()
    granted = as_user(compliance).post(f"/break-glass/{waiting.pk}/grant/", follow=True)
    assert b"The glass is broken" in granted.content
    assert b"The glass is broken" in as_user(owner).get("/").content
    ended = as_user(owner).post(f"/break-glass/{waiting.pk}/end/", follow=True)
    assert b"The glass is broken" not in ended.content


def test_the_interface_asks_grants_and_ends(
    version: Version, owner: User, compliance: User, as_user: AsUser
) -> None:
    where = f"/api/v1/models/{version.model.slug}/versions/1/break-glass/"
    body = {"environment": "production", "minutes": 10, "reason": "At a standstill."}
    made = as_user(owner).post(where, body, content_type="application/json")
    assert made.status_code == 201
    one = f"/api/v1/break-glass/{made.json()['id']}/"

    granted = as_user(compliance).post(f"{one}grant/")
    assert granted.json()["granted_by"] == "compliance"
    assert as_user(owner).get("/api/v1/break-glass/").json()["results"][0]["ends_at"]
    assert as_user(owner).delete(one).json()["ended_by"] == "owner"


def test_it_stands_in_the_next_report_with_the_queries_it_let_pass(
    version: Version, compliance: User
) -> None:
    glass.grant(glass=asked(version), by=compliance)
    now = timezone.now()
    batch = Batch.objects.create(writer="gate", count=2, allowed=2, root="0" * 64, written_at=now)
    for reason in ("break_glass", "allowed"):
        Decision.objects.create(
            batch=batch,
            decided_at=now,
            allowed=True,
            reason=reason,
            environment="production",
            model=version.model.slug,
            version=version.number,
            door="check",
            digest="0" * 64,
        )

    (told,) = evidence.of(version, by=compliance, at=timezone.now())["broken_glass"]

    assert (told["asked_by"], told["granted_by"], told["decisions"]) == ("owner", "compliance", 1)
    assert told["reason"] == "Payments are at a standstill."
