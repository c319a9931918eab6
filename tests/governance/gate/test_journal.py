"""The journal by itself: who hears of what, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from governance.gate.configuration import database
from governance.gate.decide import Answer
from governance.gate.ids import ids
from governance.gate.journal import Journal, Unwritten
from governance.gate.metrics import Metrics
from governance.gate.request import CHECK, Query
from governance.models import Batch, Decision

pytestmark = pytest.mark.django_db(transaction=True)


def answer() -> Answer:
    """One decision."""
    at = time.time_ns() // 1000
    query = Query(CHECK, "request-of-a-test", model="a-model", method="POST")
    return Answer(allowed=True, reason="allowed", at=at, query=query, version=1, id=ids.new(at))


def journal(**changed: Any) -> Journal:
    """One that writes to the database of these tests."""
    return Journal(database(settings.DATABASES["default"]) | changed, patience=2.0, metrics=Metrics())


def run(deed: Callable[[Journal], Any], **changed: Any) -> None:
    """Does it with a journal that is open, and closes it."""

    async def whole() -> None:
        ours = journal(**changed)
        ours.open()
        try:
            await deed(ours)
        finally:
            await ours.close()

    asyncio.run(whole())


def test_the_database_does_not_wait_for_a_busy_loop() -> None:
    told: list[str] = []

    async def busy(ours: Journal) -> None:
        await ours.record(answer())  # it has its connection
        ours.append(answer(), lambda one, _: told.append(one.id))
        await asyncio.sleep(0)  # the first batch is on its way
        for _ in range(300):  # the loop comes round to nothing else
            ours.append(answer(), lambda one, _: told.append(one.id))
            time.sleep(0.002)  # noqa: ASYNC251 - that is the point
        assert len(told) > 100

    run(busy)
    assert Decision.objects.count() == len(told) + 1 == 302
    assert sum(Batch.objects.values_list("count", flat=True)) == 302


def test_each_decision_is_told_once_and_is_stored_then() -> None:
    told: list[tuple[str, bool]] = []

    async def many(ours: Journal) -> None:
        asked = [answer() for _ in range(5000)]  # more than one batch holds
        for one in asked:
            ours.append(one, lambda of, failure: told.append((of.id, failure is None)))
        await ours.record(answer())
        await ours.close()
        assert sorted(one for one, _ in told) == sorted(one.id for one in asked)

    run(many)
    assert {str(one) for one in Decision.objects.values_list("pk", flat=True)} > {one for one, _ in told}
    assert all(stored for _, stored in told)
    assert Batch.objects.count() > 1


def test_what_the_database_refuses_is_told_and_the_next_is_stored() -> None:
    async def twice(ours: Journal) -> None:
        wrong = answer()
        wrong.reason = "x" * 100  # longer than its column
        with pytest.raises(Unwritten, match="DatabaseError"):
            await ours.record(wrong)
        await ours.record(answer())

    run(twice)
    assert Decision.objects.count() == 1


def test_without_a_database_nothing_is_told_as_stored() -> None:
    async def once(ours: Journal) -> None:
        began = time.monotonic()
        with pytest.raises(Unwritten):
            await ours.record(answer())
        assert time.monotonic() - began < 4

    run(once, host="/nowhere/at/all")
    assert not Decision.objects.exists()


def test_a_closed_journal_takes_nothing_and_has_written_what_it_took() -> None:
    told: list[str] = []

    async def last(ours: Journal) -> None:
        for _ in range(50):
            ours.append(answer(), lambda one, _: told.append(one.id))
        await ours.close()
        with pytest.raises(Unwritten):
            ours.append(answer(), lambda one, _: told.append(one.id))

    run(last)
    assert Decision.objects.count() == len(told) == 50


def test_one_that_cannot_be_told_keeps_no_other_from_hearing() -> None:
    told: list[str] = []

    def gone(one: Answer, _: Exception | None) -> None:
        raise RuntimeError("the caller has gone in a way that nobody thought of")

    async def three(ours: Journal) -> None:
        ours.append(answer(), gone)
        ours.append(answer(), lambda one, _: told.append(one.id))
        await ours.record(answer())

    run(three)
    assert len(told) == 1
    assert Decision.objects.count() == 3
