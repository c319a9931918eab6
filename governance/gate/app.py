"""The ASGI application: read, look up, decide, store, and only then answer."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from typing import Any

from governance.gate import logs, reach, reasons
from governance.gate.configuration import Configuration
from governance.gate.decide import ALLOWED, Answer, decide, refuse, weigh
from governance.gate.grants import Grants, Unanswered
from governance.gate.journal import Journal, Unwritten
from governance.gate.limits import Limits
from governance.gate.metrics import Metrics
from governance.gate.proxy import (
    Gone,
    Headers,
    Proxy,
    Receive,
    Send,
    SlowCaller,
    TimedOut,
    TooLarge,
    Unreachable,
)
from governance.gate.reasons import Reason
from governance.gate.request import PROXY, Query, read, request_id
from governance.policies import Shortage

log = logging.getLogger("governance.gate")

Scope = dict[str, Any]
NO_STORE = (b"cache-control", b"no-store")
REALM = "cardinal"


class Gate:
    """One worker: its pools, its journal, its counts."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.metrics = Metrics()
        self.grants = Grants(
            configuration.database,
            peppers=configuration.peppers,
            size=configuration.connections,
            patience=configuration.database_patience,
        )
        self.journal = Journal(
            configuration.database, patience=configuration.journal_patience, metrics=self.metrics
        )
        self.limits = Limits(configuration.redis, patience=configuration.redis_patience)
        self.proxy = Proxy(timeout=configuration.upstream_timeout, body_limit=configuration.body_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def open(self) -> None:
        """Ready to decide."""
        await self.grants.open()
        self.journal.open()

    async def close(self) -> None:
        """Stores what waits, then lets go of everything."""
        await self.journal.close()
        await self.proxy.close()
        await self.limits.close()
        await self.grants.close()

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
        query = read(scope, self.configuration.body_limit, self.configuration.trusted_proxies)
        mark = logs.request_id.set(query.request_id)
        try:
            await self._answer(query, scope, receive, send)
        finally:
            logs.request_id.reset(mark)

    async def _answer(self, query: Query, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        answer = await self._decided(query)
        if answer is None:
            self.metrics.undecided(query.door)
            _log(query, "cannot_decide", began)
            await _refuse(send, query, reasons.CANNOT_DECIDE, None, [(b"retry-after", b"1")])
            return
        self.metrics.decision(query.door, answer.reason, time.perf_counter() - began)
        _log(query, answer.reason, began, answer)
        await self._say(answer, scope, receive, send)

    async def _decided(self, query: Query) -> Answer | None:
        """The stored answer, or None: whatever goes wrong here, nothing is allowed."""
        try:
            if query.refusal:
                answer = refuse(query, self.grants.clock.now())
            else:
                answer = await self._weighed(query)
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

    async def _weighed(self, query: Query) -> Answer:
        facts = await self.grants.load(query)
        answer, owed = weigh(query, facts)
        own = reach.charge(facts.token) if answer.allowed else None
        spent: dict[str, Shortage | None] = {}
        if own:  # first: what the token may not ask costs its owner nothing
            spent |= await self.limits.take([own], model="", environment="", caller="", at=facts.at)
        if own and spent[own.key]:
            return decide(query, replace(facts, spent=spent | {charge.key: None for charge in owed}))
        if owed:
            spent |= await self.limits.take(
                owed, model=query.model, environment=answer.environment, caller=answer.caller, at=facts.at
            )
        return decide(query, replace(facts, spent=spent)) if spent else answer

    async def _say(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if not answer.allowed:
            await _refuse(send, answer.query, answer.told, answer)
        elif answer.query.door == PROXY:
            await self._forward(answer, scope, receive, send)
        else:
            headers = [*_own(answer), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def _forward(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            status = await self.proxy.forward(answer, list(scope["headers"]), _own(answer), receive, noting)
            self.metrics.upstream[f"{status // 100}xx"] += 1
            return
        except Gone:
            self.metrics.upstream["caller_gone"] += 1
            return
        except TooLarge:
            reason = reasons.REASONS["too_large"]
        except SlowCaller:
            reason = reasons.SLOW_CALLER
        except TimedOut:
            reason = reasons.UPSTREAM_TIMED_OUT
        except Unreachable:
            reason = reasons.UPSTREAM_UNREACHABLE
        except Exception:
            if (
                started
            ):  # half an answer is out: break the connection off, so that it cannot pass for a whole one
                self.metrics.upstream["broken_off"] += 1
                raise
            log.exception("gate.forward_failed")
            reason = reasons.UPSTREAM_UNREACHABLE
        self.metrics.upstream[reason.code] += 1
        await _refuse(send, answer.query, reason, answer)

    async def _watch(self, path: bytes, scope: Scope, send: Send) -> None:
        status, kind, body = 200, b"text/plain; charset=utf-8", b"ok\n"
        if path == b"/metrics":
            kind, body = b"text/plain; version=0.0.4; charset=utf-8", self.metrics.text().encode()
        elif path == b"/readyz" and not await self.grants.answers():
            status, body = 503, b"The database does not answer.\n"
        headers = [NO_STORE, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
        headers.append((b"x-request-id", request_id(scope["headers"]).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _own(answer: Answer) -> Headers:
    return [
        NO_STORE,
        (b"x-request-id", answer.query.request_id.encode()),
        (b"x-cardinal-decision", str(answer.id).encode()),
        (b"x-cardinal-model", answer.query.model.encode()),
        (b"x-cardinal-version", str(answer.version).encode()),
        *([(b"x-cardinal-reason", answer.reason.encode())] if answer.reason != ALLOWED else []),
    ]


async def _refuse(
    send: Send, query: Query, reason: Reason, answer: Answer | None, extra: Headers | None = None
) -> None:
    """A problem (RFC 9457) with one code. It holds nothing that the caller sent."""
    status = reason.status if query.door == PROXY else reason.check_status
    problem: dict[str, Any] = {
        "type": f"urn:cardinal:gate:{reason.code}",
        "title": reason.title,
        "status": status,
        "detail": reason.sentence,
        "code": reason.code,
        "decision": str(answer.id) if answer else None,
    }
    headers: Headers = [
        NO_STORE,
        (b"content-type", b"application/problem+json"),
        (b"x-request-id", query.request_id.encode()),
        (b"x-cardinal-reason", reason.code.encode()),
        *(extra or []),
    ]
    if answer:
        headers.append((b"x-cardinal-decision", problem["decision"].encode()))
    if answer and answer.unmet:
        problem["reasons"] = list(answer.unmet)
        headers.append((b"x-cardinal-reasons", ",".join(answer.unmet).encode()))
    if reason.oauth is not None:
        headers.append((b"www-authenticate", _challenge(reason, query)))
    if reason.status in (
        408,
        413,
    ):  # the rest of the body was not read: nothing can follow it on this connection
        headers.append((b"connection", b"close"))
    if answer and answer.wait:
        headers.append((b"retry-after", str(answer.wait).encode()))
    if reason.status == 405:
        headers.append((b"allow", b"POST"))
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if query.method == "HEAD" else body})


def _challenge(reason: Reason, query: Query) -> bytes:
    parts = [f'Bearer realm="{REALM}"']
    if reason.oauth:
        parts.append(f'error="{reason.oauth}"')
    if reason.oauth == "insufficient_scope":
        parts.append(f'scope="{query.action}"')
    return ", ".join(parts).encode()


def _log(query: Query, code: str, began: float, answer: Answer | None = None) -> None:
    log.info(
        "gate.answered",
        extra={
            "door": query.door,
            "reason": code,
            "model": query.model,
            "version": answer.version if answer else None,
            "decision": str(answer.id) if answer else None,
            "token": answer.token if answer else "",
            "caller": answer.caller if answer else "",
            "ms": round((time.perf_counter() - began) * 1000, 2),
        },
    )
