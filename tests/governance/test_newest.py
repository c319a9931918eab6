"""The list of decisions is looked for where the sums say: it shows the same, and looks at less."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from governance.finding import newest, traffic
from governance.finding.decisions import Chosen, chosen
from governance.models import Decision, count_batches
from registry.models import Model, User
from registry.paging import page, reached
from tests import factories
from tests.governance.journal import written

AsUser = Callable[[User], Client]
BY, SIZE = "-decided_at", 3
CALLERS, REASONS = ("owner", "rare", "nobody-now"), ("allowed", "not_cleared", "token_rate")


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def journal(db: None, now: datetime) -> list[Model]:
    """Decisions of forty days on two models that are seen, one that is hidden and one that is none; half of them counted."""
    models = [factories.model(), factories.model(), factories.model(shared=False)]
    Model.objects.update(first_seen_at=now - timedelta(days=100))
    token = str(factories.token(models[0])[0].pk)
    draw = random.Random(5)  # noqa: S311 - the same journal every time
    for number in range(120):
        reason = draw.choices(REASONS, (8, 1, 1))[0]
        caller = draw.choices(CALLERS, (8, 1, 1))[0]
        row = {
            "model": draw.choice([*(one.slug for one in models), "no-model"]),
            "allowed": reason == "allowed",
            "reason": reason,
            "caller": caller,
            "token": token if caller == "owner" else "",
            "environment": draw.choice(("production", "staging", "")),
            "door": draw.choices(("check", "proxy"), (9, 1))[0],
            "network": draw.choice(("192.0.2.7", "192.0.2.8")),
        }
        written(row, at=now - timedelta(days=40 * draw.random() ** 2))
        if number == 60:
            while count_batches():
                pass
    return models


def plain(user: User, asked: Chosen, now: datetime) -> list[Any]:
    """What the list must show, looked for without any help."""
    rows = asked.of(Decision.objects.visible_to(user), now=now)
    return list(rows.order_by(BY, "-pk").values_list("pk", flat=True))


def walked(user: User, asked: Chosen, now: datetime) -> list[Any]:
    """The same, page by page and each as narrow as can be."""
    found: list[Any] = []
    link, rows = "?", newest.seen_by(user, asked, now=now)
    while link:
        request = RequestFactory().get(f"/{link}")
        narrow = (
            newest.page_of(rows, user, asked, request, by=BY, size=SIZE, now=now) if asked.is_summed else rows
        )
        shown = page(narrow, request, by=BY, size=SIZE)
        found += [one.pk for one in shown]
        link = shown.older
    return found


ASKED: list[dict[str, str]] = [
    {}, {"caller": "rare"}, {"caller": "owner"}, {"caller": "nobody"}, {"reason": "token_rate"}, {"answer": "refused"},
    {"door": "proxy"}, {"environment": "none"}, {"caller": "rare", "door": "proxy"}, {"reason": "allowed", "environment": "staging"},
    {"network": "192.0.2.8"}, {"network": "192.0.2.9"}, {"model": "first"}, {"model": "first", "answer": "refused"},
    {"model": "no-model"}, {"model": "hidden"},
]  # fmt: skip


@pytest.mark.parametrize("who", ["auditor", "owner"])
def test_every_list_shows_what_it_would_without_help_and_as_many(
    journal: list[Model], now: datetime, who: str
) -> None:
    user, names = factories.member(who), {"first": journal[0].slug, "hidden": journal[2].slug}
    spans = [{"period": period} for period in ("hour", "day", "week", "month", "all")] + [
        {"since": f"{now - timedelta(days=9, hours=5):%Y-%m-%dT%H:%M}", "until": f"{now - timedelta(days=2):%Y-%m-%dT%H:%M}"},
        {"until": f"{now - timedelta(days=3):%Y-%m-%dT%H:%M}"},
    ]  # fmt: skip
    shown = 0
    for span in spans:
        for given in ASKED:
            asked = chosen(span | {name: names.get(value, value) for name, value in given.items()})
            wanted = plain(user, asked, now)
            assert walked(user, asked, now) == wanted, (span, given)
            if asked.is_summed:
                place = newest.place_of(user, asked, traffic.course(user, asked, now), now=now, size=SIZE)
                assert newest.number(newest.seen_by(user, asked, now=now), place) == len(wanted), (
                    span,
                    given,
                )
            shown += len(wanted)
    assert shown > 500  # there was something to compare


def test_a_name_that_became_a_model_afterwards_is_not_lost(now: datetime, owner: User) -> None:
    made = factories.model()
    old, late = now - timedelta(days=20), now - timedelta(days=10)
    (before,) = written({"model": "to-come", "allowed": False}, at=old)
    count_batches()  # among what is no model
    Model.objects.filter(pk=made.pk).update(slug="to-come", first_seen_at=late)

    for given in ({}, {"model": "to-come"}, {"answer": "refused"}):
        assert walked(owner, chosen({"period": "month"} | given), now) == [before.pk], given


def test_where_nothing_fits_nothing_is_looked_for_and_else_no_further_than_needed(
    journal: list[Model], now: datetime, auditor: User
) -> None:
    def rows(**given: str) -> newest.Rows:
        asked = chosen({"period": "month"} | given)
        place = newest.place_of(auditor, asked, traffic.course(auditor, asked, now), now=now, size=SIZE)
        return newest.narrowed(newest.seen_by(auditor, asked, now=now), place)

    assert rows(caller="nobody").query.is_empty()
    assert rows(caller="owner").count() < len(
        plain(auditor, chosen({"period": "month", "caller": "owner"}), now)
    )
    few = rows(caller="rare", reason="token_rate")
    assert 0 < few.count() <= SIZE
    assert (
        str(few.query).count('"decided_at" >= ') == 2
    )  # that of the period, and the day of the first of them


def test_a_caller_is_known_by_its_tokens(journal: list[Model], owner: User) -> None:
    rows = Decision.objects.filter(caller="owner")

    assert str(factories.member("owner").tokens.get().pk) in str(newest.by_tokens(rows, "owner").query)
    assert set(newest.by_tokens(rows, "owner")) == set(rows)
    assert newest.by_tokens(rows, "rare") is rows  # no account


def test_too_many_of_one_token_are_listed_and_not_drawn(
    journal: list[Model], auditor: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "COUNTED", 2)
    browser, asked = as_user(auditor), {"network": "192.0.2.8", "period": "all"}

    answer = browser.get("/decisions/", asked)

    assert "are not drawn" in answer.content.decode()
    assert len(answer.context["page"]) > 2
    assert browser.get("/decisions/chart.svg", asked).status_code == 409
    assert "are not drawn" not in browser.get("/decisions/", {"period": "all"}).content.decode()


def test_a_page_far_down_begins_where_the_one_before_ended(journal: list[Model], auditor: User) -> None:
    first = page(Decision.objects.all(), RequestFactory().get("/"), by=BY, size=SIZE)
    request = RequestFactory().get(f"/{first.older}")

    mark = parse_datetime(reached(Decision.objects.all(), request, by=BY))
    with connection.execute_wrapper(lambda run, sql, *rest: asked.append(sql) or run(sql, *rest)):  # type: ignore[func-returns-value]
        asked: list[str] = []
        page(Decision.objects.all(), request, by=BY, size=SIZE)

    assert mark == first.rows[-1].decided_at
    assert '"decided_at" <= ' in asked[0]


@pytest.mark.django_db(transaction=True)
def test_the_indexes_are_made_without_holding_up_anybody_from_wherever_it_was_interrupted() -> None:
    step = import_module("governance.migrations.0087_decision_indexes")

    def valid() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid "
                "WHERE x.indrelid = 'governance_decision'::regclass AND x.indisvalid"
            )
            return {name for (name,) in cursor.fetchall()} & {*step.NEW, *step.OLD}

    assert valid() == set(step.NEW)
    with connection.schema_editor(atomic=False) as editor:
        step.backwards(None, editor)
        assert valid() == set(step.OLD)
        with connection.cursor() as cursor:  # half done: one is whole, one was begun
            cursor.execute(
                f"CREATE INDEX decision_by_time ON governance_decision {step.NEW['decision_by_time']}"
            )
            cursor.execute(
                f"CREATE INDEX decision_by_token ON ONLY governance_decision {step.NEW['decision_by_token']}"
            )
        step.forwards(None, editor)
    assert valid() == set(step.NEW)
