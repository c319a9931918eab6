"""The processes of the demo: started in groups of their own, watched, and ended to the last one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

MARK = "CARDINAL_CREW"  # carried in the environment by every process of a crew, grandchildren included
PATIENCE = 12.0


class Broken(RuntimeError):
    """A part of the demo failed; the message says which, and shows what it wrote last."""


class Crew:
    """Every process that one demo starts, by name, each with its log."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.logs = folder / "log"
        self.mark = str(folder)
        self.environment = {**environment, MARK: self.mark}
        self.members: dict[str, subprocess.Popen[bytes]] = {}
        self.logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: str | list[str], also: Mapping[str, str] | None = None) -> None:
        """Starts a process whose words go to its log; a string is a line of the Procfile, for the shell.

        `also` is told to this process only.
        """
        with (self.logs / f"{name}.log").open("wb") as log:
            self.members[name] = subprocess.Popen(  # noqa: S603
                command, shell=isinstance(command, str), env={**self.environment, **(also or {})}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def run(
        self,
        name: str,
        command: list[str],
        *,
        aloud: bool = False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Runs a command to its end while watching the others; `aloud` also prints what it writes."""
        self.start(name, command)
        process = self.members[name]
        stopped = threading.Event()
        reader = threading.Thread(target=self._repeat, args=(name, stopped), daemon=True)
        if aloud:
            reader.start()
        while process.poll() is None:
            self.watch(besides=name)
            meanwhile()
            time.sleep(0.1)
        stopped.set()
        if aloud:
            reader.join(5)
        if process.returncode:
            raise Broken(self.account_of(name, process.returncode))
        del self.members[name]

    def _repeat(self, name: str, stopped: threading.Event) -> None:
        with (self.logs / f"{name}.log").open(errors="replace") as log:
            while True:
                ended = stopped.is_set()  # asked before reading, so that the last lines are not lost
                for line in log:
                    sys.stdout.write(f"    {line}")
                sys.stdout.flush()
                if ended:
                    return
                stopped.wait(0.2)

    def watch(self, besides: str = "") -> None:
        """Raises Broken when a process that should run has ended."""
        for name, process in self.members.items():
            if name != besides and process.poll() is not None:
                raise Broken(self.account_of(name, process.returncode))

    def account_of(self, name: str, code: int) -> str:
        """Which process ended, how, and the last twenty lines that it wrote."""
        path = self.logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-20:]
        return "\n".join(
            [f"{name} ended with code {code}; the end of {path}:", *(f"    {line}" for line in lines)]
        )

    def wait_for(self, name: str, address: str, seconds: float = 90.0) -> None:
        """Waits until an address answers with success, for as long as everything else lives."""
        deadline = time.monotonic() + seconds
        while not answers(address):
            self.watch()
            if time.monotonic() > deadline:
                raise Broken(
                    self.account_of(name, 0).replace("ended with code 0", f"does not answer at {address}")
                )
            time.sleep(0.2)

    def end(self) -> None:
        """Asks every process to end, then makes it; the last started is asked first."""
        for process in reversed(self.members.values()):
            _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._left():
            for process in self.members.values():
                process.poll()
            time.sleep(0.1)
        self.sweep()
        self.members.clear()

    def _left(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _is_marked(process, self.mark)]

    def sweep(self) -> int:
        """Kills what is left of this folder's demo; returns how many processes that were."""
        left = self._left()
        for process in left:
            _kill(process)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and self._left():
            time.sleep(0.05)
        return len(left)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return bool(process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, OSError):
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return


def _signal_group(leader: int, order: signal.Signals) -> None:
    try:
        os.killpg(leader, order)
    except (ProcessLookupError, PermissionError):
        return


def answers(address: str) -> bool:
    """Does the address answer with success?"""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310
            return bool(response.status < 400)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def is_free(port: int) -> bool:
    """Can a server listen on this port of loopback?"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
