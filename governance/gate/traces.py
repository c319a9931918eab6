"""OpenTelemetry traces, when OTEL_EXPORTER_OTLP_ENDPOINT names a collector. Without it nothing is wrapped, loaded or paid.

A query is one server span, in the caller's trace where it sent a traceparent; looking up its grant, storing the decision
and the model server's answer are spans within it. Spans hold what the decision holds, by name and id; never a token, a
payload, a path or a header.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from governance.gate.bodies import Receive
from governance.gate.decide import Answer
from governance.gate.proxy import Exchange, Headers, Send
from governance.gate.request import Query

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from governance.gate.app import Gate

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
CARRIED = (b"traceparent", b"tracestate")


def follow(gate: Gate) -> Traces | None:
    """Traces what `gate` does from here on, if a collector is named."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{ENDPOINTS[0]} is set, and what it needs is not installed: pip install 'cardinal-governance[otel]'."
        ) from error
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "cardinal-gate")}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(gate, provider)


class Traces:
    """Puts spans around the four steps of a query."""

    def __init__(self, gate: Gate, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("governance.gate")
        self._carrier = TraceContextTextMapPropagator()
        around: list[tuple[Any, str, Callable[[Any], Any]]] = [
            (gate, "_answer", self._query),
            (gate.judge, "decided", self._decision),
            (gate.judge.grants, "load", self._step("grant")),
            (gate.judge.journal, "record", self._step("journal")),
            (gate.proxy, "forward", self._upstream),
        ]
        for owner, name, wrapped in around:
            setattr(owner, name, wrapped(getattr(owner, name)))
        gate.at_once = _not_at_once  # type: ignore[method-assign]

    async def close(self) -> None:
        """Sends what is left. The collector may take its time; queries are over by now."""
        await asyncio.to_thread(self._provider.shutdown)

    def _query(self, answer: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        from opentelemetry.trace import SpanKind

        async def traced(
            query: Query, scope: Mapping[str, Any], receive: Receive, send: Send, *rest: Any
        ) -> None:
            context = self._carrier.extract(_carried(scope["headers"]))
            told = {
                "http.request.method": query.method or scope["method"],
                "cardinal.door": query.door,
                "cardinal.model": query.model,
                "cardinal.request_id": query.request_id,
            }
            with self._tracer.start_as_current_span(
                f"gate {query.door}", context, SpanKind.SERVER, attributes=told, record_exception=False
            ) as span:

                async def noting(message: dict[str, Any]) -> None:
                    if message["type"] == "http.response.start":
                        span.set_attribute("http.response.status_code", message["status"])
                    await send(message)

                await answer(query, scope, receive, noting, *rest)

        return traced

    def _decision(
        self, decided: Callable[[Query], Awaitable[Answer | None]]
    ) -> Callable[[Query], Awaitable[Answer | None]]:
        from opentelemetry import trace
        from opentelemetry.trace import StatusCode

        async def traced(query: Query) -> Answer | None:
            answer = await decided(query)
            span = trace.get_current_span()
            span.set_attribute("cardinal.reason", answer.reason if answer else "cannot_decide")
            if answer is None:  # a refusal is an answer like any other; this is none
                span.set_status(StatusCode.ERROR)
                return None
            span.set_attribute("cardinal.allowed", answer.allowed)
            span.set_attribute("cardinal.decision", str(answer.id))
            span.set_attribute("cardinal.environment", answer.environment)
            span.set_attribute("cardinal.token_id", answer.token)
            if answer.version is not None:
                span.set_attribute("cardinal.version", answer.version)
            return answer

        return traced

    def _step(self, name: str) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
        def around(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def traced(*given: Any) -> Any:
                with self._tracer.start_as_current_span(name, record_exception=False):
                    return await step(*given)

            return traced

        return around

    def _upstream(self, forward: Callable[..., Awaitable[int]]) -> Callable[..., Awaitable[int]]:
        from opentelemetry.trace import SpanKind

        async def traced(exchange: Exchange) -> int:
            with self._tracer.start_as_current_span(
                "upstream", kind=SpanKind.CLIENT, record_exception=False
            ) as span:
                headers: dict[str, str] = {}
                self._carrier.inject(headers)
                exchange.trace = [(name.encode(), value.encode()) for name, value in headers.items()]
                status = await forward(exchange)
                span.set_attribute("http.response.status_code", status)
                return status

        return traced


def _not_at_once(scope: Mapping[str, Any], told: object) -> bool:
    """Every query goes the way on which it is followed."""
    return False


def _carried(headers: Headers) -> dict[str, str]:
    """The trace that the caller is in. A header that stands twice is none; what is malformed the library passes over."""
    found = [(name, value) for name, value in headers if name in CARRIED]
    if len({name for name, _ in found}) != len(found):
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in found}
