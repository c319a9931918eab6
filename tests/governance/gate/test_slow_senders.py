"""Callers who say nothing, or say it drop by drop, take no place from others for long."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from governance.gate.configuration import callers
from tests.governance.gate.conftest import Running, Served

IDLE, DRIPPING = 1100, 200
HEAD = b"GET /check HTTP/1.1\r\nHost: gate\r\n"


@pytest.fixture
def files() -> Iterator[None]:
    """As many open connections as the test needs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < IDLE + DRIPPING + 500:
        pytest.skip("This system lets a process open too few connections.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], IDLE + DRIPPING + 500), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def is_closed(wire: socket.socket) -> bool:
    """Whether the gate has hung up."""
    wire.settimeout(0.001)
    try:
        return wire.recv(4096) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.django_db(transaction=True)
def test_idle_and_dripping_callers_starve_nobody_and_are_hung_up_on(
    gate: Running, served: Served, files: None
) -> None:
    with ExitStack() as open_ones:

        def connect() -> socket.socket:
            return open_ones.enter_context(socket.create_connection(("127.0.0.1", gate.port), timeout=5))

        idle = [connect() for _ in range(IDLE)]
        dripping = [connect() for _ in range(DRIPPING)]
        for wire in dripping:
            wire.sendall(HEAD)
        began = time.monotonic()
        waits: list[float] = []
        hung_up: set[socket.socket] = set()
        while time.monotonic() - began < 14:
            for wire in set(dripping) - hung_up:
                try:
                    wire.sendall(b"X-A: b\r\n")
                except OSError:
                    hung_up.add(wire)
            asked = time.monotonic()
            assert gate.check(served.path, served.secret).status_code == 200
            waits.append(time.monotonic() - asked)
            time.sleep(0.5)

        assert sorted(waits)[len(waits) // 2] < 1
        assert max(waits) < 5
        assert hung_up == set(dripping)
        assert all(is_closed(wire) for wire in idle)


def test_a_worker_holds_no_more_callers_than_it_may_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"now": (1024, 4096)}

    def take(_: int, new: tuple[int, int]) -> None:
        limits["now"] = new

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", take)

    assert callers(100) == 100
    assert limits["now"] == (1024, 4096)
    assert callers(1000) == 1000
    assert limits["now"] == (2128, 4096)
    assert callers(100_000) == (4096 - 128) // 2
    limits["now"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert callers(100_000) == 100_000
