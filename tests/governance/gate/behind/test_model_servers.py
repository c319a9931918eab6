"""Real model servers behind the gate: MLflow's own scoring server, and MLServer, each asked in its own protocol."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.actions import catalogue
from tests import factories, mlserver
from tests.governance.gate.conftest import (
    ROOT,
    Running,
    Served,
    code,
    free_port,
    on_test_database,
    serve,
    start,
)
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 120


@contextmanager
def running(command: Sequence[str], folder: Path, url: str, **options: Any) -> Iterator[str]:
    """The server at `url` once it is ready, until it is no longer needed."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **options)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _says_ok(url):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def _says_ok(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def patient(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gate that waits for real servers on a busy machine."""
    gate = start(tmp_path_factory.mktemp("gate"), on_test_database() | {"GATE_UPSTREAM_TIMEOUT": "60"})
    gate.client.timeout = httpx.Timeout(60)
    yield gate
    gate.end()


@pytest.fixture(scope="module")
def scorer(tracking_server: Tracking, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's scoring server with the smallest model of the demo."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.serving", tracking_server.uri, f"digit-reader/1={port}"]
    with running(command, tmp_path_factory.mktemp("serving"), f"{url}/ping", cwd=ROOT):
        yield url


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLServer with two versions of a model that say the contrary of each other."""
    folder, ports = tmp_path_factory.mktemp("mlserver"), [free_port() for _ in range(3)]
    try:
        mlserver.furnish(folder, *ports)
    except mlserver.Unavailable as reason:
        pytest.skip(str(reason))
    url = f"http://127.0.0.1:{ports[0]}"
    command = [str(mlserver.environment() / "mlserver"), "start", str(folder)]
    path = {"PATH": f"{mlserver.environment()}:{os.environ['PATH']}"}
    with running(command, folder, f"{url}/v2/models/scorer/ready", env=os.environ | path):
        yield url


@pytest.fixture
def two(transactional_db: None, v2: str) -> Served:
    """A model with two cleared versions, both at the V2 server."""
    manner: dict[str, Any] = {"protocol": "v2", "served_name": "scorer", "version_in_path": True}
    served = serve(v2, **manner)
    second = factories.version(model=served.version.model, number=2)
    catalogue.set_endpoint(
        version=second, environment="production", url=v2, by=factories.member("admin"), **manner
    )
    factories.approved_version(second)
    return served


def test_mlflows_own_scoring_server_answers_through_the_gate(
    patient: Running, transactional_db: None, scorer: str
) -> None:
    served = serve(scorer)

    columns = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    image = {"dataframe_split": {"columns": columns, "data": [[0.0] * 64]}}

    answered = patient.predict(served.path, served.secret, json.dumps(image).encode())
    wrong = patient.predict(served.path, served.secret, b'{"nothing": 1}')

    assert answered.status_code == 200, answered.text
    assert len(answered.json()["predictions"]) == 1
    assert wrong.status_code == 400  # the model server's own word, with its own body
    assert "x-cardinal-decision" in wrong.headers


def test_a_v2_server_infers_with_the_version_that_the_alias_names(patient: Running, two: Served) -> None:
    def infer(version: str = "") -> httpx.Response:
        return patient.client.post(
            f"/v2/models/{two.slug}{version}/infer",
            json={"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 1.0]}]},
            headers={"Authorization": f"Bearer {two.secret}"},
        )

    assert _said(infer()) == ("1", [1])
    assert _said(infer("/versions/2")) == ("2", [0])
    assert code(infer("/versions/next")) == "version_unknown"

    catalogue.move_aliases(
        model=two.version.model, aliases={"champion": 2, "next": 1}, by=factories.member("admin")
    )

    assert _said(infer()) == ("2", [0])
    assert _said(infer("/versions/next")) == ("1", [1])


def test_a_v2_server_tells_of_the_model_only_to_who_may_ask_it(patient: Running, two: Served) -> None:
    bearer = {"Authorization": f"Bearer {two.secret}"}
    path = f"/v2/models/{two.slug}/versions/2"

    assert patient.client.get(path, headers=bearer).json()["name"] == "scorer"
    assert patient.client.get(f"{path}/ready", headers=bearer).status_code == 200
    assert patient.client.head(f"{path}/ready", headers=bearer).status_code == 200
    assert code(patient.client.get(path)) == "token_missing"


def _said(response: httpx.Response) -> tuple[str, list[int]]:
    assert response.status_code == 200, response.text
    said = response.json()
    assert response.headers["x-cardinal-version"] == said["model_version"]
    return said["model_version"], said["outputs"][0]["data"]
