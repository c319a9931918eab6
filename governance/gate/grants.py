"""Compiled grants in bounded memory: the facts of one statement, kept while it is proven that they are still the facts.

What is kept is exactly what the database would answer. It ends by three things, whichever comes first: the database tells
that something it depends on has changed (`hear`), its time is over (`Grant.until`), or nobody can show any more that the
database's news arrive (`proved`). Then the database is asked, query by query; when it cannot be asked, nothing is allowed.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from governance import tokens
from governance.gate.database import Clock, Database
from governance.gate.facts import Facts
from governance.gate.request import Query
from governance.gate.statement import STATEMENT, Loaded, loaded

ROOM = 100_000  # grants in memory, about 2 kB each
STRANGERS = (
    4_096  # tokens that nobody has issued, remembered for a moment: they do not ask the database again
)
STRANGER_SECONDS = 2.0
FRESH = 0.9  # seconds for which a sign that news arrive counts: a change is seen within one second or not answered from here
LONGEST = 60.0  # seconds after which a grant is loaded anew, whatever has been heard
JOINED = 0.25  # seconds during which queries about the same wait for one answer of the database
REMEMBERED = 10_000  # names of what has changed lately
SECOND_CHANCES = 32

Key = tuple[bytes, str, str, int | None]


@dataclass(slots=True, eq=False)
class Grant:
    """Facts for all queries with one token about one target. `settled` is what has been worked out from them alone."""

    key: Key
    facts: Facts
    until: float  # on the monotonic clock
    concerns: tuple[str, ...]
    used: bool = False
    settled: dict[tuple[str, str, str, str, bool], Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Flight:
    began: float
    task: asyncio.Task[Grant]


class Grants:
    """What one worker knows. `find` never waits; `load` asks the database."""

    def __init__(self, database: Database, clock: Clock, *, peppers: Sequence[str], room: int = ROOM) -> None:
        self._database = database
        self._clock = clock
        self._peppers = peppers
        self._digest = tokens.keyed(peppers[0])
        self._room = room
        self._known: OrderedDict[Key, Grant] = OrderedDict()
        self._strangers: OrderedDict[Key, Grant] = OrderedDict()
        self._by_concern: dict[str, set[Grant]] = {}
        self._flights: dict[Key, _Flight] = {}
        self._news = 0
        self._lately: dict[str, int] = {}
        self._all_until = 0  # news up to this one concern everything
        self._fresh_until = -inf

    def __len__(self) -> int:
        return len(self._known)

    @property
    def age(self) -> float:
        """Seconds since the last moment up to which all news are known to have arrived; infinite when there is none."""
        return time.monotonic() - (self._fresh_until - FRESH)

    def proven(self, now: float) -> bool:
        """Whether what is known surely is what the database would say at this moment (monotonic)."""
        return now <= self._fresh_until

    def key(self, query: Query) -> Key:
        """Under which name the grant for this query is kept: the token only as its keyed digest."""
        return self._digest(query.token.encode()), query.model, query.alias, query.number

    def find(self, key: Key, now: float) -> Grant | None:
        """The grant, if it surely is what the database would say now; None when the database has to be asked."""
        if now > self._fresh_until:
            return None
        grant = self._known.get(key) or self._strangers.get(key)
        if grant is None or grant.until <= now:
            return None
        grant.used = True
        return grant

    async def load(self, key: Key, query: Query) -> Grant:
        """The grant as the database has it now, or `Unanswered`. Kept when nothing has been heard of it meanwhile."""
        now = time.monotonic()
        if now > self._fresh_until:
            return await self._ask(key, query)
        flight = self._flights.get(key)
        if flight is None or now - flight.began > JOINED:
            flight = self._flights[key] = _Flight(now, asyncio.create_task(self._fetch(key, query)))
            flight.task.add_done_callback(lambda done, own=flight: self._landed(key, own, done))  # type: ignore[misc]
        return await asyncio.shield(flight.task)

    def hear(self, name: str) -> None:
        """The database tells of a change: "token:…", "user:…", "model:…", "version:…", "slug:…", or "all:"."""
        kind = name.partition(":")[0]
        if kind == "all":
            self.forget()
            return
        self._news += 1
        self._flights.clear()  # whoever asks from now on asks anew
        if len(self._lately) >= REMEMBERED:
            self._lately.clear()
            self._all_until = self._news
        self._lately[name] = self._news
        for grant in self._by_concern.get(name, set()).copy():
            self._drop(grant)
        if kind == "token":  # perhaps one of them has just been issued
            self._strangers.clear()

    def proved(self, moment: float) -> None:
        """All that was changed before this moment (monotonic) has been heard."""
        self._fresh_until = max(self._fresh_until, moment + FRESH)

    def forget(self) -> None:
        """Nothing that is known, or being asked, may be used again."""
        self._news += 1
        self._all_until = self._news
        self._flights.clear()
        self._known.clear()
        self._strangers.clear()
        self._by_concern.clear()

    def doubt(self) -> None:
        """News may be lost from now on."""
        self._fresh_until = -inf
        self.forget()

    async def _fetch(self, key: Key, query: Query) -> Grant:
        news = self._news
        grant = await self._ask(key, query)
        if grant.facts.token is None:
            self._keep_stranger(key, grant, news)
        elif self._all_until <= news and all(self._lately.get(one, 0) <= news for one in grant.concerns):
            self._keep(grant)
        return grant

    async def _ask(self, key: Key, query: Query) -> Grant:
        asked = time.monotonic()
        row = await self._database.ask(
            STATEMENT,
            {
                "digests": tokens.digests(query.token, self._peppers),
                "model": query.model,
                "alias": query.alias,
                "number": query.number,
            },
        )
        if not self.proven(asked):  # the beat says the time otherwise, and never waits for a connection
            self._clock.set(row["at"], asked)
        found = loaded(row, query.model)
        return Grant(key, self._own(found, query), self._end(found, asked), found.concerns)

    def _own(self, found: Loaded, query: Query) -> Facts:
        """Compared once more and in constant time: whatever the index gave, the token must be this one."""
        if found.digest and not any(
            hmac.compare_digest(found.digest, one) for one in tokens.digests(query.token, self._peppers)
        ):
            return replace(found.facts, token=None)
        return found.facts

    def _end(self, found: Loaded, asked: float) -> float:
        longest = asked + (LONGEST if found.facts.token else STRANGER_SECONDS)
        return min(longest, self._clock.when(found.until)) if found.until else longest

    def _keep(self, grant: Grant) -> None:
        if (old := self._known.get(grant.key)) is not None:
            self._drop(old)
        self._make_room()
        self._known[grant.key] = grant
        for name in grant.concerns:
            self._by_concern.setdefault(name, set()).add(grant)

    def _keep_stranger(self, key: Key, grant: Grant, news: int) -> None:
        if self._news == news:
            self._strangers[key] = grant
            if len(self._strangers) > STRANGERS:
                self._strangers.popitem(last=False)

    def _make_room(self) -> None:
        """The oldest goes that has not been used since it was last passed over (the clock algorithm)."""
        chances = SECOND_CHANCES
        while len(self._known) >= self._room:
            key, grant = next(iter(self._known.items()))
            if grant.used and chances:
                grant.used = False
                self._known.move_to_end(key)
                chances -= 1
            else:
                self._drop(grant)

    def _drop(self, grant: Grant) -> None:
        if self._known.get(grant.key) is grant:
            del self._known[grant.key]
        for name in grant.concerns:
            kept = self._by_concern.get(name)
            if kept is not None:
                kept.discard(grant)
                if not kept:
                    del self._by_concern[name]

    def _landed(self, key: Key, flight: _Flight, done: asyncio.Task[Grant]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # looked at: whoever waited for it may have gone
