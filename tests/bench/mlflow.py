"""Keeping in step with a real tracking server of 1 000 models × 3 versions: reads, hashing, answers to hooks."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases

from registry import ciphers, sync
from registry.actions import servers
from registry.models import Manifest, TrackingServer, User, Version
from tests import tracking
from tests.bench import clocks
from tests.bench.gate import served

MODELS, VERSIONS = 1_000, 3
BIG_MB = 256
ROUNDS = 3
HOOKS = 200
SHA256SUM = shutil.which("sha256sum") or "sha256sum"
KEPT = Path(os.environ.get("CARDINAL_VAR", "var/bench")) / "mlflow"
WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"


def measure() -> Iterator[str]:
    """First read, unchanged reconcile, hashing against sha256sum, answer time of the hook, in an empty database."""
    folder = KEPT / "filled"
    if not folder.exists():
        _fill(folder)
    old = setup_databases(verbosity=0, interactive=False)
    try:
        with _tracking(folder) as uri:
            server = servers.add(name="bench", uri=uri, by=User.machine())
            yield _first(server)
            for _ in range(ROUNDS):
                yield _again(server)
            yield _hashing(server, folder)
            yield _contents(server)
            yield _hooks(server)
    finally:
        connections.close_all()
        teardown_databases(old, verbosity=0)


def _first(server: TrackingServer) -> str:
    outcome, took = _read(server)
    found = f"{outcome.models_added} models and {outcome.versions_added} versions"
    return f"first read: {found} read and stored in {took}; {len(outcome.waiting)} wait for a worker"


def _again(server: TrackingServer) -> str:
    before = _written()
    _, took = _read(server)
    return f"unchanged: {took}, {_written() - before} row written (synced_at)"


def _read(server: TrackingServer) -> tuple[sync.Outcome, str]:
    """One pass, and how long it took; what is not processor time here was waiting, most of it for the tracking server."""
    connection.ensure_connection()
    clock, registry, database = time.perf_counter(), time.process_time(), clocks.database()
    outcome = sync.read(server, by=User.machine())
    took = time.perf_counter() - clock
    registry, database = time.process_time() - registry, clocks.database() - database
    assert not outcome.problems, outcome.problems
    return outcome, f"{took:.2f} s (processor: registry {registry:.2f} s, database {database:.2f} s)"


def _written() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
        cursor.execute(WRITTEN)
        return int(cursor.fetchone()[0])


def _hashing(server: TrackingServer, folder: Path) -> str:
    file = next((folder / "artifacts").rglob("weights.bin"))
    version = Version.objects.select_related("model__server", "run").get(model__name="big", number=1)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_timed(lambda: subprocess.run([SHA256SUM, file], check=True, capture_output=True)))
        ours.append(_timed(lambda: sync.rehash(version, by=User.machine())))
    told = {row["path"]: row["sha256"] for row in Manifest.objects.get(version=version).files}
    assert told["weights.bin"] == _digest(file)
    speeds = [BIG_MB * 1.048576 / min(times) for times in (ours, theirs)]
    return (
        f"hashing: {speeds[0]:.0f} MB/s over HTTP, sha256sum {speeds[1]:.0f} MB/s, "
        f"ratio {min(theirs) / min(ours):.2f}"
    )


def _contents(server: TrackingServer) -> str:
    keys = list(Version.objects.unread().exclude(model__name="big").values_list("pk", flat=True)[:50])
    took = _timed(lambda: sync.read_contents(server, keys, by=User.machine()))
    return f"contents: {len(keys) / took:.0f} versions/s tried by one worker (these have no files)"


def _hooks(server: TrackingServer) -> str:
    servers.order_hook(server=server, by=User.machine())
    secret = ciphers.unseal(server.sealed_hook_secret)
    base, _, _ = str(settings.ADDRESSES.database_url).partition("?")
    query = str(settings.ADDRESSES.database_url).removeprefix(base)
    environment = {
        "DATABASE_URL": f"{base.rpartition('/')[0]}/{connection.settings_dict['NAME']}{query}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "TOKEN_PEPPER": settings.TOKEN_PEPPER,
        "CREDENTIALS_KEY": ",".join(settings.CREDENTIALS_KEY),
        "HTTPS": "False",
    }
    command = [
        *("env", *(f"{name}={value}" for name, value in environment.items())),
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1"),
        *("--blocking-threads", "64", "--no-ws", "governance.wsgi:application"),
    ]
    with served(command) as port:
        times, statuses = _delivered(port, server.name, secret)
    slow = statistics.quantiles(times, n=20)[-1]
    return (
        f"hook: median {statistics.median(times):.1f} ms, p95 {slow:.1f} ms, largest {max(times):.0f} ms "
        f"over {len(times)} deliveries, statuses {sorted(statuses)}"
    )


def _delivered(port: int, name: str, secret: str) -> tuple[list[float], set[int]]:
    times, statuses = [], set()
    for n in range(HOOKS + 10):
        data = {"name": f"bench-{n % 40:04}", "alias": "champion", "version": "1"}
        body = json.dumps({"entity": "model_version_alias", "action": "created", "data": data}).encode()
        stamp, key = str(int(time.time())), f"bench-{n}"
        signed = hmac.new(secret.encode(), f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-MLflow-Delivery-Id": key,
            "X-MLflow-Timestamp": stamp,
            "X-MLflow-Signature": f"v1,{base64.b64encode(signed).decode()}",
        }
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        began = time.perf_counter()
        line.request("POST", f"/hooks/mlflow/{name}/", body, headers)
        answer = line.getresponse()
        answer.read()
        if n >= 10:  # the first ones open the connections
            times.append((time.perf_counter() - began) * 1000)
        statuses.add(answer.status)
        line.close()
    return times, statuses


@contextlib.contextmanager
def _tracking(folder: Path) -> Iterator[str]:
    uri = tracking._started(folder, os.getpid())
    try:
        yield uri
    finally:
        tracking._end(folder)


def _fill(folder: Path) -> None:
    """A filled store, made once: tables by MLflow itself, rows by SQL (its API writes 30 a second)."""
    growing = folder.with_name("growing")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    with _tracking(growing) as uri:
        _big(uri, growing)
    with contextlib.closing(sqlite3.connect(growing / "mlflow.db")) as store, store:
        now = int(time.time() * 1000)
        names = [f"bench-{n:04}" for n in range(MODELS)]
        numbered = [(name, number) for name in names for number in range(1, VERSIONS + 1)]
        _insert(store, "registered_models", ("name", "creation_time", "last_updated_time", "description"),
                [(name, now + n, now + n, f"Model {n} of the measurement.") for n, name in enumerate(names)])  # fmt: skip
        columns = (
            "name",
            "version",
            "creation_time",
            "last_updated_time",
            "current_stage",
            "source",
            "status",
        )
        _insert(store, "model_versions", columns,
                [(name, n, now, now, "None", f"models:/m-{name}-{n}", "READY") for name, n in numbered])  # fmt: skip
        _insert(
            store,
            "registered_model_tags",
            ("name", "key", "value"),
            [(name, "team", "risk") for name in names],
        )
        _insert(
            store,
            "model_version_tags",
            ("name", "version", "key", "value"),
            [(name, n, "arch", "gbm") for name, n in numbered],
        )
        _insert(
            store,
            "registered_model_aliases",
            ("name", "alias", "version"),
            [(name, "champion", 2) for name in names],
        )
    growing.rename(folder)


def _big(uri: str, folder: Path) -> None:
    """A model with one file of many megabytes, logged as people log it."""
    program = (
        "import sys, mlflow\n"
        "client = mlflow.MlflowClient(sys.argv[1])\n"
        "run = client.create_run(client.create_experiment('big')).info\n"
        "client.log_artifacts(run.run_id, sys.argv[2], 'model')\n"
        "client.create_registered_model('big')\n"
        "client.create_model_version('big', f'{run.artifact_uri}/model', run.run_id)\n"
    )
    files = folder / "big"
    files.mkdir()
    (files / "MLmodel").write_text("flavors: {}\n")
    with (files / "weights.bin").open("wb") as file:
        for _ in range(BIG_MB):
            file.write(os.urandom(1024 * 1024))
    subprocess.run([sys.executable, "-c", program, uri, files], check=True, capture_output=True)
    shutil.rmtree(files)


def _insert(
    store: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    places = ", ".join("?" for _ in columns)
    store.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
