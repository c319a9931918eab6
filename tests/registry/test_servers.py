"""Tracking servers and their secrets: sealed at rest, rotated, and shown nowhere."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from audit.models import Entry
from registry import ciphers
from registry.actions import catalogue, servers
from registry.errors import Conflict, Invalid, Refused
from registry.models import LedgerRow, TrackingServer, User
from tests import factories
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
SECRET = "correct horse battery staple"


@pytest.fixture
def guarded(machine: User) -> TrackingServer:
    """A server with a password and the secret of a webhook."""
    server = servers.add(
        name="guarded", uri="http://127.0.0.1:9", username="cardinal", secret=SECRET, by=machine
    )
    return servers.order_hook(server=server, by=machine)


def test_a_secret_is_stored_sealed_and_opens_again(guarded: TrackingServer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_trackingserver::text FROM registry_trackingserver")
        (stored,) = cursor.fetchone()

    assert SECRET not in stored
    assert ciphers.unseal(guarded.sealed_secret) == SECRET
    assert ciphers.seal(SECRET) != ciphers.seal(SECRET)


def test_the_database_refuses_a_secret_that_is_not_sealed(guarded: TrackingServer) -> None:
    for column in ("sealed_secret", "sealed_hook_secret"):
        with pytest.raises(IntegrityError), transaction.atomic():
            TrackingServer.objects.update(**{column: SECRET})


def test_a_secret_stands_on_no_page_and_in_no_entry(
    guarded: TrackingServer, admin: User, as_user: AsUser
) -> None:
    hook = ciphers.unseal(guarded.sealed_hook_secret)
    pages = [as_user(admin).get(address).content.decode() for address in ("/servers/", "/servers/guarded/")]
    entries = [bytes(entry.body).decode() for entry in Entry.objects.all()]
    told = [repr(guarded), str(guarded), *pages, *entries]

    assert "cardinal" in pages[1]
    for secret in (SECRET, hook, guarded.sealed_secret, guarded.sealed_hook_secret):
        assert not [text for text in told if secret in text]


def test_what_was_typed_wrong_comes_back_without_the_secret(admin: User, as_user: AsUser) -> None:
    given = {"name": "new", "uri": "ftp://x", "username": "me", "secret": SECRET}

    answer = as_user(admin).post("/servers/new/", given)

    assert answer.status_code == 400
    assert "starts with http" in answer.content.decode()
    assert SECRET not in answer.content.decode()
    assert as_user(admin).post("/servers/new/", given | {"uri": "http://127.0.0.1:9/n"}).status_code == 302
    assert TrackingServer.objects.get(name="new").credentials_in_words == "user name me and a password"


def test_keys_are_rotated_one_behind_the_other(guarded: TrackingServer, settings: Any) -> None:
    old, new = settings.CREDENTIALS_KEY[0], Fernet.generate_key().decode()
    settings.CREDENTIALS_KEY = [new, old]
    told = io.StringIO()

    call_command("rotate_credentials", stdout=told)

    settings.CREDENTIALS_KEY = [new]
    guarded.refresh_from_db()
    assert "2 secrets" in told.getvalue()
    assert ciphers.unseal(guarded.sealed_secret) == SECRET
    settings.CREDENTIALS_KEY = [old]
    with pytest.raises(Conflict, match="cannot be opened"):
        ciphers.unseal(guarded.sealed_secret)
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("rotate_credentials")


def test_a_lost_key_is_a_problem_of_the_server_and_not_of_the_worker(
    guarded: TrackingServer, settings: Any, machine: User
) -> None:
    from registry import sync

    settings.CREDENTIALS_KEY = [Fernet.generate_key().decode()]

    outcome = sync.read(guarded, by=machine)

    assert "enter the credentials again" in outcome.problems[0]


def test_a_course_of_verbs_is_told_and_refused_where_it_makes_no_sense(
    guarded: TrackingServer, machine: User, auditor: User
) -> None:
    servers.pause(server=guarded, by=machine)
    with pytest.raises(Conflict, match="paused already"):
        servers.pause(server=guarded, by=machine)
    servers.resume(server=guarded, by=machine)
    with pytest.raises(Conflict, match="not paused"):
        servers.resume(server=guarded, by=machine)
    with pytest.raises(Conflict, match="in doubt"):
        servers.believe(server=guarded, by=machine)
    with pytest.raises(Invalid, match="needs its password"):
        servers.set_credentials(server=guarded, username="me", secret="", by=machine)
    with pytest.raises(Refused):
        servers.set_credentials(server=guarded, username="", secret="", by=auditor)
    servers.set_credentials(server=guarded, username="", secret="", by=machine)

    assert guarded.credentials_in_words == "none"
    kinds = list(Entry.objects.order_by("created_at").values_list("kind", flat=True))
    assert kinds[-3:] == ["server.paused", "server.resumed", "server.credentials_set"]


def test_the_command_takes_the_password_from_the_environment(
    tracking_server: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)

    call_command("follow_server", "main", tracking_server.uri, username="cardinal", stdout=io.StringIO())

    server = TrackingServer.objects.get(name="main")
    assert (server.username, ciphers.unseal(server.sealed_secret)) == ("cardinal", SECRET)
    assert server.synced_at is not None


def test_the_ledger_is_written_once_about_its_own_model(machine: User) -> None:
    version, other = factories.version(), factories.version()
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=machine)

    with connection.cursor() as cursor:
        for deed in ("UPDATE registry_ledgerrow SET after = '9'", "DELETE FROM registry_ledgerrow"):
            with pytest.raises(Exception, match="append-only"), transaction.atomic():
                cursor.execute(deed)
    with pytest.raises(Exception, match="names a version of its model"), transaction.atomic():
        LedgerRow.objects.create(
            model=version.model, version=other, what="alias", name="x", after="1", seen_by="hook", by=machine
        )


def test_the_page_says_who_held_it_from_when_to_when_and_what_was_outside(
    machine: User, owner: User, as_user: AsUser
) -> None:
    first = factories.version()
    model = first.model
    factories.version(model=model, number=2)
    for number in (1, 2):
        catalogue.move_aliases(model=model, aliases={"champion": number}, by=machine)
    address = f"/models/{model.slug}/ledger/"

    text = as_user(owner).get(address).content.decode()
    filtered = as_user(owner).get(f"{address}?what=tag").content.decode()

    assert text.count("Outside control") == 3  # two rows, and the filter
    assert len(re.findall(r"<td[^>]*>now</td>", text)) == 1
    assert "Nothing matches" in filtered


def test_the_ledger_and_orders_by_rest(machine: User, owner: User, as_user: AsUser) -> None:
    version = factories.version()
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=machine)
    base = f"/api/v1/models/{version.model.slug}"
    browser = as_user(owner)

    rows = browser.get(f"{base}/ledger/?outside_control=true").json()["results"]
    order = browser.post(f"{base}/aliases/shadow/", json.dumps({"version": 1}), "application/json")
    again = browser.post(f"{base}/aliases/shadow/", json.dumps({"version": 1}), "application/json")
    wrong = browser.post(f"{base}/aliases/latest/", json.dumps({"version": 1}), "application/json")

    assert [(row["name"], row["after"], row["outside_control"]) for row in rows] == [("champion", "1", True)]
    assert (order.status_code, order.json()["state"]) == (202, "waiting")
    assert again.status_code == 409
    assert wrong.status_code == 400


def test_a_settled_order_is_never_settled_otherwise(owner: User) -> None:
    version = factories.version()
    order = catalogue.set_alias(model=version.model, name="champion", number=1, by=owner)
    catalogue.settle_alias(order=order, problem="Away.", by=owner)

    with pytest.raises(Exception, match="settled once"), transaction.atomic():
        type(order).objects.filter(pk=order.pk).update(state="done")
    catalogue.settle_alias(order=order, problem="", by=owner)
    assert version.model.aliases.count() == 0
