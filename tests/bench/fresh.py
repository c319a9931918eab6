"""How soon a change is seen, and whether time tells an unknown model from a forbidden one.

The table is that of the tests, on two gates with three workers under load: milliseconds from the commit to the first
answer by what is new, and to the last one by what was before.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from tests import factories
from tests.bench.gate import GATE
from tests.bench.serving import Server, served
from tests.governance.gate import servers
from tests.governance.gate.changes import CHANGES
from tests.governance.gate.crowd import Crowd
from tests.governance.gate.stand import Seen, Stand
from tests.governance.gate.stand import measure as seen
from tests.governance.gate.upstream import answering
from tests.governance.gate.wire import Ask, Line

TYPICAL = 50.0  # milliseconds
PAIRS = 3_000
ALIKE = 0.03  # how far the chance that one takes longer than the other may be from a half


def measure() -> Iterator[str]:
    """The distribution over all changes, the slowest of them, and the two that must take the same."""
    with (
        servers.copy("bench") as address,
        servers.inside(address),
        answering("one") as one,
        answering("two") as two,
    ):
        stand = Stand((one, two)).make()
        with _gate(address, workers=2) as first, _gate(address, workers=1) as second:
            with Crowd([first.port, second.port], connections=6, pause=0.01) as crowd:
                taken = {name: seen(crowd, make(stand)) for name, make in CHANGES.items()}
            yield from _told(taken)
            yield from _alike(second.port, stand)


def _gate(address: str, workers: int) -> AbstractContextManager[Server]:
    return served(GATE, {"DATABASE_URL": address, "GATE_WORKERS": str(workers)})


def _told(taken: dict[str, list[Seen]]) -> Iterator[str]:
    first = [one.first for row in taken.values() for one in row]
    last = [one.last for row in taken.values() for one in row]
    for name, times in (("first by what is new", first), ("last by what was before", last)):
        yield f"{name:<24}{_spread(times)}{'' if statistics.median(times) <= TYPICAL else f'  OVER {TYPICAL:.0f} ms'}"
    slowest = sorted(taken, key=lambda name: -max(one.last for one in taken[name]))[:3]
    yield "slowest: " + ", ".join(f"{name} {max(one.last for one in taken[name]):.0f} ms" for name in slowest)


def _spread(times: Sequence[float]) -> str:
    ordered = sorted(times)
    most = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):5.1f} ms, p95 {most:5.1f} ms, most {ordered[-1]:5.1f} ms, {len(ordered)} changes"


def _alike(port: int, stand: Stand) -> Iterator[str]:
    """Alternately an unknown model and a forbidden one: the chance that the one takes longer, and the medians."""
    hidden = factories.model(shared=False)
    _, secret = factories.token(stand.model)
    asks = [Ask(secret.text, slug).bytes("check") for slug in ("no-such-model", hidden.slug)]
    times: tuple[list[float], list[float]] = ([], [])
    with Line(port) as line:
        for n in range(PAIRS):
            for which in ((0, 1), (1, 0))[n % 2]:
                began = time.perf_counter()
                line.ask(asks[which])
                times[which].append((time.perf_counter() - began) * 1e6)
    chance = sum(a > b for a, b in zip(*times, strict=True)) / PAIRS
    yield (
        f"unknown {statistics.median(times[0]):.0f} µs, forbidden {statistics.median(times[1]):.0f} µs; the unknown one "
        f"takes longer in {chance:.1%} of {PAIRS} pairs{'' if abs(chance - 0.5) <= ALIKE else '  NOT ALIKE'}"
    )
