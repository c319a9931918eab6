"""The whole house as it runs: portal, gate, worker, tracking server and a model server, and people with browsers.

A journey is told from outside: somebody opens pages and presses what stands there. Whatever the story begins with is
built by tests/factories.py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.files.storage import default_storage
from django.test import Client, override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from governance.celery import app
from governance.embedded import Addresses
from registry.models import User
from tests import factories
from tests.governance.gate.conftest import ROOT, Running, free_port, on_test_database, start
from tests.tracking import Tracking

PATIENCE_SECONDS = 90
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SERVED = "digit-reader"
RELOADED = (
    "Failed to load resource"  # a document with a status of 4xx; other resources are watched by themselves
)


@dataclass
class Process:
    """A program of the house that the tests have started; `log` is what it wrote."""

    running: subprocess.Popen[bytes]
    log: Path

    def pause(self) -> None:
        """It stands still: takes no work, answers nothing."""
        os.killpg(self.running.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it stood."""
        os.killpg(self.running.pid, signal.SIGCONT)

    def end(self) -> None:
        """SIGTERM, as an operator would; SIGKILL when that is not heard."""
        self.resume()
        self.running.terminate()
        try:
            self.running.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait(10)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready; its log tells why it never was."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if self.running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"It did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)


def launch(command: list[str], log: Path, environment: dict[str, str]) -> Process:
    """Starts `python -m …` in a process group of its own."""
    with log.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(running, log)


@pytest.fixture(scope="session")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Reports are kept in a folder of this run, by the portal and by the worker alike."""
    storages = configured.STORAGES | {
        "default": configured.STORAGES["default"]
        | {"OPTIONS": {"location": str(tmp_path_factory.mktemp("media"))}}
    }
    with override_settings(STORAGES=storages):
        yield


@pytest.fixture(scope="session")
def _broker() -> Iterator[str]:
    """Orders of these tests go to the Redis number of these tests."""
    before, address = app.conf.broker_url, Addresses("", configured.REDIS_URL).broker_url
    _connect_to(address)
    yield address
    _connect_to(before)


def _connect_to(broker: str) -> None:
    app.conf.broker_url = broker
    app._after_fork()  # forget the connections that lead to the old place


@pytest.fixture(scope="session")
def worker(
    django_db_setup: None, _files: None, _broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """A worker as the Procfile starts it, on the test database."""
    environment = on_test_database() | {
        "BROKER_URL": _broker,
        "MEDIA_ROOT": str(default_storage.location),  # type: ignore[attr-defined]
        "HTTPS": "False",
    }
    command = "celery -A governance worker --concurrency 1 --without-gossip --without-mingle --loglevel INFO"
    app.control.purge()  # orders of tests that had no worker
    process = launch(command.split(), tmp_path_factory.mktemp("worker") / "worker.log", environment)
    process.wait_until(lambda: " ready." in process.log.read_text())
    yield process
    process.end()


@pytest.fixture(scope="session")
def gate(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The gate, patient enough for a real model server on a busy machine."""
    running = start(tmp_path_factory.mktemp("gate"), on_test_database() | {"GATE_UPSTREAM_TIMEOUT": "30"})
    yield running
    running.end()


@pytest.fixture(scope="session")
def model_server(tracking_server: Tracking, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's scoring server with the smallest model of the demo: its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["tests.serving", tracking_server.uri, f"{SERVED}/1={port}"]
    process = launch(command, tmp_path_factory.mktemp("serving") / "serving.log", {})
    try:
        process.wait_until(lambda: answers(f"{url}/ping"))
        yield url
    finally:
        process.end()


def answers(url: str) -> bool:
    """Whether somebody says 200 there."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium. Not longer than one module: its event loop would stand in the way of tests with their own."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # The loop of the browser's driver runs in this thread; the ORM takes that for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@dataclass
class People:
    """Who has a browser open, and what went wrong in it: scripts, styles, anything that the console calls an error."""

    chromium: Browser
    site: str
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, user: User | None, **options: Any) -> Page:
        """A window of `user`, logged in; of somebody unknown when there is none."""
        context = self.chromium.new_context(base_url=self.site, reduced_motion="reduce", **options)
        self.contexts.append(context)
        if user:
            session = Client()
            session.force_login(user, backend="registry.backends.GrantedRoles")
            cookie = session.cookies[configured.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": cookie, "url": self.site}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._hear(page, said))
        page.on("requestfinished", lambda request: self._see(page, request))
        return page

    def _hear(self, page: Page, said: Any) -> None:
        if said.type in ("error", "warning") and RELOADED not in said.text:
            self.faults.append(f"{page.url}: {said.text}")

    def _see(self, page: Page, request: Any) -> None:
        answer = request.response() if request.resource_type != "document" else None
        if answer and answer.status >= 400:
            self.faults.append(f"{page.url}: {request.url} answered {answer.status}")


@pytest.fixture
def person(
    transactional_db: None, live_server: Any, chromium: Browser, settings: Any, _broker: str
) -> Iterator[People]:
    """`person(owner)` is a browser window in which the owner is logged in. At the end no console may hold an error."""
    settings.SITE_URL = live_server.url
    people = People(chromium, live_server.url)
    yield people
    for context in people.contexts:
        context.close()
    assert not people.faults, "\n".join(people.faults)


@pytest.fixture
def told(person: People) -> Callable[[], str]:
    """What an auditor reads on the page of the trail."""

    def read() -> str:
        page = person(factories.member("auditor"))
        page.goto("/trail/")
        return page.locator("main").inner_text()

    return read
