"""Whoever tries token after token is held back before the database is asked; whoever has one is not."""

from __future__ import annotations

import asyncio
import secrets
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from governance import tokens
from governance.gate.configuration import database
from governance.gate.database import since_1970
from governance.gate.decide import Answer, refuse
from governance.gate.known import Known
from governance.gate.request import Query
from governance.gate.stuffing import MOST_NETWORKS, Stuffing
from governance.models import Decision
from governance.policies import aggregated
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, on_test_database, start, stored

LIMIT = 5
NOWHERE = "redis://127.0.0.1:9/0"


def unknown() -> str:
    """Well formed, and issued by nobody."""
    return tokens.new("p", "another pepper").text


def somewhere() -> str:
    """A network that no other test has used."""
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


@pytest.fixture
def two_gates(transactional_db: None, tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    given = on_test_database() | {"GATE_UNKNOWN_TOKENS": str(LIMIT), "TRUSTED_PROXIES": "127.0.0.1"}
    running = (start(tmp_path, given), start(tmp_path, given))
    yield running
    for one in running:
        one.end()


@pytest.mark.django_db(transaction=True)
class TestGate:
    def ask(self, gate: Running, served: Served, secret: str, address: str) -> str:
        answer = gate.check(served.path, secret, **{"X-Forwarded-For": address})
        return "allowed" if answer.status_code == 200 else code(answer)

    def flood(self, gates: tuple[Running, Running], served: Served, here: str, number: int = 30) -> list[str]:
        return [self.ask(gates[n % 2], served, unknown(), f"{here}.{n + 1}") for n in range(number)]

    def test_a_network_is_held_back_over_all_gates_and_no_other(
        self, two_gates: tuple[Running, Running], served: Served
    ) -> None:
        here = somewhere()

        found = self.flood(two_gates, served, here)

        reached = found.count("token_unknown")
        assert LIMIT < reached <= LIMIT + 2 + 4, (
            "the limit, one for each gate, and those until the tokens are loaded"
        )
        assert set(found[reached:]) == {"too_many_unknown_tokens"}
        assert self.ask(two_gates[0], served, unknown(), f"{somewhere()}.1") == "token_unknown"
        assert Decision.objects.filter(reason="too_many_unknown_tokens").count() == len(found) - reached

    def test_whoever_has_a_token_goes_on_and_so_does_one_that_is_issued_meanwhile(
        self, two_gates: tuple[Running, Running], served: Served
    ) -> None:
        here = somewhere()
        assert self.flood(two_gates, served, here)[-1] == "too_many_unknown_tokens"

        assert self.ask(two_gates[0], served, served.secret, f"{here}.1") == "allowed"
        _, later = factories.token(served.version.model)
        deadline = time.monotonic() + 2
        while (found := self.ask(two_gates[0], served, later.text, f"{here}.1")) != "allowed":
            assert time.monotonic() < deadline, found
        assert self.ask(two_gates[0], served, unknown(), f"{here}.1") == "too_many_unknown_tokens"

    def test_what_is_mistyped_counts_as_well_and_all_else_hears_what_is_wrong_with_it(
        self, two_gates: tuple[Running, Running], served: Served
    ) -> None:
        here, gate = somewhere(), two_gates[0]
        found = [self.ask(gate, served, "nonsense", f"{here}.1") for _ in range(LIMIT + 5)]
        assert (found[0], found[-1]) == ("token_malformed", "too_many_unknown_tokens")

        assert self.ask(gate, served, "", f"{here}.1") == "token_missing"
        answer = gate.predict(served.path, "nonsense", **{"X-Forwarded-For": f"{here}.1"})
        assert (answer.status_code, code(answer)) == (429, "too_many_unknown_tokens")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert stored(answer).network == f"{here}.1"

    def test_it_is_refused_without_a_look_at_the_tokens(
        self, two_gates: tuple[Running, Running], served: Served
    ) -> None:
        here = somewhere()
        assert self.flood(two_gates, served, here)[-1] == "too_many_unknown_tokens"

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE governance_token IN ACCESS EXCLUSIVE MODE")
            assert self.ask(two_gates[0], served, unknown(), f"{here}.1") == "too_many_unknown_tokens"
            assert self.ask(two_gates[0], served, served.secret, f"{here}.1") == "cannot_decide"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("192.0.2.200", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("", ""),
    ],
)
def test_addresses_are_counted_by_network(address: str, network: str) -> None:
    assert aggregated(address) == network


