"""What the gate does when something breaks: refuse, within a bound, and lose nothing that was answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings
from django.db import connection

from governance.models import Decision
from tests.governance.gate.conftest import ROOT, Running, Served, start

SEED = """
import django; django.setup()
from tests.governance.gate.conftest import serve
made = serve()
print(made.path, made.secret)
"""


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_killed_right_after_an_answer_has_stored_it(own_gate: Running, served: Served) -> None:
    answer = own_gate.check(served.path, served.secret)
    own_gate.kill()

    assert Decision.objects.get(pk=answer.headers["x-cardinal-decision"]).allowed


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_killed_under_load_has_stored_all_that_it_answered(
    own_gate: Running, served: Served
) -> None:
    answered: list[str] = []

    def ask_until_it_dies(_: int) -> None:
        for _n in range(500):
            try:
                answered.append(own_gate.check(served.path, served.secret).headers["x-cardinal-decision"])
            except httpx.TransportError:
                return

    with ThreadPoolExecutor(8) as crowd:
        asking = [crowd.submit(ask_until_it_dies, n) for n in range(8)]
        while len(answered) < 60 and not all(one.done() for one in asking):
            time.sleep(0.01)
        own_gate.kill()

    assert len(answered) >= 60
    assert Decision.objects.filter(pk__in=answered).count() == len(answered)


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_told_to_end_answers_what_is_under_way(own_gate: Running, served: Served) -> None:
    with ThreadPoolExecutor(20) as crowd:
        asking = [crowd.submit(own_gate.predict, served.path, served.secret) for _ in range(20)]
        time.sleep(0.1)
        own_gate.process.terminate()
        outcomes = [one for one in asking if one.exception() is None]

    assert own_gate.process.wait(15) == 0
    assert outcomes
    for one in outcomes:
        assert Decision.objects.filter(pk=one.result().headers["x-cardinal-decision"]).exists()


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_stored_is_not_answered(gate: Running, served: Served) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE governance_decision ADD CONSTRAINT full_disk CHECK (reason = '') NOT VALID"
        )
    try:
        refused = gate.check(served.path, served.secret)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE governance_decision DROP CONSTRAINT full_disk")

    assert (refused.status_code, refused.json()["code"]) == (503, "cannot_decide")
    assert refused.json()["decision"] is None
    assert refused.headers["retry-after"] == "1"
    assert not Decision.objects.exists()
    assert gate.check(served.path, served.secret).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_journal_that_waits_for_a_lock_refuses_within_its_patience(gate: Running, served: Served) -> None:
    from django.db import transaction

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE governance_decision IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        refused = [gate.check(served.path, served.secret), gate.predict(served.path)]
        took = time.monotonic() - began

    assert [one.status_code for one in refused] == [503, 503]
    assert took < 6
    assert gate.check(served.path, served.secret).status_code == 200


class Apart:
    """A database server of its own, which a test may stop, with a gate in front."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            "CARDINAL_VAR": str(folder / "var"),
            "CARDINAL_EPHEMERAL": "1",
            "DJANGO_SETTINGS_MODULE": "governance.settings",
            "REDIS_URL": settings.REDIS_URL,
            "PYTHONPATH": str(ROOT),
        }
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.path, self.secret = self.run("-c", SEED).split()
        pid = int((folder / "var/postgres/data/postmaster.pid").read_text().split()[0])
        self.server = psutil.Process(pid)
        self.gate = start(folder, self.environment)

    def run(self, *arguments: str) -> str:
        """Runs Python on this server's database."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=without_database() | self.environment, capture_output=True,
            text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP to every process of the server: connections stay open, nothing answers."""
        processes = [self.server, *self.server.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    def ask(self) -> httpx.Response:
        """One query that is allowed while the database answers."""
        return self.gate.check(self.path, self.secret)

    def end(self) -> None:
        """Ends the gate and the server."""
        self.gate.end()
        self.run("manage.py", "embedded", "stop")


def without_database() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """One such server for the tests of this file."""
    made = Apart(tmp_path_factory.mktemp("apart"))
    yield made
    made.end()


def test_a_database_that_does_not_answer_means_no(apart: Apart) -> None:
    assert apart.ask().status_code == 200

    with apart.stopped():
        began = time.monotonic()
        with ThreadPoolExecutor(30) as crowd:
            answers = list(crowd.map(lambda _: apart.ask(), range(30)))
        early = apart.gate.predict(apart.path)  # needs no look at the database, but a place in the journal
        ready = apart.gate.client.get("/readyz")
        took = time.monotonic() - began

    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"cannot_decide"}
    assert early.status_code == 503
    assert ready.status_code == 503
    assert apart.gate.client.get("/healthz").status_code == 200
    assert took < 10
    deadline = time.monotonic() + 15
    while apart.ask().status_code != 200:
        assert time.monotonic() < deadline, "the gate did not recover"
        time.sleep(0.1)


def test_a_database_that_dies_under_load_loses_no_answered_decision(apart: Apart) -> None:
    answers: list[httpx.Response] = []

    def ask(_: int) -> None:
        for _n in range(15):
            answers.append(apart.ask())  # noqa: PERF401 - one after the other, seen by the test at once

    with ThreadPoolExecutor(6) as crowd:
        asking = [crowd.submit(ask, n) for n in range(6)]
        while sum(answer.status_code == 200 for answer in answers) < 20:
            time.sleep(0.01)
        hit = [
            backend
            for backend in apart.server.children()
            if "cardinal cardinal" in " ".join(backend.cmdline())
        ]
        for backend in hit:
            backend.send_signal(signal.SIGTERM)
        for one in asking:
            one.result()

    assert len(hit) >= 2  # the journal's connection, and at least one that looks up
    assert {answer.status_code for answer in answers} <= {200, 503}
    ids = [answer.headers["x-cardinal-decision"] for answer in answers if answer.status_code == 200]
    out = apart.run(
        "-c",
        "import django, sys; django.setup()\nfrom governance.models import Decision\n"
        f"print(Decision.objects.filter(pk__in={ids!r}, allowed=True).count())",
    )
    assert int(out) == len(ids)
