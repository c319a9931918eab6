"""A pipeline with the `cardinal` command: it has a tracking server read, waits for a clearance, takes a report home."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from audit.models import Entry
from registry.actions import servers
from registry.models import Model, User
from tests import factories
from tests.governance.client.conftest import Terminal
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pipeline(transactional_db: None, live_server: Any, worker: Any, tmp_path: Path) -> Terminal:
    """Of an owner, whose token reads, has servers read and orders reports."""
    owner = factories.member("owner")
    _, secret = factories.token(owner=owner, actions=(), portal=("read", "sync", "report"))
    given = {"CARDINAL_URL": live_server.url, "CARDINAL_TOKEN": secret.text, "HOME": str(tmp_path)}
    return Terminal(given, [secret.text], patience=180)


def test_a_pipeline_has_a_server_read_and_waits_for_the_end(
    pipeline: Terminal, tracking_server: Tracking
) -> None:
    servers.add(name="lab", uri=tracking_server.uri, by=User.machine())

    read = pipeline("sync", "lab", "--wait", "120", "--json")
    again = pipeline("sync", "--wait", "120")
    servers.add(name="away", uri="http://127.0.0.1:9", by=User.machine())
    broken = pipeline("sync", "--wait", "120", "--json")
    missing = pipeline("sync", "nowhere")

    assert read.code == 0, read.err
    assert read.json[0]["state"] == "done"
    assert read.json[0]["models_added"] == Model.objects.count() > 0
    assert (again.code, again.out) == (0, "lab: done, 0 models and 0 versions new\n")
    assert broken.code == 1
    assert {one["server"]: one["state"] for one in broken.json} == {"lab": "done", "away": "failed"}
    assert missing.code == 3


def test_a_read_that_no_worker_takes_in_time_exits_3(pipeline: Terminal, worker: Any) -> None:
    servers.add(name="lab", uri="http://127.0.0.1:9", by=User.machine())
    worker.pause()
    try:
        waiting = pipeline("sync", "lab", "--wait", "1", "--json")
        ordered = pipeline("sync", "lab")
    finally:
        worker.resume()

    assert (waiting.code, waiting.json[0]["state"], ordered.code) == (3, "waiting", 0)


def test_a_paused_server_is_not_read_and_the_pipeline_hears_why(pipeline: Terminal) -> None:
    server = servers.add(name="lab", uri="http://127.0.0.1:9", by=User.machine())
    servers.pause(server=server, by=User.machine())

    named, all_of_them = pipeline("sync", "lab"), pipeline("sync", "--wait", "5")

    assert named.code == 1
    assert "paused" in named.err
    assert (all_of_them.code, all_of_them.out) == (0, "No tracking server is followed.\n")


def test_a_pipeline_waits_until_two_people_have_decided(pipeline: Terminal) -> None:
    review = factories.submitted_review()
    name = f"{review.document.version.model.slug}/1"
    ends: list[Any] = []
    waiting = threading.Thread(target=lambda: ends.append(pipeline("check", name, "--wait", "60")))

    waiting.start()
    waiting.join(2)
    assert not ends
    factories.approve(review)
    waiting.join(60)

    assert ends[0].code == 0
    assert "Not cleared yet: card_in_review." in ends[0].err
    assert "is cleared for production" in ends[0].out


def test_a_report_is_ordered_taken_home_and_told_from_one_that_was_changed(
    pipeline: Terminal, tmp_path: Path
) -> None:
    version = factories.approved_version()
    place, name = tmp_path / "report.pdf", f"{version.model.slug}/1"

    made = pipeline("report", "new", name, "--wait", "120", "--output", str(place), "--json")
    listed = pipeline("report", "list", "--state", "ready")
    genuine = pipeline("report", "verify", str(place), "--json")
    again = pipeline("report", "download", made.json["id"], "--output", str(tmp_path / "again.pdf"))
    over = pipeline("report", "download", made.json["id"], "--output", str(place))
    forged = tmp_path / "forged.pdf"
    forged.write_bytes(place.read_bytes() + b"\n")
    changed = pipeline("report", "verify", str(forged))

    assert made.code == 0, made.err
    assert place.read_bytes()[:5] == b"%PDF-"
    assert hashlib.sha256(place.read_bytes()).hexdigest() == made.json["sha256"]
    assert made.json["id"] in listed.out
    assert (genuine.code, genuine.json["report"]["id"]) == (0, made.json["id"])
    assert (again.code, over.code, changed.code) == (0, 2, 1)
    assert (tmp_path / "again.pdf").read_bytes() == place.read_bytes()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".cardinal-")]
    assert Entry.objects.filter(kind="report.downloaded").count() == 2
