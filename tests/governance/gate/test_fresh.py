"""Whatever a decision depends on is seen within a second of its commit: by every worker, of every gate, under load.

Two gates on one database, one of them with two workers; each change by its verb and past every verb, and back where
there is a way back. How soon it is usually seen is measured by `script/bench fresh`, not here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.governance.gate import ledger, servers
from tests.governance.gate.changes import CHANGES
from tests.governance.gate.conftest import start
from tests.governance.gate.crowd import Crowd
from tests.governance.gate.stand import Case, Stand, measure


def upstream(word: str) -> ThreadingHTTPServer:
    """A model server that has one answer to everything."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(word)))
            self.end_headers()
            self.wfile.write(word.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database of this file, on which its verbs work."""
    with servers.copy("fresh") as made, django_db_blocker.unblock(), servers.inside(made):
        yield made


@pytest.fixture(scope="module")
def stand(address: str) -> Iterator[Stand]:
    """What is changed."""
    models = [upstream("one"), upstream("two")]
    urls = [f"http://127.0.0.1:{one.server_address[1]}" for one in models]
    yield Stand((urls[0], urls[1])).make()
    for one in models:
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def crowd(address: str, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Who asks both gates, and each of their workers."""
    folder, given = tmp_path_factory.mktemp("fresh"), servers.environment(address)
    gates = servers.started(
        lambda: start(folder, given | {"GATE_WORKERS": "2"}), lambda: start(folder, given)
    )
    _, ask = stand.token()
    try:
        with Crowd([gate.port for gate in gates], connections=4, pause=0.02) as made:
            for _ in range(100):
                if len(writers(made, ask, address)) == 3:
                    break
                made.redial()
            yield made
    finally:
        for gate in gates:
            gate.end()


def writers(crowd: Crowd, ask: bytes, address: str) -> set[str]:
    """Which workers answer the crowd, as the journal says."""
    crowd.forget()
    crowd.ask = ask
    crowd.until(lambda: len(crowd.heard) >= 40, 20, "no load")
    crowd.ask = None
    found = ledger.rows(
        address,
        "SELECT DISTINCT b.writer FROM governance_batch b JOIN governance_decision d ON d.batch_id = b.id"
        " WHERE d.id = ANY (%s)",
        [one.decision for one in crowd.heard if one.decision],
    )
    return {row["writer"] for row in found}


@pytest.mark.parametrize("make", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_seen_within_a_second(crowd: Crowd, stand: Stand, make: Callable[[Stand], Case]) -> None:
    measure(crowd, make(stand))


def test_every_worker_was_asked(crowd: Crowd, stand: Stand, address: str) -> None:
    """Else the table above would say nothing about them. And nothing that was answered here is lost."""
    _, ask = stand.token()

    assert len(writers(crowd, ask, address)) == 3
    ledger.check(address, crowd.heard)
