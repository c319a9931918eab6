"""What is left of a limit is told as the IETF draft says it, where a limit was counted and nowhere else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from governance.actions import policies as verbs
from governance.gate.limits import Limits
from governance.gate.ratelimit import Left, fields
from governance.policies import SCHEMA, Charge, compiled
from tests import factories
from tests.governance.gate.conftest import Running, Served, code

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAIN: dict[str, Any] = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}
RATE = {"rate": {"limit": 3, "per": "hour"}}
QUOTA = {"quota": {"limit": 5, "per": "day", "zone": "UTC"}}
MONTH = {"quota": {"limit": 5, "per": "month", "zone": "UTC"}}


def charge(**limits: Any) -> Charge:
    found = compiled({"schema": SCHEMA, "rules": [PLAIN | limits]}).rules[0].charge
    assert found
    return found


def left(*owed: Charge, times: int) -> tuple[Left, ...]:
    """What is said to be left after so many queries."""

    async def run() -> tuple[Left, ...]:
        limits, who = Limits(settings.REDIS_URL, patience=5.0), uuid4().hex
        try:
            for _ in range(times):
                taken = await limits.take(owed, model="m", environment="production", caller=who, at=NOW)
            return taken.left
        finally:
            await limits.close()

    return asyncio.run(run())


def test_a_rate_says_what_is_left_and_when_all_is_back() -> None:
    assert left(charge(**RATE), times=1) == (Left("policy-rate", 3, 3600, 2, 1200),)
    assert left(charge(**RATE), times=3) == (Left("policy-rate", 3, 3600, 0, 3600),)
    assert left(charge(**RATE), times=4) == (Left("policy-rate", 3, 3600, 0, 3600),)


def test_a_quota_says_what_is_left_until_it_begins_anew() -> None:
    until = 12 * 3600 + 1

    assert left(charge(**QUOTA), times=1) == (Left("policy-quota", 5, 86_400, 4, until),)
    assert left(charge(**QUOTA), times=6) == (Left("policy-quota", 5, 86_400, 0, until),)
    assert left(charge(**MONTH), times=1)[0].window == 0


def test_both_are_said_and_of_a_refusal_the_one_that_refuses() -> None:
    assert [one.name for one in left(charge(**RATE, **QUOTA), times=1)] == ["policy-rate", "policy-quota"]
    assert [one.name for one in left(charge(**RATE, **QUOTA), times=4)] == ["policy-rate"]


def test_of_several_rules_the_one_that_was_charged_speaks() -> None:
    first, second = charge(**RATE), charge(rate={"limit": 7, "per": "hour"})

    assert left(first, second, times=3)[0].limit == 3
    assert left(first, second, times=4) == (Left("policy-rate", 7, 3600, 6, 515),)


def test_the_fields_are_structured_fields() -> None:
    both = (Left("policy-rate", 3, 3600, 2, 1200), Left("policy-quota", 5, 0, 4, 9))

    assert fields(both) == [
        (b"ratelimit-policy", b'"policy-rate";q=3;w=3600, "policy-quota";q=5'),
        (b"ratelimit", b'"policy-rate";r=2;t=1200, "policy-quota";r=4;t=9'),
    ]
    assert fields(()) == []


@pytest.mark.django_db(transaction=True)
class TestAtTheGate:
    def test_the_caller_hears_what_is_left(self, gate: Running, served: Served) -> None:
        verbs.publish(
            model=served.version.model, environment="production", on_top_of=1, by=factories.member("owner"),
            content={"schema": SCHEMA, "rules": [PLAIN | RATE]},
        )  # fmt: skip

        answers = [gate.predict(served.path, served.secret) for _ in range(2)]
        checked = gate.check(served.path, served.secret)
        refused = gate.predict(served.path, served.secret)

        assert [one.headers["ratelimit"].split(";")[1] for one in [*answers, checked]] == [
            "r=2",
            "r=1",
            "r=0",
        ]
        assert {one.headers["ratelimit-policy"] for one in answers} == {'"policy-rate";q=3;w=3600'}
        assert (refused.status_code, code(refused)) == (429, "policy_rate")
        assert refused.headers["ratelimit"].startswith('"policy-rate";r=0;t=')
        assert int(refused.headers["retry-after"]) <= 1200

    def test_the_tokens_own_limit_is_told_before_the_policys(self, gate: Running, served: Served) -> None:
        verbs.publish(
            model=served.version.model, environment="production", on_top_of=1, by=factories.member("owner"),
            content={"schema": SCHEMA, "rules": [PLAIN | RATE]},
        )  # fmt: skip
        _, secret = factories.token(served.version.model, limits={"rate": {"limit": 9, "per": "hour"}})

        answered = gate.predict(served.path, secret.text)

        assert answered.headers["ratelimit-policy"] == '"token-rate";q=9;w=3600, "policy-rate";q=3;w=3600'

    def test_where_nothing_is_limited_nothing_is_said(self, gate: Running, served: Served) -> None:
        answered = gate.predict(served.path, served.secret)

        assert not {"ratelimit", "ratelimit-policy"} & set(answered.headers)

    def test_every_answer_that_may_be_asked_again_says_when(self, gate: Running, served: Served) -> None:
        served.version.endpoints.all().delete()

        answered = gate.predict(served.path, served.secret)

        assert (answered.status_code, answered.headers["retry-after"]) == (503, "60")
