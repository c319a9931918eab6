"""What Prometheus reads is the same whichever worker is asked, and never falls."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.gate.metrics import Metrics
from tests.governance.gate.conftest import Running, Served, on_test_database, start


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


ALLOWED = 'cardinal_gate_decisions_total{door="check",reason="allowed"}'


def test_each_worker_tells_the_counts_of_all(tmp_path: Path) -> None:
    one, other = Metrics(str(tmp_path)), Metrics(str(tmp_path))
    one.decision("check", "allowed", 0.0004)
    other.decision("check", "allowed", 0.02)
    other.decision("proxy", "not_cleared", 9.0)
    other.text()

    for told in (one.text(), other.text()):
        assert value(told, ALLOWED) == 2
        assert value(told, 'cardinal_gate_decision_seconds_bucket{le="0.0005"}') == 1
        assert value(told, 'cardinal_gate_decision_seconds_bucket{le="+Inf"}') == 3
        assert value(told, "cardinal_gate_decision_seconds_count") == 3


def test_counts_outlive_their_worker_and_levels_do_not(tmp_path: Path) -> None:
    ended, alive = Metrics(str(tmp_path)), Metrics(str(tmp_path))
    for number, one in enumerate((ended, alive), 1):
        one.level("cardinal_gate_grants", "Grants in memory.", lambda number=number: number)  # type: ignore[misc]
        one.level("cardinal_gate_news_age_seconds", "Oldest.", lambda number=number: number, max)  # type: ignore[misc]
        one.decision("check", "allowed", 0.001)
    ended.text()
    assert value(alive.text(), "cardinal_gate_grants") == 3
    assert value(alive.text(), "cardinal_gate_news_age_seconds") == 2

    for file in tmp_path.glob("*.json"):
        os.utime(file, (time.time() - 60, time.time() - 60))

    told = alive.text()
    assert value(told, ALLOWED) == 2
    assert value(told, "cardinal_gate_grants") == 2


def test_what_others_count_is_a_metric_too(tmp_path: Path) -> None:
    metrics = Metrics(str(tmp_path))
    looks = metrics.counter("cardinal_gate_grants_total", "Looks for a grant.", "outcome")
    looks["hit",] += 2

    assert value(metrics.text(), 'cardinal_gate_grants_total{outcome="hit"}') == 2
    assert "# HELP cardinal_gate_grants_total Looks for a grant." in metrics.text()


def test_a_broken_file_or_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    metrics = Metrics(str(tmp_path))
    metrics.decision("check", "allowed", 0.001)
    assert value(metrics.text(), ALLOWED) == 1

    (tmp_path / "broken.json").unlink()
    for file in tmp_path.iterdir():
        file.unlink()
    tmp_path.rmdir()

    assert value(metrics.text(), ALLOWED) == 1


def test_counts_are_written_down_without_being_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.gate.metrics.EVERY", 0.01)

    async def run() -> None:
        metrics = Metrics(str(tmp_path))
        metrics.open()
        metrics.decision("check", "allowed", 0.001)
        await asyncio.sleep(0.1)
        assert value(Metrics(str(tmp_path)).text(), ALLOWED) == 1
        await metrics.close()

    asyncio.run(run())


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path) -> Iterator[Running]:
    """A gate with three workers that writes every decision to its log."""
    running = start(tmp_path, on_test_database() | {"GATE_WORKERS": "3", "GATE_LOG_DECISIONS": "all"})
    yield running
    running.end()


def scraped(gate: Running) -> str:
    """A new connection, so any of the workers."""
    import httpx

    return httpx.get(f"{gate.url}/metrics", trust_env=False).text


def test_of_three_workers_any_tells_everything_also_when_one_is_killed(
    workers: Running, served: Served
) -> None:
    import httpx

    for _ in range(40):
        headers = {
            "X-Original-URI": served.path,
            "X-Original-Method": "POST",
            "Authorization": f"Bearer {served.secret}",
        }
        assert httpx.get(f"{workers.url}/check", headers=headers, trust_env=False).status_code == 200
    time.sleep(1.2)

    assert {value(scraped(workers), ALLOWED) for _ in range(20)} == {40.0}

    children = Path(f"/proc/{workers.process.pid}/task/{workers.process.pid}/children").read_text().split()
    workers_only = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(int(workers_only[0]), signal.SIGKILL)
    time.sleep(4)
    assert {value(scraped(workers), ALLOWED) for _ in range(20)} == {40.0}

    lines = [json.loads(line) for line in workers.log.read_text().splitlines() if "gate.answered" in line]
    assert len(lines) == 40
    assert {line["reason"] for line in lines} == {"allowed"}


def test_by_itself_only_what_was_refused_is_written_to_the_log(gate: Running, served: Served) -> None:
    assert gate.check(served.path, served.secret, **{"X-Request-ID": "allowed-0001"}).status_code == 200
    assert gate.check(served.path, "", **{"X-Request-ID": "refused-0001"}).status_code == 401
    time.sleep(0.2)

    lines = [json.loads(line) for line in gate.log.read_text().splitlines() if "-0001" in line]
    told = [line for line in lines if line["message"] == "gate.answered"]

    assert [line["request_id"] for line in told if "0001" in line["request_id"]][-1] == "refused-0001"
    assert "allowed-0001" not in gate.log.read_text()
    assert told[-1]["reason"] == "token_missing"
    assert served.secret not in gate.log.read_text()
