"""Decides: looks up what is known, weighs it, counts what is limited, and has the decision stored before anybody hears it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from governance.gate import reach
from governance.gate.configuration import Configuration
from governance.gate.database import Clock, Database, Unanswered
from governance.gate.decide import Answer, decide, refuse, settled, weigh
from governance.gate.facts import Facts
from governance.gate.freshness import Freshness
from governance.gate.grants import Grant, Grants
from governance.gate.ids import ids
from governance.gate.journal import Journal, Unwritten
from governance.gate.known import Known
from governance.gate.limits import Limits
from governance.gate.metrics import Metrics
from governance.gate.ratelimit import Left
from governance.gate.record import frame
from governance.gate.request import Query
from governance.gate.stuffing import COUNTED, Stuffing, held_back
from governance.policies import Shortage

log = logging.getLogger("governance.gate")

HOUR = 3600.0


class Judge:
    """What one worker decides by: the database, grants in memory, limits and the journal."""

    def __init__(self, configuration: Configuration, metrics: Metrics) -> None:
        self.metrics = metrics
        self.clock = Clock()
        self.database = Database(
            configuration.database, size=configuration.connections, patience=configuration.database_patience
        )
        self.grants = Grants(self.database, self.clock, peppers=configuration.peppers)
        metrics.level("cardinal_gate_grants", "Grants in memory.", self.grants.__len__)
        metrics.level(
            "cardinal_gate_news_age_seconds",
            "Up to when all changes are known.",
            lambda: min(self.grants.age, HOUR),
            max,
        )
        self.freshness = Freshness(configuration.database, self.grants, self.clock)
        self.journal = Journal(
            configuration.database, patience=configuration.journal_patience, metrics=metrics
        )
        self.limits = Limits(configuration.redis, patience=configuration.redis_patience)
        self.stuffing = Stuffing(
            configuration.redis,
            Known(configuration.database, peppers=configuration.peppers),
            limit=configuration.unknown_tokens,
            share=max(1, configuration.unknown_tokens // configuration.workers),
            patience=configuration.redis_patience,
        )

    async def open(self) -> None:
        """Ready to decide."""
        await self.database.open()
        self.freshness.open()
        self.journal.open()

    async def close(self) -> None:
        """Lets go of everything. The journal has been closed before."""
        await self.limits.close()
        await self.stuffing.close()
        await self.freshness.close()
        await self.database.close()

    def at_once(self, query: Query, tell: Callable[[Answer, Exception | None], None]) -> bool:
        """Decides what waits for nothing but the journal; `tell` hears the answer when it is stored, or why it is not.

        False when the long way, `decided`, has to be gone: nothing has happened then.
        """
        now = time.monotonic()
        if query.refusal or self.stuffing.wait(query):
            return False
        grant = self.grants.find(self.grants.key(query), now)
        if grant is None:
            return False
        at = self.clock.microseconds(now)
        answer = self._settled(query, grant, at)
        if answer is None:
            facts = replace(grant.facts, at=self.clock.at(now))
            answer, owed = weigh(query, facts)
            if owed or (facts.token and reach.charge(facts.token)):
                return False
        if answer.reason in COUNTED:
            return False
        answer.id = ids.new(at)
        try:
            self.journal.append(answer, tell)
        except Unwritten:
            return False
        return True

    async def decided(self, query: Query) -> Answer | None:
        """The stored answer, or None: whatever goes wrong here, nothing is allowed."""
        try:
            now = time.monotonic()
            at = self.clock.microseconds(now)
            if wait := self.stuffing.wait(query):
                answer = held_back(query, at, wait)
                self.metrics.stuffing["held_back",] += 1
            else:
                answer = refuse(query, at) if query.refusal else await self._known(query, now, at)
                if answer.reason in COUNTED:
                    self.metrics.stuffing["seen",] += 1
                    await self.stuffing.saw(answer)
            answer.id = ids.new(at)
            await self.journal.record(answer)
        except (Unanswered, Unwritten) as error:
            log.warning("gate.undecided", extra={"why": f"{type(error).__name__}: {error}"})
            return None
        except Exception as error:  # noqa: BLE001 - a mistake of ours must refuse, and must not print what it held
            log.error("gate.failed", extra={"why": type(error).__name__})  # noqa: TRY400 - see above
            return None
        return answer

    async def is_known(self, query: Query) -> bool:
        """Whether nothing speaks against the token; when nobody can tell, the decision that follows will say so."""
        try:
            return decide(query, (await self._grant(query, time.monotonic())).facts).reason == "model_unknown"
        except Unanswered:
            return False

    async def _known(self, query: Query, now: float, at: int) -> Answer:
        grant = await self._grant(query, now)
        answer = self._settled(query, grant, at)
        return answer or await self._weighed(query, replace(grant.facts, at=self.clock.at(now)))

    async def _grant(self, query: Query, now: float) -> Grant:
        key = self.grants.key(query)
        grant = self.grants.find(key, now)
        if grant is None:
            self.metrics.asked["unknown" if self.grants.proven(now) else "unproven",] += 1
            grant = await self.grants.load(key, query)
        return grant

    def _settled(self, query: Query, grant: Grant, at: int) -> Answer | None:
        """The answer that is the same for all queries of this kind while the grant holds, worked out once."""
        kind = (query.door, query.action, query.method, query.operation.protocol, query.named)
        answer: Answer | None
        try:
            answer = grant.settled[kind]
        except KeyError:
            answer = grant.settled[kind] = settled(query, grant.facts)
            if answer:
                answer.frame = frame(answer)
        return answer.again(query, at) if answer else None

    async def _weighed(self, query: Query, facts: Facts) -> Answer:
        answer, owed = weigh(query, facts)
        own = reach.charge(facts.token) if answer.allowed else None
        spent: dict[str, Shortage | None] = {}
        left: tuple[Left, ...] = ()
        if own:  # first: what the token may not ask costs its owner nothing
            taken = await self.limits.take([own], model="", environment="", caller="", at=facts.at)
            self._note(taken)
            spent, left = spent | taken, taken.left
        if own and spent[own.key]:
            spent |= {charge.key: None for charge in owed}
            return replace(decide(query, replace(facts, spent=spent)), left=left)
        if owed:
            taken = await self.limits.take(
                owed, model=query.model, environment=answer.environment, caller=answer.caller, at=facts.at
            )
            self._note(taken)
            spent, left = spent | taken, left + taken.left
        return replace(decide(query, replace(facts, spent=spent)), left=left) if spent else answer

    def _note(self, spent: Mapping[str, Shortage | None]) -> None:
        for shortage in spent.values():
            self.metrics.limits[shortage.code if shortage else "counted",] += 1
