"""What ends or opens by time alone: the gate does as the database's clock says, whether or not a sweep was there."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from audit.models import Entry
from governance.actions import clearances, glass, tokens
from governance.models import BreakGlass, Clearance
from governance.tasks import sweep_lapsed
from registry.models import Version
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, stored

pytestmark = pytest.mark.django_db(transaction=True)


def due_in(version: Version, seconds: float) -> None:
    """The card is approved anew, on a condition that falls due so soon."""
    factories.save(version, mark="on a condition")
    wish = factories.wish(seconds=seconds)
    factories.sign_off(factories.resubmit(version), by=factories.member("reviewer"), conditions=[wish])


def broken(version: Version, *, minutes: int = 10) -> BreakGlass:
    """The owner asked, compliance granted."""
    asked = glass.ask(
        version=version,
        environment="production",
        minutes=minutes,
        reason="At a standstill.",
        by=factories.member("owner"),
    )
    return glass.grant(glass=asked, by=factories.member("compliance"))


def suspend(version: Version) -> None:
    clearances.suspend(version=version, reason="It drifts.", by=factories.member("reviewer"))


def test_a_lapsed_condition_ends_the_clearance_at_that_moment_without_a_sweep(
    gate: Running, served: Served
) -> None:
    due_in(served.version, 4)
    assert gate.check(served.path, served.secret).status_code == 200
    until = Clearance.objects.get(version=served.version, environment="production").valid_until
    assert until
    time.sleep(max(0.0, until.timestamp() - time.time()) + 0.05)

    refused = gate.check(served.path, served.secret)

    assert code(refused) == "not_cleared"
    assert refused.json()["reasons"] == ["condition_lapsed"]
    assert Clearance.objects.get(version=served.version, environment="production").allowed, (
        "nobody has swept yet"
    )
    assert sweep_lapsed() == 1
    row = Clearance.objects.get(version=served.version, environment="production")
    assert (row.allowed, row.valid_until, [one["reason"] for one in row.unmet]) == (
        False,
        None,
        ["condition_lapsed"],
    )
    lapsed = Entry.objects.filter(kind="clearance.lapsed").order_by("-created_at").first()
    assert lapsed
    assert lapsed.actor == "cardinal"
    assert sweep_lapsed() == 0


def test_broken_glass_lets_pass_and_says_so(gate: Running, served: Served) -> None:
    suspend(served.version)
    assert code(gate.check(served.path, served.secret)) == "not_cleared"

    opened = broken(served.version)

    passed = gate.check(served.path, served.secret)
    assert passed.status_code == 200
    assert passed.headers["x-cardinal-reason"] == "break_glass"
    assert (stored(passed).allowed, stored(passed).reason, stored(passed).version) == (True, "break_glass", 1)
    assert gate.predict(served.path, served.secret).json() == {"predictions": [1]}
    glass.end(glass=opened, by=factories.member("owner"))
    assert code(gate.check(served.path, served.secret)) == "not_cleared"


def test_broken_glass_ends_by_itself(gate: Running, served: Served) -> None:
    suspend(served.version)
    broken(served.version)
    with connection.cursor() as cursor:  # the hour is nearly over
        cursor.execute("ALTER TABLE governance_breakglass DISABLE TRIGGER glass_course")
        cursor.execute(
            "UPDATE governance_breakglass SET ends_at = now() + interval '3 seconds' RETURNING ends_at"
        )
        (ends_at,) = cursor.fetchone()
        cursor.execute("ALTER TABLE governance_breakglass ENABLE ALWAYS TRIGGER glass_course")
    assert gate.check(served.path, served.secret).status_code == 200
    time.sleep(max(0.0, ends_at.timestamp() - time.time()) + 0.05)

    assert code(gate.check(served.path, served.secret)) == "not_cleared"
    sweep_lapsed()
    assert BreakGlass.objects.get().ended_at == ends_at
    assert Entry.objects.filter(kind="glass.ended").count() == 1


def test_what_is_cleared_anyway_is_allowed_as_ever(gate: Running, served: Served) -> None:
    broken(served.version)

    assert stored(gate.check(served.path, served.secret)).reason == "allowed"


def test_a_prohibited_practice_is_never_let_through(gate: Running, served: Served) -> None:
    suspend(served.version)
    broken(served.version)
    factories.decide(served.version.model.systems.get(), "prohibited")
    token, secret = factories.token(served.version.model)
    tokens.countersign(token=token, by=factories.member("admin"))

    assert code(gate.check(served.path, secret.text)) == "not_cleared"


def test_broken_glass_overrides_nothing_but_the_clearance(gate: Running, served: Served) -> None:
    suspend(served.version)
    broken(served.version)
    _, elsewhere = factories.token(served.version.model, environment="staging")

    assert code(gate.check(served.path)) == "token_missing"
    assert code(gate.check(served.path, elsewhere.text)) == "no_policy"
