"""The gate's decisions, each journalled before it is answered, against the same server doing nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests import factories
from tests.bench import load

ROUNDS = 3


def measure() -> Iterator[str]:
    """Requests per second of /check with an allowed token and of a bare application, round by round."""
    version = factories.approved_version()
    factories.policy(version.model, "group:owner")
    _, secret = factories.token(version.model)
    path = f"/models/{version.model.slug}/versions/{version.number}/invocations"
    request = (
        f"GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Original-URI: {path}\r\nX-Original-Method: POST\r\n"
        f"Authorization: Bearer {secret.text}\r\n\r\n"
    ).encode()
    with served([sys.executable, "-m", "governance.gate"]) as ours, served(_bare()) as bare:
        for n in range(1, ROUNDS + 1):
            yardstick = load.run(bare, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            seen = load.run(ours, request)
            alone = load.run(ours, request, connections=1, seconds=2)
            yield (
                f"round {n}: {seen.per_second:.0f} decisions/s at 32 connections (median {seen.median:.1f} ms, "
                f"p99 {seen.p99:.1f} ms, statuses {sorted(seen.statuses)}); alone {alone.median:.2f} ms; "
                f"bare {yardstick.per_second:.0f}/s; ratio {seen.per_second / yardstick.per_second:.3f}"
            )


def _bare() -> list[str]:
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--http", "1",
        "--host", "127.0.0.1", "tests.bench.bare:application",
    ]  # fmt: skip


@contextlib.contextmanager
def served(command: list[str], **environment: str) -> Iterator[int]:
    """A server on a free port, for as long as it is measured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = os.environ | {"GATE_PORT": str(port), "GRANIAN_PORT": str(port)} | environment
    process = subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(15)
