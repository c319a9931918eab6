"""What stands behind the gate: a model server that talks, and a gate that knows it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.governance.gate.conftest import ROOT, Running, Served, free_port, on_test_database, serve, start

SECRET = "sk-of-the-gate-alone"
CHAT = "/openai/v1/chat/completions"


@dataclass
class Talker:
    """The talking model server."""

    url: str

    def seen(self) -> list[dict[str, Any]]:
        """What came in, oldest first."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/seen", trust_env=False).json()
        return found

    @property
    def last(self) -> dict[str, Any]:
        return self.seen()[-1]


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talker]:
    """Under uvicorn, on loopback."""
    port = free_port()
    log = tmp_path_factory.mktemp("talker") / "log"
    command = [
        "uvicorn",
        "tests.governance.gate.behind.talker:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--lifespan", "off"], cwd=ROOT, stdout=out, stderr=out
        )
    found = Talker(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while True:
        try:
            found.seen()
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    yield found
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def wide(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, talker: Talker
) -> Iterator[Running]:
    """A gate that lets large bodies through, few calls at once, and that knows one secret for the talker."""
    own = {
        "GATE_BODY_LIMIT": "200000000",
        "GATE_UPSTREAM_CALLS": "3",
        "GATE_JSON_LIMIT": "20000",
        "GATE_CREDENTIALS": "llm",
        "GATE_CREDENTIAL_LLM": SECRET,
        "GATE_CREDENTIAL_LLM_HOSTS": talker.url,
    }
    running = start(tmp_path_factory.mktemp("gate"), on_test_database() | own)
    yield running
    running.end()


@pytest.fixture
def chatting(transactional_db: None, talker: Talker) -> Served:
    """A model that talks."""
    return serve(talker.url, protocol="openai", served_name="org/large:7b")


def chat(gate: Running, served: Served, model: str = "", path: str = CHAT, **asked: Any) -> httpx.Response:
    body = {"model": model or served.slug} | asked
    return gate.predict(path, served.secret, json.dumps(body).encode())
