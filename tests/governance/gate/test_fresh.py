"""Whatever a decision depends on is seen within a second of its commit: by every worker, of every gate, under load.

Two gates on one database, one of them with two workers; each change by its verb and past every verb, and back where
there is a way back. How soon it is usually seen is measured by `script/bench fresh`, not here. The same three workers
count limits as one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.governance.gate import ledger, servers
from tests.governance.gate.changes import CHANGES
from tests.governance.gate.conftest import start
from tests.governance.gate.crowd import Crowd
from tests.governance.gate.stand import Case, Stand, measure
from tests.governance.gate.upstream import answering


@pytest.fixture(scope="module")
def address(django_db_blocker: Any) -> Iterator[str]:
    """A database of this file, on which its verbs work."""
    with servers.copy("fresh") as made, django_db_blocker.unblock(), servers.inside(made):
        yield made


@pytest.fixture(scope="module")
def stand(address: str) -> Iterator[Stand]:
    """What is changed."""
    with answering("one") as one, answering("two") as two:
        yield Stand((one, two)).make()


@pytest.fixture(scope="module")
def crowd(address: str, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Who asks both gates, and each of their workers."""
    folder, given = tmp_path_factory.mktemp("fresh"), servers.environment(address)
    gates = servers.started(
        lambda: start(folder, given | {"GATE_WORKERS": "2"}), lambda: start(folder, given)
    )
    _, ask = stand.token()
    try:
        with Crowd([gate.port for gate in gates], connections=4, pause=0.02) as made:
            for _ in range(100):
                if len(writers(made, ask, address)) == 3:
                    break
                made.redial()
            yield made
    finally:
        for gate in gates:
            gate.end()


def writers(crowd: Crowd, ask: bytes, address: str) -> set[str]:
    """Which workers answer the crowd, as the journal says."""
    crowd.forget()
    crowd.ask = ask
    crowd.until(lambda: len(crowd.heard) >= 40, 20, "no load")
    crowd.ask = None
    found = ledger.rows(
        address,
        "SELECT DISTINCT b.writer FROM governance_batch b JOIN governance_decision d ON d.batch_id = b.id"
        " WHERE d.id = ANY (%s)",
        [one.decision for one in crowd.heard if one.decision],
    )
    return {row["writer"] for row in found}


@pytest.mark.parametrize("make", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_seen_within_a_second(crowd: Crowd, stand: Stand, make: Callable[[Stand], Case]) -> None:
    measure(crowd, make(stand))


def test_every_worker_was_asked(crowd: Crowd, stand: Stand, address: str) -> None:
    """Else the table above would say nothing about them. And nothing that was answered here is lost."""
    _, ask = stand.token()

    assert len(writers(crowd, ask, address)) == 3
    ledger.check(address, crowd.heard)


@pytest.mark.parametrize(
    "limits",
    [{"rate": {"limit": 20, "per": "hour"}}, {"quota": {"limit": 20, "per": "month", "zone": "UTC"}}],
    ids=["rate", "quota"],
)
def test_a_limit_is_exact_however_many_workers_count(
    crowd: Crowd, stand: Stand, limits: dict[str, Any]
) -> None:
    """Twenty of more than a hundred, asked of three workers at once."""
    _, ask = stand.token(limits=limits)
    crowd.forget()
    crowd.ask = ask
    crowd.until(lambda: len(crowd.heard) >= 120, 20, "no load")
    crowd.ask = None
    time.sleep(10 * crowd.pause)

    heard = list(crowd.heard)
    assert sum(one.status == 200 for one in heard) == 20
    assert {one.sign for one in heard} == {"1", f"token_{next(iter(limits))}"}
    assert len({one.line for one in heard if one.status == 200}) == crowd.connections * 2


def test_whoever_has_used_up_a_limit_slows_nobody(crowd: Crowd, stand: Stand) -> None:
    """Others wait no longer beside a crowd that is refused than beside the same crowd let through."""
    _, free = stand.token()
    _, noisy = stand.token()
    _, used_up = stand.token(limits={"rate": {"limit": 1, "per": "hour"}})

    for _attempt in range(3):  # one of them without a hiccup of the machine
        beside = _waited(crowd, free, noisy)
        refused = _waited(crowd, free, used_up)
        if refused < 1.5 * beside + 0.01:
            return
    pytest.fail(f"{refused * 1000:.1f} ms beside the refused, {beside * 1000:.1f} ms beside the others")


def _waited(crowd: Crowd, quiet: bytes, noisy: bytes) -> float:
    """The median wait of four who ask quietly while others ask `noisy` without a pause."""
    with Crowd(crowd.ports, noisy, connections=4, pause=0.0) as loud:
        loud.until(lambda: len(loud.heard) >= 30, 20, "no load")
        crowd.forget()
        crowd.ask = quiet
        crowd.until(lambda: len(crowd.heard) >= 80, 20, "nobody is answered")
        crowd.ask = None
        time.sleep(5 * crowd.pause)
    assert {one.sign for one in crowd.heard} == {"1"}
    return statistics.median(one.came - one.asked for one in crowd.heard)
