"""Two gates on two nodes, one of which is cut off from the database: it refuses, the other goes on.

Each node is a network namespace; the database listens on the cable to each of them. A cable is pulled, or swallows what
the database says without anybody noticing; meanwhile a token is revoked and an alias moved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from governance.actions import tokens as verbs
from registry.actions import catalogue
from tests.governance.gate import ledger, servers
from tests.governance.gate.conftest import Running, start
from tests.governance.gate.crowd import Crowd
from tests.governance.gate.nodes import Cable, Node, Unable, network
from tests.governance.gate.servers import Postgres
from tests.governance.gate.stand import BOUND, Stand

UNDECIDED = "cannot_decide"
PATIENCE = 3.0 + 3.0  # as the gate says, and a busy machine
RECOVERY = 30.0


@dataclass
class Site:
    """Two nodes with a gate each, and the node of the database."""

    database: Postgres
    stand: Stand
    cables: list[Cable]
    nodes: list[Node]
    gates: list[Running]

    def crowd(self, number: int, ask: bytes) -> Crowd:
        """Who asks at one of the two nodes, from the node itself."""
        return Crowd(
            [self.gates[number].port], ask, connections=6, pause=0.03, enter=self.nodes[number].enter
        )


@pytest.fixture(scope="module")
def site(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for the file; its verbs work on its database, by a socket that no cable carries."""
    folder = tmp_path_factory.mktemp("nodes")
    (folder / "disk").mkdir()
    database = Postgres(folder / "disk", listen="*", network="10.77.0.0/16")
    gates: list[Running] = []
    try:
        with network("hub", "a", "b") as (hub, *nodes):
            cables = [Cable(number, hub, node) for number, node in enumerate(nodes)]
            try:
                database.make()
                hub.run(database.start)
                database.fill()
                with django_db_blocker.unblock(), servers.inside(database.address()):
                    stand = Stand().make()
                    gates += servers.started(
                        *(_starting(folder, cable, node) for cable, node in zip(cables, nodes, strict=True))
                    )
                    yield Site(database, stand, cables, nodes, gates)
            finally:
                for gate in gates:
                    gate.end()
                database.stop()
    except Unable as missing:
        pytest.skip(str(missing))


def _starting(folder: Any, cable: Cable, node: Node) -> Any:
    address = f"postgresql://cardinal@{cable.here}:5432/cardinal"
    return lambda: node.run(lambda: start(folder, servers.environment(address)))


@pytest.mark.parametrize("cut", ["unplugged", "swallowing"])
def test_a_node_that_is_cut_off_refuses_and_the_other_goes_on(site: Site, cut: str) -> None:
    stand = site.stand
    catalogue.move_aliases(model=stand.model, aliases={"champion": 1}, by=stand.boss)
    revoked, ask_revoked = stand.token()
    _, ask_kept = stand.token()

    with site.crowd(0, ask_revoked) as lonely, site.crowd(1, ask_kept) as other:
        lonely.until(lambda: _says(lonely, "1", 24), 20, "no load")
        other.until(lambda: _says(other, "1", 24), 20, "no load")

        with getattr(site.cables[0], cut)():
            gone = time.monotonic()
            verbs.revoke(token=revoked, by=stand.owner)
            catalogue.move_aliases(model=stand.model, aliases={"champion": 2}, by=stand.boss)
            changed = time.monotonic()
            other.until(lambda: _says(other, "2", 24), 10, "the other does not go on")
            lonely.until(lambda: _says(lonely, UNDECIDED, 12), 10, "it still decides")
            time.sleep(max(0.0, gone + 4.0 - time.monotonic()))
            back = time.monotonic()

        lonely.until(lambda: _says(lonely, "token_revoked", 24), RECOVERY, "it did not recover by itself")
        lonely.ask = ask_kept
        lonely.until(lambda: _says(lonely, "2", 24), 10, "it does not know what was changed")

    cut_off = [one for one in lonely.heard if gone + BOUND < one.asked and one.came < back]
    assert {one.sign for one in cut_off} == {UNDECIDED}
    later = {one.sign for one in lonely.since(max(gone, changed) + BOUND)}
    assert later == {UNDECIDED, "token_revoked", "2"}, "what was revoked is never allowed again"
    assert max(one.came - one.asked for one in lonely.heard) < PATIENCE
    assert {one.sign for one in other.heard} <= {"1", "2", UNDECIDED}
    assert {one.sign for one in other.since(changed + BOUND)} <= {"2", UNDECIDED}
    went_on = [one.sign != UNDECIDED for one in other.since(gone)]
    assert sum(went_on) > 0.9 * len(went_on)
    assert lonely.silent == other.silent == lonely.cut == other.cut == 0
    ledger.check(site.database.address(), [*lonely.heard, *other.heard])


def _says(crowd: Crowd, sign: str, times: int) -> bool:
    """Whether the last so many answers were this one."""
    last = crowd.heard[-times:]
    return len(last) == times and all(one.sign == sign for one in last)