def query(address: str = "192.0.2.7", **facts: str) -> Query:
    return replace(Query(door="check", request_id="r" * 8, network=address, token=unknown()), **facts)


def answer(asked: Query, reason: str = "token_unknown") -> Answer:
    return refuse(replace(asked, refusal=reason), since_1970(datetime.now(UTC)))


class NoneKnown(Known):
    """No token was ever issued, and that is known."""

    def __init__(self, *known: str) -> None:
        super().__init__({}, peppers=("pepper",))
        self._all = array("Q", sorted(int(tokens.digest(one, "pepper")[:16], 16) for one in known))

    def want(self, seconds: float) -> None:
        """They are there."""


def test_without_redis_each_worker_counts_its_share() -> None:
    async def run() -> list[int]:
        one = Stuffing(NOWHERE, NoneKnown(), limit=8, share=4, patience=0.2)
        asked = query()
        waits = []
        for _ in range(6):
            waits.append(one.wait(asked))
            if not waits[-1]:
                await one.saw(answer(asked))
        assert one.wait(query("198.51.100.1")) == 0
        await one.close()
        return waits

    waits = asyncio.run(run())

    assert [bool(one) for one in waits] == [False] * 5 + [True]
    assert 1 <= waits[-1] <= 60


def test_only_a_token_that_nobody_has_issued_is_held_back() -> None:
    async def run() -> None:
        mine = tokens.new("p", "pepper").text
        one = Stuffing(NOWHERE, NoneKnown(mine), limit=1, share=1, patience=0.2)
        for _ in range(2):
            await one.saw(answer(query()))

        assert one.wait(query())
        assert one.wait(query(token="", refusal="token_malformed"))
        assert not one.wait(query(token=mine))
        assert not one.wait(query(token="", refusal="token_missing"))
        assert not one.wait(query(token="", refusal="path_refused"))
        await one.close()

    asyncio.run(run())


def test_memory_is_bounded_however_many_networks_there_are() -> None:
    async def run() -> None:
        one = Stuffing(NOWHERE, NoneKnown(), limit=1, share=0, patience=0.2)
        for n in range(MOST_NETWORKS + 50):
            await one.saw(answer(query(f"10.{n >> 8}.{n & 255}.1")))
        assert len(one._own) == len(one._held) == MOST_NETWORKS
        await one.close()

    asyncio.run(run())


def issued(served: Served) -> str:
    """A token that was issued just now, in a thread of its own."""
    try:
        return factories.token(served.version.model)[1].text
    finally:
        connection.close()


async def until(holds: Callable[[], bool]) -> None:
    """Waits for it, five seconds at most."""
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_the_tokens_of_the_database_are_known_also_new_ones(served: Served) -> None:
    async def run() -> list[bool]:
        one = Known(database(connection.settings_dict), peppers=settings.TOKEN_PEPPERS)
        assert one.may_be(unknown()), "nothing is known yet, so any may be one"
        one.want(5)
        await until(lambda: not one.may_be(unknown()))
        found = [one.may_be(served.secret), one.may_be(unknown())]
        later = await asyncio.to_thread(issued, served)
        await until(lambda: one.may_be(later))
        found.append(one.may_be(later))
        await one.close()
        return [*found, one.may_be(unknown())]

    assert asyncio.run(run()) == [True, False, True, True]


def test_a_million_tokens_take_eight_megabytes_and_microseconds() -> None:
    one = NoneKnown()
    one._all = array("Q", range(0, 2**63, 2**63 // 1_000_000))
    assert one._all.itemsize * len(one._all) < 8_100_000

    asked = [unknown() for _ in range(200)]
    began = time.perf_counter()
    for text in asked:
        one.may_be(text)

    assert (time.perf_counter() - began) / len(asked) < 0.0002  # a hundred times slower than it is
