"""A real tracking server for the tests: one per run, shared by its workers, gone when the run is gone.

The demo's models are trained into a folder once per state of the training code and kept under
`var/test/mlflow`. Each run starts its server on a copy, so that no test can spoil what the next run reuses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROJECT = Path(__file__).resolve().parents[1]
KEPT = PROJECT / "var" / "test" / "mlflow"
ROWS = 400
PATIENCE_SECONDS = 120
KEEPERS: dict[Path, subprocess.Popen[bytes]] = {}
ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONUNBUFFERED": "1",
}
WEBHOOKS = {
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "Zm9yLXRoZS10ZXN0cy1vbmx5LTMyLWJ5dGVzLWxvbmc=",
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
}


@dataclass(frozen=True)
class Tracking:
    """A running tracking server and the folder in which it keeps its artifacts."""

    uri: str
    artifacts: Path


@pytest.fixture(scope="session")
def tracking_server(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """A tracking server that holds the demo's models, trained small. Add to it, but change nothing in it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder, note = shared / "mlflow", shared / "mlflow.json"
    with _alone(shared / "mlflow.lock"):
        if note.exists():
            uri = json.loads(note.read_text())["uri"]
        else:
            shutil.copytree(trained(), folder)
            uri = _started(folder, run)
            note.write_text(json.dumps({"uri": uri}))
    return Tracking(uri=uri, artifacts=folder / "artifacts")


@dataclass
class Own:
    """A tracking server that belongs to one module of tests."""

    folder: Path
    uri: str

    @property
    def client(self) -> MlflowClient:
        from mlflow import MlflowClient  # seconds, which only those wait for who ask it

        return MlflowClient(self.uri, self.uri)

    def stop(self) -> None:
        _end(self.folder)

    def start(self) -> None:
        """Start again on the same port."""
        port = int(self.uri.rpartition(":")[2])
        _started(self.folder, os.getpid(), port=port)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A tracking server with the demo's models that tests may change; it may deliver webhooks to this machine."""
    folder = tmp_path_factory.mktemp("own") / "mlflow"
    shutil.copytree(trained(), folder)
    patch = pytest.MonkeyPatch()
    for name, value in WEBHOOKS.items():
        patch.setenv(name, value)
    server = Own(folder, _started(folder, os.getpid()))
    yield server
    if folder in KEEPERS:
        server.stop()
    patch.undo()


def trained() -> Path:
    """The folder of a tracking server with the demo's models in it, made when the training code is new."""
    folder = KEPT / _state()
    KEPT.mkdir(parents=True, exist_ok=True)
    with _alone(KEPT / "lock"):
        if not folder.exists():
            for old in KEPT.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            _train(folder)
    return folder


def _train(folder: Path) -> None:
    """Train beside the folder and move it there when all is well, so that half a training is never kept."""
    growing = folder.with_name(f"{folder.name}.growing")  # a killed run's remains were removed by our caller
    growing.mkdir()
    uri = _started(growing, os.getpid())
    try:
        program = f"from governance.demo.training import train; train({uri!r}, rows={ROWS})"
        subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True, timeout=PATIENCE_SECONDS)
    finally:
        _end(growing)
    growing.rename(folder)


def _state() -> str:
    """A digest of whatever decides what is trained: the code, the rows, the versions of the libraries."""
    digest = hashlib.sha256(f"{ROWS} {sys.version_info[:2]}".encode())
    for package in ("mlflow", "scikit-learn", "numpy", "pandas", "skops"):
        digest.update(f"{package} {importlib.metadata.version(package)}".encode())
    demo = PROJECT / "governance" / "demo"
    for file in sorted([demo / "training.py", *(demo / "models").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _started(folder: Path, run: int, *options: str, port: int = 0) -> str:
    """Start a server on `folder` that ends with the process `run`, and wait until it answers."""
    port = port or _free_port()
    with (folder / "server.log").open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(run), str(folder), str(port), *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )
    KEEPERS[folder] = keeper
    uri = f"http://127.0.0.1:{port}"
    until = time.monotonic() + PATIENCE_SECONDS
    while not _answers(uri):
        if keeper.poll() is not None or time.monotonic() > until:
            _end(folder)
            raise RuntimeError(f"The tracking server did not start; read {folder / 'server.log'}.")
        time.sleep(0.2)
    return uri


def _end(folder: Path) -> None:
    """End the keeper of this folder, and wait until its server has let go of the files."""
    keeper = KEEPERS.pop(folder)
    keeper.terminate()
    keeper.wait()


def _answers(uri: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{uri}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(run: int, folder: Path, port: int, options: list[str]) -> None:
    """Run the server as a child; end it when the test run is gone, however that happened."""
    server = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--workers",
                "1",
            ),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts")),
            *options,
        ],
        cwd=folder,
    )
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    while not asked and server.poll() is None and _lives(run):
        time.sleep(0.2)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)  # the keeper leads its own process group; the server's workers are in it
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _keep(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
