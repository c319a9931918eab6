"""The gate against its limits: a bare server doing nothing, what others would build, and a direct call.

All figures of a round come from the same minute of the same machine; ratios are of medians over the rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings

from governance import policies
from governance.gate.configuration import database
from registry.actions import catalogue
from registry.models import Version
from tests import factories
from tests.bench import load, peers
from tests.bench.load import Load
from tests.bench.serving import Server, granian, served

ROUNDS = 3
GATE = [sys.executable, "-m", "governance.gate"]
UNJOURNALLED = [sys.executable, "-m", "tests.bench.unjournalled"]
BARE_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def measure() -> Iterator[str]:
    """Decisions per second with durable journal, and what they cost beside others."""
    version, secret = landscape()
    request = check(version, secret)
    seen: dict[str, list[Load]] = {}
    spent: dict[str, list[float]] = {}
    for name, command, given, asked in (
        ("bare", granian("tests.bench.bare:application"), {}, BARE_REQUEST),
        ("gate", GATE, {}, request),
        ("path", UNJOURNALLED, {}, request),
        ("knox", *_peer()),
    ) * ROUNDS:
        with served(command, given) as server:
            warm(server, asked)
            before = server.cpu()
            one = load.run(server.port, [asked], seconds=4)
            seen.setdefault(name, []).append(one)
            spent.setdefault(name, []).append((server.cpu() - before) / one.per_second / 4 * 1e6)
    for name, runs in seen.items():
        yield (
            f"{name}: {_median(runs, 'per_second'):.0f}/s (median {_median(runs, 'median'):.2f} ms, "
            f"p99 {_median(runs, 'p99'):.1f} ms, {statistics.median(spent[name]):.0f} µs of processor a request, "
            f"{runs[0].statuses})"
        )
    rates = {name: _median(runs, "per_second") for name, runs in seen.items()}
    yield (
        f"gate/bare {rates['gate'] / rates['bare']:.3f} (at least 0.50); gate/knox {rates['gate'] / rates['knox']:.0f} "
        f"(at least 90); without journal {rates['path'] / rates['bare']:.3f} (at least 0.87)"
    )
    yield f"policy: {_policy():.2f} µs an evaluation (at most 5)"
    yield from _starting()
    yield from _proxying(version, secret)


def landscape() -> tuple[Version, str]:
    """A version that may be queried, and a token for it."""
    version = factories.approved_version()
    factories.policy(version.model, "group:owner")
    return version, factories.token(version.model)[1].text


def check(version: Version, secret: str) -> bytes:
    """What nginx would ask."""
    path = f"/models/{version.model.slug}/versions/{version.number}/invocations"
    return (
        f"GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Original-URI: {path}\r\nX-Original-Method: POST\r\n"
        f"Authorization: Bearer {secret}\r\n\r\n"
    ).encode()


def warm(server: Server, request: bytes) -> None:
    """Until it has answered for a while: connections, plans and grants are there."""
    load.run(server.port, [request], connections=4, seconds=1.0)


def _median(runs: list[Load], name: str) -> float:
    return statistics.median(getattr(one, name) for one in runs)


def _peer() -> tuple[list[str], dict[str, str], bytes]:
    parameters = database(settings.DATABASES["default"])
    name = "cardinal_peer"
    with psycopg.connect(**parameters, autocommit=True) as ours:
        ours.execute(f"DROP DATABASE IF EXISTS {name}")
        ours.execute(f"CREATE DATABASE {name}")
    given = {"PEER_NAME": name} | {
        f"PEER_{theirs.upper()}": str(parameters[own])
        for own, theirs in (("user", "user"), ("password", "password"), ("host", "host"), ("port", "port"))
        if own in parameters
    }
    python = str(peers.environment(Path(os.environ["CARDINAL_VAR"]) / "peers"))
    made = subprocess.run(
        [python, "knox_gate.py", str(peers.TOKENS), str(peers.THINGS)],
        env=os.environ | given, cwd=peers.HERE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    token = made.stdout.split()[-1]
    command = [*granian("knox_gate:application", "wsgi", python), "--working-dir", str(peers.HERE)]
    request = f"GET /check/thing-7/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Token {token}\r\n\r\n"
    return command, given, request.encode()


def _policy() -> float:
    """Microseconds for a policy with every condition that needs no counter."""
    hours = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "24:00", "zone": "Europe/Berlin"}  # fmt: skip
    policy = policies.compiled(
        {
            "schema": policies.SCHEMA,
            "rules": [
                {"effect": "deny", "subjects": ["user:nobody"], "actions": ["predict"]},
                {
                    "effect": "allow", "subjects": ["group:owner"], "actions": ["predict", "explain"], "hours": [hours],
                    "networks": ["10.0.0.0/8", "2001:db8::/32"], "purposes": ["scoring"], "max_payload_bytes": 100_000,
                },
            ],
        }
    )  # fmt: skip
    groups = frozenset({"owner", "viewer"})

    query = policies.Query(
        caller="owner", groups=groups, action="predict", at=datetime.now(UTC), network="10.1.2.3", purpose="scoring",
        payload_bytes=2_000,
    )  # fmt: skip
    assert policies.evaluate(policy, query).allowed
    return _microseconds(lambda: policies.evaluate(policy, query))


def _microseconds(deed: Callable[[], object], times: int = 20_000) -> float:
    found = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            deed()
        found.append((time.process_time() - began) / times * 1e6)
    return min(found)


def _starting() -> Iterator[str]:
    found = []
    for _ in range(ROUNDS):
        server = Server(GATE)
        found.append(server.wait("/readyz"))
        server.end()
    yield f"start to ready: {statistics.median(found):.2f} s (at most 2)"


def _proxying(version: Version, secret: str) -> Iterator[str]:
    """A prediction through the gate against the same one sent to the model server."""
    body = b'{"inputs": [[1.0, 2.0]]}'
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    path = f"/models/{version.model.slug}/versions/{version.number}/invocations"
    with served(granian("tests.bench.bare:scoring")) as behind, served(GATE) as gate:
        catalogue.set_endpoint(
            version=version,
            environment="production",
            url=f"http://127.0.0.1:{behind.port}",
            by=factories.member("admin"),
        )
        direct = f"POST /invocations HTTP/1.1\r\n{head}\r\n".encode() + body
        through = f"POST {path} HTTP/1.1\r\n{head}Authorization: Bearer {secret}\r\n\r\n".encode() + body
        warm(gate, through)
        found = []
        for _ in range(ROUNDS):
            near = load.run(behind.port, [direct], connections=1, seconds=2)
            far = load.run(gate.port, [through], connections=1, seconds=2)
            found.append(far.median - near.median)
            yield f"a prediction: {near.median:.2f} ms direct, {far.median:.2f} ms through the gate ({far.statuses})"
    yield f"proxying adds {statistics.median(found):.2f} ms (at most 1.5)"
