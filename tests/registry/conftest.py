"""A tracking server of one's own: written to, stopped, started again, with files that can be changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests import tracking

WEBHOOKS = {
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "Zm9yLXRoZS10ZXN0cy1vbmx5LTMyLWJ5dGVzLWxvbmc=",
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
}


@dataclass
class Own:
    """A tracking server that belongs to one module of tests."""

    folder: Path
    uri: str

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri, self.uri)

    def stop(self) -> None:
        tracking._end(self.folder)

    def start(self) -> None:
        """Start again on the same port."""
        port = int(self.uri.rpartition(":")[2])
        free, tracking._free_port = tracking._free_port, lambda: port
        try:
            tracking._started(self.folder, os.getpid())
        finally:
            tracking._free_port = free


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A tracking server with the demo's models that tests may change; it may deliver webhooks to this machine."""
    folder = tmp_path_factory.mktemp("own") / "mlflow"
    shutil.copytree(tracking.trained(), folder)
    patch = pytest.MonkeyPatch()
    for name, value in WEBHOOKS.items():
        patch.setenv(name, value)
    server = Own(folder, tracking._started(folder, os.getpid()))
    yield server
    if folder in tracking.KEEPERS:
        server.stop()
    patch.undo()
