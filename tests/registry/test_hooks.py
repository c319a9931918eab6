"""Webhooks: signed, fresh, once, small; kept as they came; and never believed as data."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from registry import ciphers, sync, tasks
from registry.actions import hooks, servers
from registry.mlflow import deliveries
from registry.models import Delivery, LedgerRow, Model, TrackingServer, User
from tests import factories
from tests.tracking import Own

MOVED = {
    "entity": "model_version_alias",
    "action": "created",
    "data": {"name": "credit", "alias": "champion", "version": "1"},
}


@pytest.fixture
def server(db: None, machine: User) -> TrackingServer:
    """A server with a webhook of which only the secret exists."""
    return servers.order_hook(server=factories.tracking_server(), by=machine)


def signed(
    server: TrackingServer, body: bytes, *, key: str = "d-1", age: float = 0, secret: str = ""
) -> dict[str, str]:
    """The headers that MLflow sends with `body`."""
    stamp = str(int(time.time() - age))
    with_secret = (secret or ciphers.unseal(server.sealed_hook_secret)).encode()
    digest = hmac.new(with_secret, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "X-MLflow-Delivery-Id": key,
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def deliver(server: TrackingServer, body: bytes, headers: dict[str, str], *, to: str = "") -> Any:
    browser = Client(enforce_csrf_checks=True)
    return browser.post(
        f"/hooks/mlflow/{to or server.name}/", body, content_type="application/json", headers=headers
    )


def refused(answer: Any, status: int) -> bool:
    """Refused as a problem, with nothing kept and nothing to be read."""
    problem = answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code == status and problem and not Delivery.objects.exists()


def test_a_signed_delivery_is_kept_as_it_came(server: TrackingServer) -> None:
    body = json.dumps(MOVED, indent=1).encode()

    answer = deliver(server, body, signed(server, body))

    kept = Delivery.objects.get()
    assert answer.status_code == 202
    assert (bytes(kept.body), kept.event, kept.model_name) == (body, "model_version_alias.created", "credit")
    assert cache.get(deliveries.waiting_key(server.pk, "credit"))


def test_a_delivery_that_comes_again_is_taken_once(
    server: TrackingServer, django_capture_on_commit_callbacks: Any
) -> None:
    body = json.dumps(MOVED).encode()
    cache.delete(deliveries.waiting_key(server.pk, "credit"))

    with django_capture_on_commit_callbacks() as ordered:
        statuses = {deliver(server, body, signed(server, body)).status_code for _ in range(3)}

    assert statuses == {202}
    assert Delivery.objects.count() == 1
    assert len(ordered) == 1


def test_many_hooks_of_one_model_are_one_task(
    server: TrackingServer, django_capture_on_commit_callbacks: Any
) -> None:
    body = json.dumps(MOVED).encode()
    cache.delete(deliveries.waiting_key(server.pk, "credit"))

    with django_capture_on_commit_callbacks() as ordered:
        for n in range(20):
            deliver(server, body, signed(server, body, key=f"d-{n}"))

    assert Delivery.objects.count() == 20
    assert len(ordered) == 1


def test_what_is_not_signed_as_agreed_is_refused(server: TrackingServer) -> None:
    body = json.dumps(MOVED).encode()
    good = signed(server, body)
    other = json.dumps(MOVED | {"action": "deleted"}).encode()
    wrong = {
        "tampered": (other, good),
        "another secret": (body, signed(server, body, secret="guessed")),
        "another id": (body, good | {"X-MLflow-Delivery-Id": "d-2"}),
        "another time": (body, good | {"X-MLflow-Timestamp": str(int(time.time()) - 1)}),
        "stale": (body, signed(server, body, age=360)),
        "from the future": (body, signed(server, body, age=-360)),  # the clock goes on while this test runs
        "no signature": (body, {}),
        "another version": (
            body,
            good | {"X-MLflow-Signature": good["X-MLflow-Signature"].replace("v1", "v2")},
        ),
        "no time": (body, good | {"X-MLflow-Timestamp": "now"}),
        "no base64": (body, good | {"X-MLflow-Signature": "v1,é"}),
        "endless id": (body, signed(server, body, key="d" * 101)),
    }

    let_in = {
        name for name, (sent, headers) in wrong.items() if not refused(deliver(server, sent, headers), 401)
    }

    assert not let_in


def test_a_server_that_nobody_follows_looks_like_a_wrong_signature(
    server: TrackingServer, machine: User
) -> None:
    body = json.dumps(MOVED).encode()
    headers = signed(server, body)

    unknown = deliver(server, body, headers, to="nowhere")
    hookless = deliver(server, body, headers, to=factories.tracking_server().name)
    servers.pause(server=server, by=machine)
    paused = deliver(server, body, headers)

    assert refused(unknown, 401)
    assert refused(hookless, 401)
    assert refused(paused, 401)
    assert unknown.content == hookless.content == paused.content


def test_a_delivery_that_is_too_large_is_not_read(server: TrackingServer) -> None:
    body = b"[" + b" " * deliveries.LARGEST_BYTES + b"]"

    assert refused(deliver(server, body, signed(server, body)), 413)


@pytest.mark.parametrize(
    "body",
    [b"no json", b"[]", b'{"data": []}', b'{"data": {"name": 7}}', b'{"data": {"name": ""}}', b"\xff", b"[" * 9_000],
)  # fmt: skip
def test_a_signed_delivery_about_no_model_is_refused(server: TrackingServer, body: bytes) -> None:
    assert refused(deliver(server, body, signed(server, body)), 400)


def test_a_delivery_is_never_changed(server: TrackingServer) -> None:
    body = json.dumps(MOVED).encode()
    deliver(server, body, signed(server, body))

    with connection.cursor() as cursor:
        for deed in ("UPDATE registry_delivery SET model_name = 'x'", "DELETE FROM registry_delivery"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                cursor.execute(deed)


@pytest.mark.django_db(transaction=True)
def test_a_real_server_delivers_and_the_model_is_read_again(
    own: Own, live_server: Any, settings: Any
) -> None:
    machine = User.machine()
    settings.SITE_URL = live_server.url
    server = servers.add(name="own", uri=own.uri, by=machine)
    sync.read(server, by=machine, in_passing=0)
    own.client.create_registered_model("hooked")
    source = own.client.get_model_version("digit-reader", "1")
    for _ in range(2):
        own.client.create_model_version(
            "hooked", source.source, source.run_id, model_id=source.source.removeprefix("models:/")
        )
    servers.order_hook(server=server, by=machine)

    assert tasks.create_hook(server.pk, machine.pk) == "active"
    assert tasks.create_hook(server.pk, machine.pk) == "active"  # again: replaced, not doubled
    assert len(own.client.list_webhooks()) == 1
    own.client.set_registered_model_alias("hooked", "champion", "1")
    arrived(1)
    assert tasks.reread_model(server.pk, "hooked") == []
    own.client.set_registered_model_alias("hooked", "champion", "2")
    arrived(2)
    assert tasks.reread_model(server.pk, "hooked") == []

    model = Model.objects.get(name="hooked")
    assert model.versions.filter(manifests__isnull=False).count() == 2
    rows = LedgerRow.objects.filter(model=model, what="alias").order_by("pk")
    assert [(row.after, row.seen_by) for row in rows] == [("1", "first"), ("2", "hook")]
    assert {d.event for d in Delivery.objects.all()} == {"model_version_alias.created"}


@pytest.mark.django_db
def test_a_server_that_refuses_the_webhook_says_what_to_allow(own: Own, settings: Any) -> None:
    machine = User.machine()
    settings.SITE_URL = "ftp://127.0.0.1"
    server = servers.order_hook(server=servers.add(name="own", uri=own.uri, by=machine), by=machine)

    assert tasks.create_hook(server.pk, machine.pk) == "failed"

    server.refresh_from_db()
    assert "scheme" in server.hook_problem.lower()


def arrived(count: int) -> None:
    """Wait until so many deliveries are here."""
    until = time.monotonic() + 20
    while Delivery.objects.count() < count and time.monotonic() < until:
        time.sleep(0.1)
    assert Delivery.objects.count() == count


@pytest.mark.parametrize("name", ["a\x00b", "half \ud83d", "n" * 257])
def test_a_signed_name_that_no_model_can_have_is_refused(server: TrackingServer, name: str) -> None:
    body = json.dumps(MOVED | {"data": {"name": name}}).encode()

    assert refused(deliver(server, body, signed(server, body)), 400)


def test_an_event_that_cannot_be_stored_is_refused(server: TrackingServer) -> None:
    body = json.dumps(MOVED | {"action": "a\x00b"}).encode()

    assert refused(deliver(server, body, signed(server, body)), 400)


def test_a_length_that_is_no_number_is_refused(server: TrackingServer) -> None:
    answer = Client().generic("POST", f"/hooks/mlflow/{server.name}/", b"{}", CONTENT_LENGTH="many")

    assert refused(answer, 413)


def came(server: TrackingServer, days_ago: float, key: str) -> Delivery:
    """A delivery of that many days ago."""
    then = timezone.now() - timedelta(days=days_ago)
    return Delivery.objects.create(server=server, delivery_id=key, body=b"{}", received_at=then)


def test_old_deliveries_are_forgotten_a_batch_at_a_time_and_told(
    server: TrackingServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "BATCH", 2)
    monkeypatch.setattr(tasks, "BATCHES", 2)
    for n in range(5):
        came(server, 91, f"old-{n}")
    came(server, 89, "kept")

    assert tasks.forget_deliveries() == 4
    assert tasks.forget_deliveries() == 1
    assert tasks.forget_deliveries() == 0

    assert [one.delivery_id for one in Delivery.objects.all()] == ["kept"]
    counts = [e.facts["facts"]["count"] for e in Entry.objects.filter(kind="server.deliveries_forgotten")]
    assert sorted(counts) == [1, 2, 2]
    assert "registry.forget_deliveries" in {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}


def test_the_database_refuses_to_delete_a_recent_delivery_and_to_change_any(server: TrackingServer) -> None:
    came(server, 29, "recent")
    old = came(server, 31, "old")

    with pytest.raises(DatabaseError, match="append-only: DELETE is refused"), transaction.atomic():
        Delivery.objects.filter(delivery_id="recent").delete()
    with pytest.raises(DatabaseError, match="append-only: UPDATE is refused"), transaction.atomic():
        Delivery.objects.filter(pk=old.pk).update(event="another")
    with pytest.raises(DatabaseError, match="append-only: DELETE is refused"), transaction.atomic():
        hooks.forget_deliveries(before=timezone.now(), by=User.machine())
    assert Delivery.objects.count() == 2
