"""What Prometheus reads. Counted per worker process: with several workers, scrape until each has answered."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)


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

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """The text form, cumulative as Prometheus wants it."""
        total = 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {self.sum:.6f}"
        yield f"{name}_count{{{labels}}} {total}"


class Metrics:
    """All that one worker counts."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.upstream: Counter[str] = Counter()
        self.latency = Histogram(SECONDS)
        self.batches = Histogram(SIZES)

    def decision(self, door: str, reason: str, seconds: float) -> None:
        """One answer is stored and about to leave."""
        self.decisions[door, reason] += 1
        self.latency.add(seconds)

    def undecided(self, door: str) -> None:
        """One query was refused because nothing could be decided or stored."""
        self.decisions[door, "cannot_decide"] += 1

    def batch(self, size: int) -> None:
        """One commit of the journal."""
        self.batches.add(size)

    def text(self) -> str:
        """The exposition format, version 0.0.4."""
        worker = f'worker="{os.getpid()}"'
        lines = ["# HELP cardinal_gate_decisions_total Answers by door and reason code.",
                 "# TYPE cardinal_gate_decisions_total counter"]  # fmt: skip
        for (door, reason), count in sorted(self.decisions.items()):
            lines.append(f'cardinal_gate_decisions_total{{{worker},door="{door}",reason="{reason}"}} {count}')
        lines += ["# HELP cardinal_gate_upstream_total Answers of model servers by class.",
                  "# TYPE cardinal_gate_upstream_total counter"]  # fmt: skip
        for outcome, count in sorted(self.upstream.items()):
            lines.append(f'cardinal_gate_upstream_total{{{worker},outcome="{outcome}"}} {count}')
        lines += ["# HELP cardinal_gate_decision_seconds From request to stored decision.",
                  "# TYPE cardinal_gate_decision_seconds histogram"]  # fmt: skip
        lines += self.latency.lines("cardinal_gate_decision_seconds", worker)
        lines += ["# HELP cardinal_gate_batch_decisions Decisions in one commit of the journal.",
                  "# TYPE cardinal_gate_batch_decisions histogram"]  # fmt: skip
        lines += self.batches.lines("cardinal_gate_batch_decisions", worker)
        return "\n".join(lines) + "\n"
