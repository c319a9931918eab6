"""A gate whose Redis is gone, on a real one that is killed, frozen, and started again.

What a rule or a token limits is refused, for nobody can count it; all other queries go on. Nothing is allowed for free.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from governance.actions import policies
from governance.embedded.redis import program
from governance.policies import SCHEMA
from tests import factories
from tests.governance.gate.conftest import Running, Served, code, on_test_database, serve, start, stored

pytestmark = pytest.mark.django_db(transaction=True)
PLAIN: dict[str, Any] = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}


@dataclass
class OwnRedis:
    """A Redis of one test, on a socket of its own."""

    socket: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.socket.unlink(missing_ok=True)
        command = [str(program()), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.socket.parent)]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.socket.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def end(self) -> None:
        """As a machine would lose it."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    one = OwnRedis(tmp_path / "r.sock")
    one.start()
    yield one
    one.process.send_signal(signal.SIGCONT)
    one.end()


@pytest.fixture
def alone(transactional_db: None, tmp_path: Path, redis: OwnRedis) -> Iterator[Running]:
    """A gate that counts there."""
    running = start(tmp_path, on_test_database() | {"REDIS_URL": f"unix://{redis.socket}?db=0"})
    yield running
    running.end()


@pytest.fixture
def limited(served: Served) -> Served:
    """A thousand queries an hour, by a rule."""
    policies.publish(
        model=served.version.model, environment="production", on_top_of=1, by=factories.member("owner"),
        content={"schema": SCHEMA, "rules": [PLAIN | {"rate": {"limit": 1000, "per": "hour"}}]},
    )  # fmt: skip
    return served


def test_what_is_limited_is_refused_while_redis_is_down_and_all_else_goes_on(
    alone: Running, redis: OwnRedis, limited: Served, scoring: Any
) -> None:
    free = serve(scoring.url)
    _, counted = factories.token(free.version.model, limits={"rate": {"limit": 1000, "per": "hour"}})
    assert alone.predict(limited.path, limited.secret).status_code == 200
    assert alone.predict(free.path, counted.text).status_code == 200

    redis.end()
    by_rule = alone.predict(limited.path, limited.secret)
    by_token = alone.predict(free.path, counted.text)
    unlimited = alone.predict(free.path, free.secret)

    assert (by_rule.status_code, code(by_rule)) == (503, "limits_unavailable")
    assert (by_token.status_code, code(by_token)) == (503, "limits_unavailable")
    assert unlimited.status_code == 200
    assert [stored(one).reason for one in (by_rule, by_token)] == ["limits_unavailable"] * 2
    assert alone.client.get("/readyz").status_code == 200  # whoever restarts it for this helps nobody

    redis.start()
    assert alone.predict(limited.path, limited.secret).status_code == 200
    assert alone.predict(free.path, counted.text).status_code == 200


def test_a_redis_that_hangs_is_waited_for_half_a_second(
    alone: Running, redis: OwnRedis, limited: Served
) -> None:
    assert alone.predict(limited.path, limited.secret).status_code == 200
    redis.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()

    refused = alone.predict(limited.path, limited.secret)
    took = time.monotonic() - began
    redis.process.send_signal(signal.SIGCONT)

    assert code(refused) == "limits_unavailable"
    assert took < 2.5
    assert alone.predict(limited.path, limited.secret).status_code == 200
