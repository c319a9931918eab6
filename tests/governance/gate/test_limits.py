"""Rates and quotas are exact, whoever counts: on a real Redis, by several at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from governance.actions import policies as verbs
from governance.gate.limits import Limits
from governance.policies import SCHEMA, Charge, Shortage, compiled
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, stored

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAIN: dict[str, Any] = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}


def charge(**limits: Any) -> Charge:
    found = compiled({"schema": SCHEMA, "rules": [PLAIN | limits]}).rules[0].charge
    assert found
    return found


def rate(limit: int, per: str = "hour") -> dict[str, Any]:
    return {"rate": {"limit": limit, "per": per}}


def quota(limit: int) -> dict[str, Any]:
    return {"quota": {"limit": limit, "per": "day", "zone": "UTC"}}


def take(
    *owed: Charge, number: int = 1, at: datetime = NOW, caller: str = ""
) -> list[Mapping[str, Shortage | None]]:
    """So many queries at once, over two connections to the counters, as two nodes would have them."""

    async def run() -> list[Mapping[str, Shortage | None]]:
        nodes = [Limits(settings.REDIS_URL, patience=5.0) for _ in range(2)]
        who = caller or uuid4().hex
        try:
            asked = [
                nodes[n % 2].take(owed, model="m", environment="production", caller=who, at=at)
                for n in range(number)
            ]
            return list(await asyncio.gather(*asked))
        finally:
            for node in nodes:
                await node.close()

    return asyncio.run(run())


def let(answers: list[Mapping[str, Shortage | None]]) -> int:
    return sum(any(value is None for value in answer.values()) for answer in answers)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_at_once_exactly_the_rate_gets_through(limit: int) -> None:
    answers = take(charge(**rate(limit)), number=limit + 20)

    assert let(answers) == limit
    assert {value.code for answer in answers for value in answer.values() if value} == {"policy_rate"}


def test_after_a_while_there_is_room_again() -> None:
    caller = uuid4().hex
    owed = charge(**rate(4, "second"))
    assert let(take(owed, number=6, caller=caller)) == 4

    time.sleep(0.3)

    assert let(take(owed, number=6, caller=caller)) == 1


@pytest.mark.parametrize("limit", [1, 5, 40])
def test_exactly_the_quota_gets_through_and_the_next_day_again(limit: int) -> None:
    caller = uuid4().hex
    owed = charge(**quota(limit))

    assert let(take(owed, number=limit + 10, caller=caller)) == limit
    assert let(take(owed, number=limit + 10, caller=caller, at=NOW + timedelta(days=1))) == limit


def test_a_quota_says_when_it_begins_anew() -> None:
    caller = uuid4().hex
    owed = charge(**quota(1))
    take(owed, caller=caller)

    (answer,) = take(owed, caller=caller)

    assert answer == {owed.key: Shortage("policy_quota", 12 * 3600 + 1)}


def test_what_the_quota_refuses_does_not_count_for_the_rate() -> None:
    caller = uuid4().hex
    owed = charge(**rate(5), **quota(2))
    take(owed, number=10, caller=caller)

    assert let(take(owed, number=10, caller=caller, at=NOW + timedelta(days=1))) == 2
    assert let(take(owed, number=10, caller=caller, at=NOW + timedelta(days=2))) == 1


def test_the_second_rule_is_charged_when_the_first_is_used_up() -> None:
    assert let(take(charge(**rate(2)), charge(**rate(3)), number=20)) == 5


def test_callers_do_not_share_a_count() -> None:
    owed = charge(**rate(2))

    assert let(take(owed, number=5)) + let(take(owed, number=5)) == 4


def test_when_redis_is_away_nothing_is_counted_as_free() -> None:
    async def run() -> Mapping[str, Shortage | None]:
        limits = Limits("unix:///nowhere/redis.sock", patience=0.2)
        try:
            return await limits.take([owed], model="m", environment="production", caller="x", at=NOW)
        finally:
            await limits.close()

    owed = charge(**rate(2))

    assert asyncio.run(run()) == {owed.key: Shortage("limits_unavailable")}


@pytest.mark.django_db(transaction=True)
class TestAtTheGate:
    def publish(self, served: Served, **conditions: Any) -> None:
        verbs.publish(
            model=served.version.model, environment="production", on_top_of=1, by=factories.member("owner"),
            content={"schema": SCHEMA, "rules": [PLAIN | conditions]},
        )  # fmt: skip

    def test_the_query_after_the_last_one_waits(self, gate: Running, served: Served) -> None:
        self.publish(served, **rate(2))

        answers = [gate.predict(served.path, served.secret) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert code(answers[2]) == "policy_rate"
        assert 1790 < int(answers[2].headers["retry-after"]) <= 1801
        assert stored(answers[2]).reason == "policy_rate"

    def test_a_refusal_for_another_reason_is_not_counted(self, gate: Running, served: Served) -> None:
        self.publish(served, **rate(1), networks=["127.0.0.0/8"], max_payload_bytes=10)

        assert (
            code(gate.predict(served.path, served.secret, body=b"{" + b" " * 20 + b"}")) == "policy_payload"
        )
        assert gate.predict(served.path, served.secret).status_code == 200

    def test_network_purpose_and_size_stand_in_the_journal(self, gate: Running, served: Served) -> None:
        decision = stored(gate.predict(served.path, served.secret, **{"Cardinal-Purpose": "triage"}))

        assert (decision.network, decision.purpose, decision.payload_bytes, decision.form) == (
            "127.0.0.1",
            "triage",
            2,
            2,
        )

    def test_behind_a_proxy_that_is_not_trusted_no_network_is_known(
        self, gate: Running, served: Served
    ) -> None:
        self.publish(served, networks=["0.0.0.0/0"])

        answer = gate.check(served.path, served.secret, **{"X-Forwarded-For": "192.0.2.7"})

        assert code(answer) == "policy_network"
        assert stored(answer).network == ""

    def test_a_row_of_the_first_form_holds_nothing_that_its_digest_does_not_cover(
        self, served: Served
    ) -> None:
        from django.db import IntegrityError

        with pytest.raises(IntegrityError, match="decision_digest_covers_all"), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO governance_decision (id, batch_id, decided_at, allowed, reason, environment, model, action,"
                " caller, token, method, door, request_id, network, purpose, form, digest)"
                " VALUES (gen_random_uuid(), gen_random_uuid(), now(), true, 'allowed', '', '', '', '', '', '', 'check',"
                " '', '192.0.2.7', '', 1, repeat('0', 64))"
            )
