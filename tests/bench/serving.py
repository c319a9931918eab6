"""Servers for a measurement: on a free port, on one core, ended when it is over."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def granian(application: str, interface: str = "asgi", python: str = sys.executable) -> list[str]:
    """One worker of granian, which serves the yardstick, the peer and the portal."""
    return [python, "-m", "granian", "--interface", interface, "--no-ws", "--http", "1", "--host", "127.0.0.1", "--log-level", "error", application]  # fmt: skip


def port() -> int:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server that runs."""

    def __init__(
        self, command: list[str], given: Mapping[str, str] | None = None, folder: Path = ROOT
    ) -> None:
        self.port = port()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"GATE_PORT": str(self.port), "GRANIAN_PORT": str(self.port)} | dict(given or {}),
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        psutil.Process(self.process.pid).cpu_affinity(
            [min(os.sched_getaffinity(0))]
        )  # its workers inherit it

    def wait(self, path: str = "") -> float:
        """Seconds until it accepts a connection; with a path, until that is answered with 200."""
        while time.monotonic() - self.began < PATIENCE and self.process.poll() is None:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as wire:
                    if not path:
                        return time.monotonic() - self.began
                    wire.sendall(
                        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
                    )
                    if wire.recv(64).startswith(b"HTTP/1.1 200"):
                        return time.monotonic() - self.began
            time.sleep(0.02)
        raise RuntimeError("the server did not start")

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def memory(self) -> float:
        """Megabytes that its largest process holds."""
        return max(float(one.memory_info().rss) for one in self.workers()) / 1_000_000

    def cpu(self) -> float:
        """Seconds of processor time that its workers have used."""
        return sum(sum(one.cpu_times()[:2]) for one in self.workers())

    def end(self) -> None:
        """Ends it, at the latest by force."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            for one in (*self.workers(), self.process):
                one.kill()


@contextlib.contextmanager
def served(
    command: list[str], given: Mapping[str, str] | None = None, folder: Path = ROOT, ready: str = ""
) -> Iterator[Server]:
    """A server for as long as it is measured."""
    server = Server(command, given, folder)
    try:
        server.wait(ready)
        yield server
    finally:
        server.end()
