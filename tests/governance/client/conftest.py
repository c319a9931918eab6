"""The command as a process of its own, the portal as it runs, and servers that answer as no portal does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from governance import tokens
from tests.governance.client.bare import ROOT

BARE = Path(__file__).with_name("bare.py")
TOKEN = tokens.new("p", "x" * 32).text  # known nowhere


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


@dataclass
class Terminal:
    """Runs `cardinal …` with this environment; no secret of it may be printed."""

    environment: dict[str, str]
    secrets: list[str] = field(default_factory=list)
    patience: float = 60

    def __call__(self, *arguments: str, given: str = "", **more: str) -> Ended:
        ran = subprocess.run(
            [sys.executable, str(BARE), *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | self.environment | more,
            input=given,
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )
        for secret in self.secrets:
            assert secret not in ran.stdout + ran.stderr
        return Ended(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def terminal(tmp_path: Path) -> Callable[..., Terminal]:
    """`terminal(url, secret)` is somebody with this token, who never sees it printed."""

    def opened(url: str, secret: str, **environment: str) -> Terminal:
        given = {"CARDINAL_URL": url, "CARDINAL_TOKEN": secret, "HOME": str(tmp_path)}
        return Terminal(given | environment, [secret])

    return opened


@dataclass
class Scripted:
    """A server that gives one answer after another, the last one for ever: (status, headers, body)."""

    url: str
    answers: list[Any]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        scripted: Scripted = self.server.scripted  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scripted.seen.append((self.command, self.path, dict(self.headers.items()), body))
        answer = scripted.answers.pop(0) if len(scripted.answers) > 1 else scripted.answers[0]
        if callable(answer):
            answer(self)
            return
        status, headers, content = answer
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": str(len(raw))} | headers
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - as the standard library calls them

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """`scripted((200, {}, {...}), ...)` starts a server on loopback."""
    started = []

    def start(*answers: Any) -> Scripted:
        server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
        server.daemon_threads = True
        server.scripted = Scripted(f"http://127.0.0.1:{server.server_address[1]}", list(answers))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        started.append((server, thread))
        found: Scripted = server.scripted
        return found

    yield start
    for server, thread in started:
        server.shutdown()
        server.server_close()
        thread.join(5)
