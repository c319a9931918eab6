"""The gate as it runs: a process of its own on a free port, on the test database, with a model server behind it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.db import Error, connection

from governance.models import Decision
from registry.actions import catalogue
from registry.models import Environment, Version
from tests import factories

ROOT = Path(__file__).resolve().parents[3]


def _commits() -> str:
    """Changes with every transaction that writes; "" where nobody can be asked: in a thread, or while the database is away."""
    if threading.current_thread() is not threading.main_thread():
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
            return str(cursor.fetchone()[0])
    except (Error, RuntimeError):  # or a test without a database of its own
        return ""


@dataclass
class Running:
    """A gate that runs. `log` is what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    url: str = field(init=False)
    client: httpx.Client = field(init=False, repr=False)
    _seen: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=10, trust_env=False, verify=False)  # noqa: S501 - no TLS here

    def check(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        """What nginx would ask for `path`."""
        given = {"X-Original-URI": path, "X-Original-Method": "POST"} | headers
        if token:
            given["Authorization"] = f"Bearer {token}"
        self._heard()
        answer = self.client.get("/check", headers=given)
        self._seen = _commits()
        return answer

    def predict(self, path: str, token: str = "", body: bytes = b"{}", **headers: str) -> httpx.Response:
        """A prediction through the gate."""
        given = {"Content-Type": "application/json"} | headers
        if token:
            given["Authorization"] = f"Bearer {token}"
        self._heard()
        answer = self.client.post(path, content=body, headers=given)
        self._seen = _commits()
        return answer

    def _heard(self) -> None:
        """Waits until the gate knows what has been committed so far. How soon it does is measured elsewhere."""
        if _commits() in ("", self._seen):
            return
        asked = time.monotonic()
        while time.monotonic() - asked < 5:
            age = float(self.client.get("/readyz").headers.get("x-cardinal-news-age", "inf"))
            if age < time.monotonic() - asked or age == float(
                "inf"
            ):  # nothing is kept: the database is asked
                return
            time.sleep(0.02)

    def raw(self, request: bytes) -> bytes:
        """The answer to these very bytes, up to where the gate has no more to say."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(request)
            wire.settimeout(3)
            answer = b""
            try:
                while chunk := wire.recv(65536):
                    answer += chunk
            except TimeoutError:
                pass
        return answer

    def kill(self) -> None:
        """SIGKILL to the server and its workers, as a machine would lose them."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def end(self) -> None:
        """SIGTERM, as an operator would."""
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, environment: dict[str, str]) -> Running:
    """Starts a gate and waits until it answers."""
    port = free_port()
    log = folder / f"gate-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "governance.gate"],
            cwd=ROOT,
            env=os.environ | {"GATE_PORT": str(port), "HTTPS": "False"} | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    gate = Running(process, port, log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if gate.client.get("/readyz").status_code == 200:
                return gate
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    gate.end()
    raise AssertionError(f"The gate did not start: {log.read_text()[-2000:]}")


def on_test_database() -> dict[str, str]:
    """The environment that puts a process on the database of these tests."""
    now = connection.settings_dict
    host = quote(now["HOST"], safe="")
    password = f":{quote(now['PASSWORD'], safe='')}" if now["PASSWORD"] else ""
    place = f"{host}:{now['PORT']}" if now["PORT"] else host
    return {
        "DATABASE_URL": f"postgresql://{now['USER']}{password}@{place}/{now['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "TOKEN_PEPPER": settings.TOKEN_PEPPER,
        "GATE_BODY_LIMIT": "200000",
        "GATE_UNKNOWN_TOKENS": "1000000",  # these tests present many; test_stuffing.py has gates of its own
        "GATE_UPSTREAM_TIMEOUT": "2",
    }


@pytest.fixture(scope="session")
def gate(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gate for all tests that leave it alive."""
    running = start(tmp_path_factory.mktemp("gate"), on_test_database())
    yield running
    running.end()


@pytest.fixture
def own_gate(transactional_db: None, tmp_path: Path) -> Iterator[Running]:
    """A gate for one test, which may kill it."""
    running = start(tmp_path, on_test_database())
    yield running
    running.end()


class _Scoring(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        server: Any = self.server
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self._chunks() if self.command == "POST" else b""
        server.seen.append((self.path, dict(self.headers.items()), body))
        if b"slow" in body:
            server.hung_up.wait(5)
        server.asked.append(self.command)
        answer = b'{"predictions": [1]}'
        self.send_response(200)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer)),
            "Connection": "x-internal",
            "X-Internal": "secret",
            "X-Cardinal-Decision": "forged",
            "Set-Cookie": "a=b",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def scoring() -> Iterator[Any]:
    """A model server on loopback; `seen` holds path, headers and body of what reached it."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Scoring)
    server.daemon_threads = True
    server.seen, server.asked = [], []
    server.hung_up = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.hung_up.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Served:
    """A cleared version with champion, policy, endpoint and a token that reaches it."""

    version: Version
    token: Any
    secret: str

    @property
    def slug(self) -> str:
        return str(self.version.model.slug)

    @property
    def path(self) -> str:
        return f"/models/{self.slug}/invocations"


def serve(url: str = "http://127.0.0.1:9", **manner: Any) -> Served:
    """Everything that an allowed query needs, reached by verbs. `manner`: how the model server is asked."""
    version = factories.approved_version()
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=factories.member("admin"))
    catalogue.set_endpoint(
        version=version, environment=Environment.PRODUCTION, url=url, by=factories.member("admin"), **manner
    )
    factories.policy(version.model, "group:owner")
    token, secret = factories.token(version.model)
    return Served(version, token, secret.text)


@pytest.fixture
def served(transactional_db: None, scoring: Any) -> Served:
    """A model that may be queried."""
    return serve(scoring.url)


def code(response: httpx.Response) -> str:
    """The reason in body and header, which are the same."""
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-cardinal-reason"] == problem["code"]
    assert response.status_code == problem["status"]
    return str(problem["code"])


def stored(response: httpx.Response) -> Decision:
    """The decision that this answer names."""
    return Decision.objects.get(pk=response.headers["x-cardinal-decision"])


@pytest.fixture(scope="session")
def trusting_gate(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gate that believes a proxy at 127.0.0.1, for all tests that leave it alive."""
    trusted = {"TRUSTED_PROXIES": "127.0.0.1/32"}
    running = start(tmp_path_factory.mktemp("trusting"), on_test_database() | trusted)
    yield running
    running.end()
