"""The stream as the portal's own server hands it on: each event when it is made, to readers that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.test import Client

from governance.views.decision_stream import MOST_EACH
from registry.models import User
from tests import factories
from tests.governance.gate.conftest import ROOT, free_port, on_test_database
from tests.governance.journal import written

PATIENCE = 60
SETTINGS = {"HTTPS": "False", "DJANGO_SETTINGS_MODULE": "tests.served_settings"}


@pytest.fixture
def portal(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The portal under granian, as the Procfile starts it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = (
        f"granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 64 --no-ws"
    )
    with (tmp_path / "portal.log").open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "granian"), *command.split()[1:], "governance.wsgi:application"],
            cwd=ROOT, env=os.environ | on_test_database() | SETTINGS, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(20)


def signed_in(user: User) -> dict[str, str]:
    session = Client()
    session.force_login(user, backend="registry.backends.GrantedRoles")
    return {settings.SESSION_COOKIE_NAME: session.cookies[settings.SESSION_COOKIE_NAME].value}


def test_events_come_when_they_are_made_and_places_come_back_when_readers_go(portal: str) -> None:
    slug = factories.model().slug
    reader = httpx.Client(
        base_url=portal, cookies=signed_in(factories.member("auditor")), timeout=10, trust_env=False
    )
    with reader, reader.stream("GET", "/decisions/live/") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        (made,) = written({"model": slug})
        began = time.monotonic()
        data = next(line for line in lines if line.startswith("data: "))
        assert str(made.pk) in data
        assert time.monotonic() - began < 4

    others = [
        httpx.Client(base_url=portal, cookies=reader.cookies, timeout=10, trust_env=False) for _ in range(9)
    ]
    for one in others[:3]:  # three readers who leave after the first line
        with one.stream("GET", "/decisions/live/") as answer:
            next(answer.iter_lines())
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with others[-1].stream("GET", "/decisions/live/") as answer:
            if answer.status_code == 200:
                break
        time.sleep(0.5)
    else:
        pytest.fail(f"{MOST_EACH} places of readers that are gone stay taken.")
    for one in others:
        one.close()
