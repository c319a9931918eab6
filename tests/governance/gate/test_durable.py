"""No decision that was answered is lost, and none is answered that was lost: whoever is killed, frozen or full.

Under load, on a PostgreSQL of this file with fsync on. Every answer that anybody heard is found in the journal
afterwards, with its reason, in a batch whose root holds; while nothing can be stored every answer is 503, and soon;
and nobody has to help the gate up again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.governance.gate import ledger, servers
from tests.governance.gate.conftest import Running, Served, serve, start
from tests.governance.gate.crowd import Crowd, Heard, question
from tests.governance.gate.servers import Postgres

# One second for the facts and two for the journal; the rest is for a machine that is busy with other things.
PATIENCE = 3.0 + 3.0
RECOVERY = 30.0


@dataclass
class Ground:
    """A database of its own, on a small disk where one may be mounted, and a gate with two workers in front."""

    database: Postgres
    is_small: bool
    served: Served
    folder: Path
    gate: Running

    def crowd(self) -> Crowd:
        """Thirty-two who ask what is allowed."""
        ask = question(self.served.path, self.served.secret)
        return Crowd([self.gate.port], ask, connections=32, pause=0.02)

    def workers(self) -> list[psutil.Process]:
        """The processes of the gate that answer; first those whom most of the crowd has come to."""
        children = psutil.Process(self.gate.process.pid).children()
        alive = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
        found = [one for one in alive if "resource_tracker" not in " ".join(one.cmdline())]
        return sorted(found, key=lambda one: -len(one.net_connections("tcp")))

    def gate_on(self, folder: Path) -> Running:
        """Another life of the gate."""
        return start(folder, servers.environment(self.database.address()) | {"GATE_WORKERS": "2"})


@pytest.fixture(scope="module")
def ground(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One for the whole file."""
    folder = tmp_path_factory.mktemp("durable")
    with servers.mounted(folder / "disk", 160) as small:
        database = Postgres(folder / "disk")
        database.make()
        try:
            database.start()
            database.fill()
            with django_db_blocker.unblock(), servers.inside(database.address()):
                served = serve()
            made = Ground(database, small, served, folder, None)  # type: ignore[arg-type]
            made.gate = made.gate_on(folder)
            yield made
            made.gate.end()
        finally:
            database.stop()


def allowed(crowd: Crowd, number: int = 1, since: float = 0.0) -> bool:
    """Whether so many were let through."""
    return sum(one.status == 200 for one in crowd.since(since)) >= number


def under_way(crowd: Crowd) -> None:
    """Waits until the load is a load."""
    crowd.until(lambda: allowed(crowd, 150), 30, "the gate does not answer")


def recovered(crowd: Crowd) -> None:
    """Waits until whoever asks now is let through again."""
    again = time.monotonic()
    crowd.until(lambda: allowed(crowd, 64, again), RECOVERY, "the gate did not recover by itself")


def refused_in_time(heard: list[Heard]) -> None:
    """Whatever was answered was yes or “cannot decide”, and nobody waited longer than the gate says."""
    assert {(one.status, one.reason) for one in heard} <= {(200, ""), (503, "cannot_decide")}
    assert all(not one.decision for one in heard if one.status == 503)
    assert max(one.came - one.asked for one in heard) < PATIENCE


def test_a_killed_worker_has_stored_what_it_answered_and_is_replaced(ground: Ground) -> None:
    with ground.crowd() as crowd:
        under_way(crowd)
        before = ground.workers()
        before[0].send_signal(signal.SIGKILL)
        crowd.until(lambda: crowd.cut > 0, 10, "nobody noticed")
        recovered(crowd)
        crowd.until(
            lambda: len({one.pid for one in ground.workers()} - {before[0].pid}) >= 2, 30, "no new worker"
        )

    assert crowd.silent == 0
    refused_in_time(crowd.heard)
    ledger.check(ground.database.address(), crowd.heard)


