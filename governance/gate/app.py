"""The ASGI application: read, look up, decide, store, and only then answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from governance.gate import answers, logs, plain, reach, reasons, traces
from governance.gate.bodies import Bodies, Body, Document, Gone, Receive
from governance.gate.configuration import Configuration
from governance.gate.database import Clock, Database, Unanswered
from governance.gate.decide import Answer, decide, refuse, settled, weigh
from governance.gate.facts import Facts
from governance.gate.forwarding import forward
from governance.gate.freshness import Freshness
from governance.gate.grants import Grant, Grants
from governance.gate.ids import ids
from governance.gate.journal import Journal, Unwritten
from governance.gate.known import Known
from governance.gate.limits import Limits
from governance.gate.metrics import Metrics
from governance.gate.proxy import Exchange, Patience, Proxy, Send
from governance.gate.ratelimit import Left
from governance.gate.record import frame
from governance.gate.request import PROXY, Query, read, request_id
from governance.gate.stuffing import COUNTED, Stuffing, held_back
from governance.policies import Shortage

log = logging.getLogger("governance.gate")

Scope = dict[str, Any]
HOUR = 3600.0


class Gate:
    """One worker: its pools, its journal, its counts."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.metrics = Metrics(configuration.metrics_folder)
        self.clock = Clock()
        self.database = Database(
            configuration.database, size=configuration.connections, patience=configuration.database_patience
        )
        self.grants = Grants(self.database, self.clock, peppers=configuration.peppers)
        self.metrics.level("cardinal_gate_grants", "Grants in memory.", self.grants.__len__)
        self.metrics.level(
            "cardinal_gate_news_age_seconds",
            "Up to when all changes are known.",
            lambda: min(self.grants.age, HOUR),
            max,
        )
        self.freshness = Freshness(configuration.database, self.grants, self.clock)
        self.journal = Journal(
            configuration.database, patience=configuration.journal_patience, metrics=self.metrics
        )
        self.limits = Limits(configuration.redis, patience=configuration.redis_patience)
        self.stuffing = Stuffing(
            configuration.redis,
            Known(configuration.database, peppers=configuration.peppers),
            limit=configuration.unknown_tokens,
            share=max(1, configuration.unknown_tokens // configuration.workers),
            patience=configuration.redis_patience,
        )
        self.proxy = Proxy(
            patience=Patience(
                configuration.upstream_timeout, configuration.upstream_silence, configuration.body_patience
            ),
            body_limit=configuration.body_limit,
            calls=configuration.upstream_calls,
            secrets=configuration.credentials,
        )
        self.bodies = Bodies(
            limit=configuration.json_limit,
            memory=configuration.json_memory,
            whole=configuration.body_patience,
        )
        self.traces = traces.follow(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def open(self) -> None:
        """Ready to decide."""
        await self.database.open()
        self.freshness.open()
        self.journal.open()
        self.metrics.open()

    async def close(self) -> None:
        """Stores what waits, then lets go of everything."""
        await self.journal.close()
        await self.proxy.close()
        await self.limits.close()
        await self.stuffing.close()
        await self.freshness.close()
        await self.database.close()
        await self.metrics.close()
        if self.traces:
            await self.traces.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.open()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"]
        if path in (b"/healthz", b"/readyz", b"/metrics"):
            await self._watch(path, scope, send)
            return
        if path in plain.PATHS:
            await plain.answer(path, scope, send, self.database)
            return
        query = read(
            scope,
            self.configuration.body_limit,
            self.configuration.trusted_proxies,
            self.configuration.front,
        )
        mark = logs.request_id.set(query.request_id)
        try:
            if query.method == "OPTIONS" and query.door == PROXY and not query.refusal:
                await answers.options(send, query.request_id, query.operation.allow)
            elif query.operation.model_in_body and not query.refusal:
                await self._answer_named(query, scope, receive, send)
            else:
                await self._answer(query, scope, receive, send)
        finally:
            logs.request_id.reset(mark)

    async def _answer_named(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        """The body names the model, so it is read first: for whoever has a token that counts, and for nobody else."""
        if not await self._is_known(query):
            await self._answer(query, scope, receive, send)
            return
        with self.bodies.room(query.payload_bytes) as held:
            if held is None:
                await self._answer(replace(query, refusal="gate_busy"), scope, receive, send)
                return
            body = self.bodies.body(receive)
            try:
                query, document = await self.bodies.read(query, dict(scope["headers"]), body)
            except Gone:
                return
            self.bodies.settle(held, document)
            await self._answer(query, scope, receive, send, body, document)

    async def _is_known(self, query: Query) -> bool:
        """Whether nothing speaks against the token; when nobody can tell, the decision that follows will say so."""
        try:
            return decide(query, (await self._grant(query, time.monotonic())).facts).reason == "model_unknown"
        except Unanswered:
            return False

    async def _answer(
        self, query: Query, scope: Scope, receive: Receive, send: Send,
        body: Body | None = None, document: Document | None = None,
    ) -> None:  # fmt: skip
        began = time.perf_counter()
        answer = await self._decided(query)
        if answer is None:
            self.metrics.undecided(query.door)
            logs.decision(self.configuration.log_decisions, query, "cannot_decide", began)
            await answers.refuse(send, query, reasons.CANNOT_DECIDE)
            return
        self.metrics.decision(query.door, answer.reason, time.perf_counter() - began)
        logs.decision(self.configuration.log_decisions, query, answer.reason, began, answer)
        if not answer.allowed:
            await answers.refuse(send, query, answer.told, answer)
        elif query.door == PROXY:
            body = body or self.proxy.body(receive)
            way = Exchange(answer, list(scope["headers"]), answers.own(answer), body, send, document)
            await forward(self.proxy, self.metrics, answer, way)
        else:
            await answers.allow(send, answer)

    async def _decided(self, query: Query) -> Answer | None:
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
            log.warning(
                "gate.undecided",
                extra={"why": f"{type(error).__name__}: {error}"},
            )
            return None
        except Exception as error:  # noqa: BLE001 - a mistake of ours must refuse, and must not print what it held
            log.error("gate.failed", extra={"why": type(error).__name__})  # noqa: TRY400 - see above
            return None
        return answer

    async def _known(self, query: Query, now: float, at: int) -> Answer:
        grant = await self._grant(query, now)
        kind = (query.door, query.action, query.method, query.operation.protocol, query.named)
        answer: Answer | None
        try:
            answer = grant.settled[kind]
        except KeyError:
            answer = grant.settled[kind] = settled(query, grant.facts)
            if answer:
                answer.frame = frame(answer)
        if answer:
            return answer.again(query, at)
        return await self._weighed(query, replace(grant.facts, at=self.clock.at(now)))

    async def _grant(self, query: Query, now: float) -> Grant:
        key = self.grants.key(query)
        grant = self.grants.find(key, now)
        if grant is None:
            self.metrics.asked["unknown" if self.grants.proven(now) else "unproven",] += 1
            grant = await self.grants.load(key, query)
        return grant

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

    async def _watch(self, path: bytes, scope: Scope, send: Send) -> None:
        status, kind, body = 200, b"text/plain; charset=utf-8", b"ok\n"
        if path == b"/metrics":
            kind, body = b"text/plain; version=0.0.4; charset=utf-8", self.metrics.text().encode()
        elif path == b"/readyz" and not await self.database.answers():
            status, body = 503, b"The database does not answer.\n"
        headers = [answers.NO_STORE, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
        headers.append((b"x-request-id", request_id(scope["headers"]).encode()))
        if (
            path == b"/readyz"
        ):  # up to how many seconds ago every change is known here; "inf" when nothing is kept
            headers.append((b"x-cardinal-news-age", f"{self.grants.age:.3f}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
