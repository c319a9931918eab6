"""The gate's counters once more, in memory: how limits would have met the decisions that are replayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from governance.policies import RATE_SECONDS, Charge, Shortage

Spent = dict[str, Shortage | None]


class Counters:
    """Counts as `governance.gate.limits` does. They start empty."""

    def __init__(self) -> None:
        self._full: dict[tuple[str, str], datetime] = {}
        self._used: dict[tuple[str, str, str], int] = {}

    def take(self, owed: Sequence[Charge], caller: str, at: datetime) -> Spent:
        """Counts one query against the first of these rules that has something left."""
        spent: Spent = {}
        for charge in owed:
            spent[charge.key] = shortage = self._short(charge, caller, at)
            if shortage is None:
                self._count(charge, caller, at)
                break
        return spent

    def _short(self, charge: Charge, caller: str, at: datetime) -> Shortage | None:
        if charge.quota:
            window, _ = charge.quota.window(at)
            if self._used.get((charge.key, caller, window), 0) >= charge.quota.limit:
                return Shortage("policy_quota")
        if charge.rate:
            period = timedelta(seconds=RATE_SECONDS[charge.rate.per])
            full = max(self._full.get((charge.key, caller), at), at) + period / charge.rate.limit
            if full - period > at + timedelta(microseconds=1):
                return Shortage("policy_rate")
        return None

    def _count(self, charge: Charge, caller: str, at: datetime) -> None:
        if charge.rate:
            period = timedelta(seconds=RATE_SECONDS[charge.rate.per])
            key = charge.key, caller
            self._full[key] = max(self._full.get(key, at), at) + period / charge.rate.limit
        if charge.quota:
            place = charge.key, caller, charge.quota.window(at)[0]
            self._used[place] = self._used.get(place, 0) + 1
