"""What the gate does when something breaks: refuse, within a bound, and lose nothing that was answered.

A database that breaks under load is that of test_durable.py.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connection

from governance.models import Decision
from tests.governance.gate.conftest import Running, Served


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_killed_right_after_an_answer_has_stored_it(own_gate: Running, served: Served) -> None:
    answer = own_gate.check(served.path, served.secret)
    own_gate.kill()

    assert Decision.objects.get(pk=answer.headers["x-cardinal-decision"]).allowed


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_killed_under_load_has_stored_all_that_it_answered(
    own_gate: Running, served: Served
) -> None:
    answered: list[str] = []

    def ask_until_it_dies(_: int) -> None:
        for _n in range(500):
            try:
                answered.append(own_gate.check(served.path, served.secret).headers["x-cardinal-decision"])
            except httpx.TransportError:
                return

    with ThreadPoolExecutor(8) as crowd:
        asking = [crowd.submit(ask_until_it_dies, n) for n in range(8)]
        while len(answered) < 60 and not all(one.done() for one in asking):
            time.sleep(0.01)
        own_gate.kill()

    assert len(answered) >= 60
    assert Decision.objects.filter(pk__in=answered).count() == len(answered)


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_told_to_end_answers_what_is_under_way(own_gate: Running, served: Served) -> None:
    with ThreadPoolExecutor(20) as crowd:
        asking = [crowd.submit(own_gate.predict, served.path, served.secret) for _ in range(20)]
        time.sleep(0.1)
        own_gate.process.terminate()
        outcomes = [one for one in asking if one.exception() is None]

    assert own_gate.process.wait(15) == 0
    assert outcomes
    for one in outcomes:
        assert Decision.objects.filter(pk=one.result().headers["x-cardinal-decision"]).exists()


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_stored_is_not_answered(gate: Running, served: Served) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE governance_decision ADD CONSTRAINT full_disk CHECK (reason = '') NOT VALID"
        )
    try:
        refused = gate.check(served.path, served.secret)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE governance_decision DROP CONSTRAINT full_disk")

    assert (refused.status_code, refused.json()["code"]) == (503, "cannot_decide")
    assert refused.json()["decision"] is None
    assert refused.headers["retry-after"] == "1"
    assert not Decision.objects.exists()
    assert gate.check(served.path, served.secret).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_journal_that_waits_for_a_lock_refuses_within_its_patience(gate: Running, served: Served) -> None:
    from django.db import transaction

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE governance_decision IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        refused = [gate.check(served.path, served.secret), gate.predict(served.path)]
        took = time.monotonic() - began

    assert [one.status_code for one in refused] == [503, 503]
    assert took < 6
    assert gate.check(served.path, served.secret).status_code == 200
