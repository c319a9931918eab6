"""A model server that fails is left alone; one that is slow holds up nobody else."""

from __future__ import annotations

import asyncio

import pytest

from governance.gate.servers import FAILURES, FIRST_REST, LONGEST_REST, Breaker, Busy, Open, Servers


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def call(breaker: Breaker, *, failed: bool | None) -> None:
    breaker.leave(tried=breaker.enter(), failed=failed)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broken(clock: Clock) -> Breaker:
    """One that has just opened."""
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        call(breaker, failed=True)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(FAILURES - 1):
        call(breaker, failed=True)
    call(breaker, failed=False)
    for _ in range(FAILURES - 1):
        call(breaker, failed=True)
    call(breaker, failed=None)  # a caller who hung up says nothing about the server

    call(breaker, failed=True)

    with pytest.raises(Open) as told:
        breaker.enter()
    assert told.value.seconds == FIRST_REST


def test_then_one_tries_and_the_others_wait(broken: Breaker, clock: Clock) -> None:
    clock.now += FIRST_REST
    assert broken.enter()

    with pytest.raises(Open):
        broken.enter()
    broken.leave(tried=True, failed=False)

    assert not broken.enter()


def test_who_tries_and_fails_doubles_the_rest_up_to_a_bound(broken: Breaker, clock: Clock) -> None:
    rest = FIRST_REST
    for _ in range(10):
        clock.now += rest
        call(broken, failed=True)
        rest = min(LONGEST_REST, 2 * rest)
        with pytest.raises(Open) as told:
            broken.enter()
        assert told.value.seconds == rest

    assert rest == LONGEST_REST


def test_who_tries_and_says_nothing_lets_the_next_one_try(broken: Breaker, clock: Clock) -> None:
    clock.now += FIRST_REST
    call(broken, failed=None)

    assert broken.enter()


def test_calls_that_were_under_way_when_it_opened_do_not_make_it_longer(
    broken: Breaker, clock: Clock
) -> None:
    clock.now += FIRST_REST - 1
    broken.leave(tried=False, failed=True)

    with pytest.raises(Open) as told:
        broken.enter()
    assert told.value.seconds == 1


ORIGINS = [("http", "127.0.0.1", port) for port in range(1, 5)]


def test_one_that_is_full_holds_up_nobody_else() -> None:
    servers = Servers(calls=2)
    slow, other = servers.at(ORIGINS[0]), servers.at(ORIGINS[1])

    with slow.call(), slow.call():
        with pytest.raises(Busy), slow.call():
            pass
        with other.call():
            pass

    with slow.call():
        pass


def test_only_so_many_are_known_and_who_is_being_asked_is_not_forgotten() -> None:
    async def run() -> None:
        servers = Servers(calls=2, most=2)
        first = servers.at(ORIGINS[0])
        with first.call():
            servers.at(ORIGINS[1])
            servers.at(ORIGINS[2])
            assert servers.at(ORIGINS[0]) is first
            assert len(servers._known) == 2
            with servers.at(ORIGINS[2]).call(), pytest.raises(Busy):
                servers.at(ORIGINS[3])
        await servers.close()

    asyncio.run(run())
