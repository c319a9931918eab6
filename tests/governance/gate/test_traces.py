"""Traces as a collector gets them: one span a query, its steps within, and never a secret."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from governance.gate import traces
from governance.gate.app import Gate
from governance.gate.configuration import from_settings
from tests.governance.gate.conftest import ROOT, Running, Served, free_port, on_test_database, start

pytest.importorskip(
    "opentelemetry.exporter.otlp.proto.http.trace_exporter", reason="the extra otel is not installed"
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        server.bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Any]:
    """An OTLP receiver on loopback."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    server.daemon_threads, server.bodies = True, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def traced(transactional_db: None, collector: Any, tmp_path: Path) -> Iterator[Running]:
    """A gate that sends its traces there."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    running = start(tmp_path, on_test_database() | environment)
    yield running
    running.end()


def spans(collector: Any, wanted: Callable[[list[Any]], bool]) -> list[Any]:
    """All spans so far, once they are enough."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = [
            span
            for path, body in list(collector.bodies)
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        if wanted(found):
            return found
        time.sleep(0.1)
    raise AssertionError("The spans did not come.")


def told(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_query_is_one_trace_from_the_caller_to_the_model_server(
    traced: Running, served: Served, collector: Any, scoring: Any
) -> None:
    answer = traced.predict(served.path, served.secret, traceparent=f"00-{TRACE}-{PARENT}-01")
    assert answer.status_code == 200

    found = {span.name: span for span in spans(collector, lambda all_: len(all_) >= 4)}

    server = found["gate proxy"]
    assert server.trace_id.hex() == TRACE
    assert server.parent_span_id.hex() == PARENT
    assert {found[name].parent_span_id for name in ("grant", "journal", "upstream")} == {server.span_id}
    facts = told(server)
    assert facts["cardinal.model"] == served.slug
    assert (facts["cardinal.version"], facts["cardinal.reason"], facts["cardinal.allowed"]) == (
        1,
        "allowed",
        True,
    )
    assert facts["cardinal.decision"] == answer.headers["x-cardinal-decision"]
    assert facts["http.response.status_code"] == 200
    went_on = {name.lower(): value for name, value in scoring.seen[-1][1].items()}["traceparent"]
    assert went_on.split("-")[1:3] == [TRACE, found["upstream"].span_id.hex()]


def test_a_refusal_is_traced_and_no_secret_ever(traced: Running, served: Served, collector: Any) -> None:
    secret = served.secret
    traced.predict(served.path, secret, body=secret.encode(), **{"X-Secret": secret})
    traced.check(served.path, "")
    traced.client.get("/check", params={"access_token": secret}, headers={"X-Original-URI": f"/a?t={secret}"})
    traced.client.get(f"/models/{secret}/invocations")

    def all_there(found: list[Any]) -> bool:
        return sum(span.name.startswith("gate ") for span in found) == 4

    reasons = [
        told(span)["cardinal.reason"] for span in spans(collector, all_there) if span.name.startswith("gate ")
    ]

    assert reasons[:2] == ["allowed", "token_missing"]
    assert set(reasons[2:]) == {"token_in_url"}
    assert not any(secret.encode() in body for _, body in collector.bodies)


def test_a_collector_that_is_away_costs_no_answer(
    transactional_db: None, served: Served, tmp_path: Path
) -> None:
    gate = start(tmp_path, on_test_database() | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    try:
        assert gate.check(served.path, served.secret).status_code == 200
    finally:
        gate.end()


def test_without_a_collector_nothing_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in traces.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)

    gate = Gate(from_settings())

    assert traces.follow(gate) is None
    assert not {"_answer", "at_once"} & vars(gate).keys()
    assert "decided" not in vars(gate.judge)


def test_a_collector_without_the_library_is_a_loud_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(
        __import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None
    )

    with pytest.raises(ImproperlyConfigured, match="otel"):
        traces.follow(Gate(from_settings()))


def test_a_gate_that_cannot_follow_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")  # as if the library were not there
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, "-m", "governance.gate"],
        env=os.environ | given | {"GATE_PORT": str(free_port())}, cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr.count("cardinal-governance[otel]") == 1
