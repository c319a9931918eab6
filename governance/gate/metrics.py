"""What Prometheus reads: counts of all workers of this gate, whichever of them is asked.

Each worker counts in plain memory (a count costs a tenth of a microsecond) and writes its counts into a file of its own
every second, and before it answers a scrape. Who is scraped adds the files of the others, also of workers that have
ended: a counter never falls. What is `level` (a size, an age) counts only while its worker lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)
FOLDER = "GATE_METRICS_FOLDER"  # told to the workers by whoever starts them
EVERY = 1.0  # seconds between two writings
ALIVE = 5.0  # seconds after which a file that is not written any more is that of a worker which has ended
Labels = tuple[str, ...]


class Histogram:
    """Counts of what fell at or below each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """One more observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


@dataclass(frozen=True)
class Kind:
    """One metric: what it is called, what it tells, by which labels."""

    name: str
    help: str
    labels: Labels = ()
    type: str = "counter"


class Metrics:
    """All that one worker counts. `counter`, `histogram` and `level` make one more metric; whoever has it, counts.

    hits = metrics.counter("cardinal_gate_grants_total", "Looks for a grant, by outcome.", "outcome")
    hits["hit",] += 1
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = Path(folder) if folder else None
        self._file = f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._kinds: dict[str, Kind] = {}
        self._counters: dict[str, Counter[Labels]] = {}
        self._histograms: dict[str, Histogram] = {}
        self._levels: dict[str, tuple[Callable[[], float], Callable[[Iterable[float]], float]]] = {}
        self._task: asyncio.Task[None] | None = None
        self.decisions = self.counter(
            "cardinal_gate_decisions_total", "Answers by door and reason code.", "door", "reason"
        )
        self.upstream = self.counter(
            "cardinal_gate_upstream_total", "Answers of model servers by class.", "outcome"
        )
        self.limits = self.counter(
            "cardinal_gate_limits_total", "Looks at rates and quotas: counted, or why not.", "outcome"
        )
        self.asked = self.counter(
            "cardinal_gate_asked_total",
            "Queries for which the database was asked: nothing was known, or nobody could show that it still holds.",
            "why",
        )
        self.stuffing = self.counter(
            "cardinal_gate_stuffing_total", "Tokens that nobody has issued: seen, or held back.", "outcome"
        )
        self.latency = self.histogram(
            "cardinal_gate_decision_seconds", "From request to stored decision.", SECONDS
        )
        self.batches = self.histogram(
            "cardinal_gate_batch_decisions", "Decisions in one commit of the journal.", SIZES
        )
        self.commits = self.histogram("cardinal_gate_commit_seconds", "One commit of the journal.", SECONDS)

    def counter(self, name: str, told: str, *labels: str) -> Counter[Labels]:
        """A count that only grows, by its labels; a tuple, also of one."""
        self._kinds[name] = Kind(name, told, labels)
        return self._counters.setdefault(name, Counter())

    def histogram(self, name: str, told: str, bounds: Sequence[float]) -> Histogram:
        """How observations are spread over bounds."""
        self._kinds[name] = Kind(name, told, type="histogram")
        return self._histograms.setdefault(name, Histogram(bounds))

    def level(
        self, name: str, told: str, read: Callable[[], float], over: Callable[[Iterable[float]], float] = sum
    ) -> None:
        """What is read off when it is asked for; `over` makes one of all living workers: sum, or max for the worst."""
        self._kinds[name] = Kind(name, told, type="gauge")
        self._levels[name] = (read, over)

    def decision(self, door: str, reason: str, seconds: float) -> None:
        """One answer is stored and about to leave."""
        self.decisions[door, reason] += 1
        self.latency.add(seconds)

    def undecided(self, door: str) -> None:
        """One query was refused because nothing could be decided or stored."""
        self.decisions[door, "cannot_decide"] += 1

    def batch(self, size: int, seconds: float) -> None:
        """One commit of the journal."""
        self.batches.add(size)
        self.commits.add(seconds)

    def open(self) -> None:
        """Starts to write down what was counted, where there is a folder for it."""
        if self._folder:
            self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Writes once more, then ends."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._write()

    def text(self) -> str:
        """The exposition format, version 0.0.4, of all workers together."""
        self._write()
        return "\n".join(_lines(self._kinds, [self._counted(), *self._others()], self._levels)) + "\n"

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self._write()

    def _counted(self) -> dict[str, Any]:
        return {
            "counters": {
                name: [[list(key), n] for key, n in one.items()] for name, one in self._counters.items()
            },
            "histograms": {
                name: [list(one.bounds), one.counts, one.sum] for name, one in self._histograms.items()
            },
            "levels": {name: read() for name, (read, _) in self._levels.items()},
        }

    def _write(self) -> None:
        """As a whole or not at all. A disk that is full costs the others these counts, and no query its answer."""
        if self._folder is None:
            return
        beside = self._folder / f"{self._file}.new"
        try:
            beside.write_text(json.dumps(self._counted()))
            beside.replace(self._folder / self._file)
        except OSError as error:
            log.warning("metrics.unwritten", extra={"error": type(error).__name__})

    def _others(self) -> Iterator[dict[str, Any]]:
        if self._folder is None:
            return
        for file in sorted(self._folder.glob("*.json")):
            if file.name == self._file:
                continue
            try:
                found = json.loads(file.read_text())
                if time.time() - file.stat().st_mtime > ALIVE:
                    found["levels"] = {}
                yield found
            except (OSError, ValueError):
                continue


def _lines(
    kinds: dict[str, Kind],
    counted: list[dict[str, Any]],
    levels: dict[str, tuple[Any, Callable[[Iterable[float]], float]]],
) -> Iterator[str]:
    for name, kind in kinds.items():
        yield f"# HELP {name} {kind.help}"
        yield f"# TYPE {name} {kind.type}"
        if kind.type == "counter":
            sums: Counter[Labels] = Counter()
            for one in counted:
                for key, number in one["counters"].get(name, ()):
                    sums[tuple(key)] += number
            for key, number in sorted(sums.items()):
                pairs = ",".join(
                    f'{label}="{_quoted(value)}"' for label, value in zip(kind.labels, key, strict=True)
                )
                yield f"{name}{{{pairs}}} {number}" if pairs else f"{name} {number}"
        elif kind.type == "gauge":
            yield f"{name} {levels[name][1]([one['levels'][name] for one in counted if name in one['levels']]):g}"
        else:
            yield from _spread(
                name, [one["histograms"][name] for one in counted if name in one["histograms"]]
            )


def _spread(name: str, found: list[tuple[list[float], list[int], float]]) -> Iterator[str]:
    """A histogram, cumulative as Prometheus wants it."""
    total = 0
    for place, bound in enumerate([*map(str, found[0][0]), "+Inf"]):
        total += sum(counts[place] for _, counts, _ in found)
        yield f'{name}_bucket{{le="{bound}"}} {total}'
    yield f"{name}_sum {sum(added for _, _, added in found):.6f}"
    yield f"{name}_count {total}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
