"""The kill switch at the gate: refused at once, by every front, whatever else holds; and lifted again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from django.db import connection

from governance.actions import clearances, glass, stops
from governance.actions import tokens as token_verbs
from governance.models import Decision, Stop
from registry.models import User
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, serve, stored

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "It answers nonsense."
FRESH = 1.0  # seconds within which every gate has to know


def stopping(reach: str, served: Served) -> Callable[[User], Stop]:
    return {
        "all": lambda by: stops.stop_all(reason=WHY, by=by),
        "model": lambda by: stops.stop_model(model=served.version.model, reason=WHY, by=by),
        "token": lambda by: stops.stop_token(token=served.token, reason=WHY, by=by),
    }[reach]


def settled(ask: Callable[[], Any], status: int) -> Any:
    """The first answer with this status; it has to come within a second."""
    deadline = time.monotonic() + FRESH
    while (answer := ask()).status_code != status and time.monotonic() < deadline:
        time.sleep(0.01)
    assert answer.status_code == status, answer.text
    return answer


@pytest.mark.parametrize("reach", ["all", "model", "token"])
def test_allowed_stopped_lifted_allowed(reach: str, gate: Running, served: Served) -> None:
    asks = [lambda: gate.check(served.path, served.secret), lambda: gate.predict(served.path, served.secret)]
    assert [ask().status_code for ask in asks] == [200, 200]

    made = stopping(reach, served)(factories.member("admin"))
    for ask in asks:
        refused = settled(ask, 403)
        assert code(refused) == "stopped"
        assert WHY not in refused.text
        kept = stored(refused)
        assert (kept.allowed, kept.reason, kept.token) == (False, f"stopped_{reach}", str(served.token.pk))

    stops.lift(stop=made, reason="Mended.", by=factories.member("admin"))
    for ask in asks:
        assert settled(ask, 200).headers["x-cardinal-version"] == "1"


def test_it_stops_what_it_names_and_nothing_else(gate: Running, served: Served) -> None:
    other = serve()
    second, text = factories.token(served.version.model)
    owner = factories.member("owner")

    of_model = stops.stop_model(model=other.version.model, reason=WHY, by=owner)
    settled(lambda: gate.check(other.path, other.secret), 403)
    assert gate.check(served.path, served.secret).status_code == 200

    stops.stop_token(token=second, reason=WHY, by=owner)
    settled(lambda: gate.check(served.path, text.text), 403)
    assert gate.check(served.path, served.secret).status_code == 200

    stops.lift(stop=of_model, reason="Mended.", by=owner)
    settled(lambda: gate.check(other.path, other.secret), 200)
    assert gate.check(served.path, text.text).status_code == 403


def test_whoever_does_not_reach_the_model_hears_the_same_as_before(gate: Running, served: Served) -> None:
    _, elsewhere = factories.token(factories.model())
    asks = [
        lambda: gate.check(served.path, elsewhere.text),
        lambda: gate.check("/models/there-is-none/invocations", elsewhere.text),
        lambda: gate.check(served.path, "crd_p" + "0" * 49),
    ]
    before = [(one.status_code, code(one), one.json()["detail"]) for one in (ask() for ask in asks)]

    stops.stop_model(model=served.version.model, reason=WHY, by=factories.member("admin"))
    settled(lambda: gate.check(served.path, served.secret), 403)

    assert [(one.status_code, code(one), one.json()["detail"]) for one in (ask() for ask in asks)] == before


def test_a_revoked_token_hears_that_it_is_revoked(gate: Running, served: Served) -> None:
    stops.stop_all(reason=WHY, by=factories.member("admin"))
    token_verbs.revoke(token=served.token, by=factories.member("owner"))

    assert code(settled(lambda: gate.check(served.path, served.secret), 401)) == "token_revoked"


def test_broken_glass_does_not_open_it(gate: Running, served: Served) -> None:
    clearances.suspend(version=served.version, reason=WHY, by=factories.member("reviewer"))
    asked = glass.ask(
        version=served.version,
        environment="production",
        minutes=5,
        reason="Loans.",
        by=factories.member("owner"),
    )
    glass.grant(glass=asked, by=factories.member("admin"))
    assert (
        settled(lambda: gate.check(served.path, served.secret), 200).headers["x-cardinal-reason"]
        == "break_glass"
    )

    stops.stop_model(model=served.version.model, reason=WHY, by=factories.member("admin"))

    assert code(settled(lambda: gate.check(served.path, served.secret), 403)) == "stopped"


def test_a_stop_in_the_middle_of_a_crowd_lets_nobody_in_afterwards(gate: Running, served: Served) -> None:
    late = Event()

    def ask(_: int) -> tuple[bool, int]:
        after = late.is_set()
        return after, gate.check(served.path, served.secret).status_code

    with ThreadPoolExecutor(16) as crowd:
        asked = [crowd.submit(ask, n) for n in range(200)]
        stops.stop_all(reason=WHY, by=factories.member("admin"))
        time.sleep(FRESH)
        late.set()
        asked += [crowd.submit(ask, n) for n in range(50)]
        found = [one.result() for one in asked]

    assert (False, 200) in found, "it worked before"
    assert {status for after, status in found if after} == {403}
    assert Decision.objects.filter(reason="stopped_all").count() == sum(status == 403 for _, status in found)


def test_every_gate_is_told_whatever_door_it_comes_by(served: Served) -> None:
    """Also past the verbs: the trigger tells, with what it reaches."""
    place = connection.get_connection_params()
    known = {name: place[name] for name in ("dbname", "user", "password", "host", "port") if place.get(name)}
    with psycopg.connect(**known, autocommit=True) as ear:
        ear.execute("LISTEN cardinal_gate")
        for reach in ("all", "model", "token"):
            stopping(reach, served)(factories.member("admin"))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE governance_stop SET lifted_at = now(), lifted_by_id = by_id, lifted_because = 'x' WHERE reach = 'all'"
            )
        heard = [one.payload for one in ear.notifies(timeout=2, stop_after=4)]

    model, token = served.version.model.pk, served.token.pk
    assert heard == ["all:", f"model:{model}", f"token:{token}", "all:"]