def test_a_killed_gate_has_stored_what_it_answered_and_begins_anew(ground: Ground) -> None:
    with ground.crowd() as crowd:
        under_way(crowd)
        ground.gate.kill()
        time.sleep(0.1)
    ground.gate.end()
    ground.gate = ground.gate_on(ground.folder)

    ledger.check(ground.database.address(), crowd.heard)
    with ground.crowd() as after:
        under_way(after)
    ledger.check(ground.database.address(), [*crowd.heard, *after.heard])


def test_a_frozen_database_means_no_soon_and_nothing_is_lost(ground: Ground) -> None:
    with ground.crowd() as crowd:
        under_way(crowd)
        with ground.database.frozen():
            frozen = time.monotonic()
            early = ground.gate.predict(ground.served.path)  # needs no facts, but a place in the journal
            ready = ground.gate.client.get("/readyz")
            alive = ground.gate.client.get("/healthz")
            time.sleep(max(0.0, frozen + 3.5 - time.monotonic()))
            thawed = time.monotonic()
        recovered(crowd)

    assert crowd.silent == crowd.cut == 0
    refused_in_time(crowd.heard)
    assert (early.status_code, ready.status_code, alive.status_code) == (503, 503, 200)
    during = [one for one in crowd.since(frozen + 0.05) if one.came < thawed]
    assert {one.status for one in during} == {503}
    ledger.check(ground.database.address(), crowd.heard)


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_backends_that_go_take_no_answer_with_them(ground: Ground, order: signal.Signals) -> None:
    """All are ended, as an administrator would; or one is killed, and PostgreSQL ends all others and recovers by itself."""
    with ground.crowd() as crowd:
        under_way(crowd)
        gone = ground.database.backends()
        for one in gone if order == signal.SIGTERM else gone[:1]:
            one.send_signal(order)
        crowd.until(lambda: not {one.pid for one in gone} & _pids(ground), 10, "they did not go")
        recovered(crowd)

    assert len(gone) >= 2  # the journal's, and at least one that looks up
    assert crowd.silent == crowd.cut == 0
    refused_in_time(crowd.heard)
    ledger.check(ground.database.address(), crowd.heard)


def _pids(ground: Ground) -> set[int]:
    return {one.pid for one in ground.database.backends()}


def test_a_killed_database_has_all_that_was_answered_when_it_is_back(ground: Ground) -> None:
    with ground.crowd() as crowd:
        under_way(crowd)
        ground.database.kill()
        gone = time.monotonic()
        crowd.until(lambda: len(crowd.since(gone)) >= 64, 20, "silence")
        down = crowd.since(gone)
        ground.database.start()
        recovered(crowd)

    assert crowd.silent == crowd.cut == 0
    assert {one.status for one in down} == {503}
    refused_in_time(crowd.heard)
    ledger.check(ground.database.address(), crowd.heard)


def test_a_full_disk_means_no_and_nothing_is_lost(ground: Ground) -> None:
    if not ground.is_small:
        pytest.skip("Only an account that may mount has a small disk to fill.")
    filler = ground.database.place / "filler"
    with ground.crowd() as crowd:
        under_way(crowd)
        full = time.monotonic()
        _fill(filler)
        crowd.until(
            lambda: [one.status for one in crowd.heard[-64:]] == [503] * 64, 60, "there still was room"
        )
        filler.unlink()
        if not ground.database.is_up():  # it ends itself when it cannot even keep its log
            ground.database.kill()
            ground.database.start()
        recovered(crowd)

    assert crowd.silent == crowd.cut == 0
    assert any(one.status == 503 for one in crowd.since(full))
    refused_in_time(crowd.heard)
    ledger.check(ground.database.address(), crowd.heard)


def _fill(file: Path) -> None:
    """Takes all that is left of the disk, for root too."""
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                os.write(out.fileno(), b"\0" * 65536)
        except OSError:
            pass
