"""Decisions by hour: each is counted once, at any moment, and nobody counts millions for a page."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from governance import tasks
from governance.finding import traffic
from governance.finding.decisions import Chosen, chosen
from governance.models import DecisionHour, Traffic, Uncounted, count_batches
from registry.models import Model, User
from tests import factories
from tests.governance.journal import written

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def total(**narrow: Any) -> int:
    return Traffic.objects.filter(**narrow).aggregate(n=Sum("count"))["n"] or 0


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


def test_a_decision_counts_from_its_commit_on_and_once(model: Model) -> None:
    written({"model": model.slug}, {"model": model.slug, "allowed": False})
    assert total() == 2
    assert not DecisionHour.objects.exists()

    assert count_batches() == 1

    assert total() == 2
    assert DecisionHour.objects.aggregate(n=Sum("count"))["n"] == 2
    assert not Uncounted.objects.exists()
    assert count_batches() == 0
    assert total() == 2


def test_what_is_alike_within_an_hour_is_one_row(model: Model) -> None:
    for minute in (0, 10, 59):
        written({"model": model.slug}, at=NOW.replace(minute=minute))
        count_batches()
    written({"model": model.slug}, at=NOW + timedelta(hours=1))
    tasks.count_decisions()

    assert sorted(DecisionHour.objects.values_list("hour__hour", "count")) == [(12, 3), (13, 1)]


def test_made_up_models_make_no_rows(model: Model) -> None:
    written(*({"model": f"no-such-{n}", "allowed": False} for n in range(5)), at=NOW)
    assert total(model="") == 5

    count_batches()

    assert list(DecisionHour.objects.values_list("model", "count")) == [("", 5)]


def test_the_database_refuses_an_hour_of_nothing(model: Model) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DecisionHour.objects.create(
            hour=NOW, model=model.slug, door="check", reason="allowed", allowed=True, count=0
        )


def test_others_models_are_not_counted_for_me(model: Model, owner: User, auditor: User) -> None:
    hidden = factories.model(shared=False)
    written({"model": model.slug}, {"model": hidden.slug}, {"model": ""})
    count_batches()
    written({"model": hidden.slug})

    assert traffic.course(owner, Chosen(), timezone.now()).total == 1
    assert traffic.course(auditor, Chosen(), timezone.now()).total == 4


@pytest.mark.parametrize("period", ["day", "week", "month", "all"])
def test_each_period_tells_the_same_counted_or_not(model: Model, owner: User, period: str) -> None:
    hidden, now = factories.model(shared=False), timezone.now()
    for back in (0, 0.1, 3, 20, 23):
        written({"model": model.slug}, {"model": hidden.slug}, {"model": model.slug, "allowed": False},
                at=now - timedelta(hours=back))  # fmt: skip
    before = traffic.course(owner, Chosen(period=period), now)

    count_batches(most=2)
    half = traffic.course(owner, Chosen(period=period), now)
    tasks.count_decisions()

    assert (before.allowed, before.refused) == (5, 5)
    assert traffic.course(owner, Chosen(period=period), now) == half == before
    by_caller = traffic.course(owner, Chosen(period=period, caller="owner"), now)
    assert by_caller.bars == before.bars


@pytest.mark.parametrize("counted", [True, False])
def test_filters_of_the_list_hold_for_the_course(auditor: User, model: Model, counted: bool) -> None:
    written(
        {"model": model.slug}, {"model": model.slug, "allowed": False}, {"environment": "staging"}, {"caller": "x"},
        {"door": "proxy"}, {"network": "192.0.2.9"}, {"token": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11"},
    )  # fmt: skip
    if counted:
        count_batches()

    for query, number in {
        "model": 2, "answer": 1, "reason": 1, "environment": 1, "caller": 1, "door": 1, "network": 1, "token": 1,
    }.items():  # fmt: skip
        given = {"model": model.slug, "answer": "refused", "reason": "not_cleared", "environment": "staging",
                 "caller": "x", "door": "proxy", "network": "192.0.2.9",
                 "token": "5F0C7D5E-0B7E-4A0B-9D52-3B8F0F6A9C11"}[query]  # fmt: skip
        found = traffic.course(auditor, chosen({query: given}), timezone.now())
        assert found.total == number, query


@pytest.mark.parametrize(("days", "step"), [(1, "hour"), (5, "6 hours"), (25, "day"), (400, "day")])
def test_a_time_of_ones_own_has_bars_that_suit_it(model: Model, auditor: User, days: int, step: str) -> None:
    for back in (1, 60):
        written({"model": model.slug}, at=NOW - timedelta(days=back, hours=-1))
    written({"model": model.slug}, at=NOW + timedelta(days=2))

    found = traffic.course(auditor, Chosen(since=NOW - timedelta(days=days), until=NOW), timezone.now())

    assert found.step == step
    assert found.total == (2 if days == 400 else 1)
    assert len(found.bars) <= 90


def test_bars_are_whole_days_of_utc() -> None:
    bars = traffic._starts(NOW, 24, 30)

    assert bars[-1] == datetime(2026, 11, 23, tzinfo=UTC)
    assert bars[0] == datetime(2026, 10, 25, tzinfo=UTC)
    assert len(traffic._starts(NOW, 1, 24)) == 24


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_count_each_batch_once() -> None:
    slug = factories.model().slug
    for _ in range(60):
        written({"model": slug}, {"model": slug, "caller": "x"}, at=NOW)
    problems: list[Exception] = []

    def work() -> None:
        try:
            while count_batches(most=3):
                pass
        except Exception as error:  # noqa: BLE001 - told by the test below
            problems.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    while any(one.is_alive() for one in workers):
        assert total() == 120  # at every moment in between
    for one in workers:
        one.join()

    assert problems == []
    assert DecisionHour.objects.aggregate(n=Sum("count"))["n"] == 120


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_before_its_commit_has_counted_nothing() -> None:
    written({"model": factories.model().slug}, at=NOW)

    with pytest.raises(RuntimeError), transaction.atomic():
        count_batches()
        raise RuntimeError

    assert Uncounted.objects.count() == 1
    assert total() == 1
