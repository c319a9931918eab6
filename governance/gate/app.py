"""The ASGI application: read, look up, decide, store, and only then answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from governance.gate import answers, logs, plain, reasons, watch
from governance.gate.bodies import Bodies, Body, Document, Gone, Receive
from governance.gate.callers import Callers
from governance.gate.configuration import Configuration
from governance.gate.decide import Answer
from governance.gate.forwarding import forward
from governance.gate.judge import Judge
from governance.gate.metrics import Metrics
from governance.gate.origin import Origins
from governance.gate.proxy import Exchange, Patience, Proxy, Send
from governance.gate.reader import Reader
from governance.gate.request import PROXY, Query

log = logging.getLogger("governance.gate")

Scope = dict[str, Any]
Told = Callable[[int, bytes, bytes], None]  # status, header lines, body


class Follower(Protocol):
    """Whoever looks on at what the gate does, and has to let go when it ends."""

    async def close(self) -> None:
        """The gate has ended."""


class Gate:
    """One worker: its pools, its journal, its counts."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.metrics = Metrics(configuration.metrics_folder)
        self.reader = Reader(
            configuration.body_limit, Origins(configuration.trusted_proxies), configuration.front
        )
        self.judge = Judge(configuration, self.metrics)
        self.callers = Callers(configuration.callers)
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
        self.follower: Follower | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def at_once(self, scope: Scope, told: Told) -> bool:
        """Answers a question at /check that waits for nothing but the journal. False when it goes the way of ASGI.

        `told` hears status, header lines and body. Nothing has happened when this is False.
        """
        if not scope["raw_path"].startswith(b"/check"):
            return False
        began = time.perf_counter()
        try:
            return self.judge.at_once(self.reader.read(scope), partial(self._tell, told, began))
        except Exception as error:  # noqa: BLE001 - the long way will meet the same mistake of ours, and refuse
            log.error("gate.failed", extra={"why": type(error).__name__})  # noqa: TRY400 - it may hold what was asked
            return False

    def _tell(self, told: Told, began: float, answer: Answer, failure: Exception | None) -> None:
        query = answer.query
        if failure:
            self._undecided(query, began)
            told(*answers.as_bytes(*answers.refusal(query, reasons.CANNOT_DECIDE)))
            return
        self.metrics.decision(query.door, answer.reason, time.perf_counter() - began)
        logs.decision(self.configuration.log_decisions, query, answer.reason, began, answer)
        if answer.allowed:
            told(200, answers.allowed(answer), b"")
        else:
            told(*answers.as_bytes(*answers.refusal(query, answer.told, answer)))

    def _undecided(self, query: Query, began: float) -> None:
        self.metrics.undecided(query.door)
        logs.decision(self.configuration.log_decisions, query, "cannot_decide", began)

    async def open(self) -> None:
        """Ready to decide."""
        await self.judge.open()
        self.metrics.open()
        self.callers.open()

    async def close(self) -> None:
        """Stores what waits, then lets go of everything."""
        self.callers.close()
        await self.judge.journal.close()
        await self.proxy.close()
        await self.judge.close()
        await self.metrics.close()
        if self.follower:
            await self.follower.close()

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
        if path in watch.PATHS:
            await watch.answer(path, scope, send, self.metrics, self.judge)
            return
        if path in plain.PATHS:
            await plain.answer(path, scope, send, self.judge.database)
            return
        query = self.reader.read(scope)
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
        if not await self.judge.is_known(query):
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

    async def _answer(
        self, query: Query, scope: Scope, receive: Receive, send: Send,
        body: Body | None = None, document: Document | None = None,
    ) -> None:  # fmt: skip
        began = time.perf_counter()
        answer = await self.judge.decided(query)
        if answer is None:
            self._undecided(query, began)
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
