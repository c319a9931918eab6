"""Tracking servers by REST: how old the knowledge is, and a read that is ordered and followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from registry import passes, tasks
from registry.actions import servers
from registry.models import TrackingServer, User
from tests import factories
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
API = "/api/v1/servers/"


@pytest.fixture
def lab(db: None) -> TrackingServer:
    return servers.add(
        name="lab", uri="http://127.0.0.1:9", username="reader", secret="never shown", by=User.machine()
    )


def test_a_server_is_read_about_without_its_credentials(
    lab: TrackingServer, owner: User, as_user: AsUser
) -> None:
    factories.unread_version(model=factories.model(server=lab), number=1)

    listed, one = as_user(owner).get(API), as_user(owner).get(f"{API}lab/")

    assert listed.json()["results"] == [one.json()]
    assert (one.json()["name"], one.json()["unread"], one.json()["synced_at"]) == ("lab", 1, None)
    assert "never shown" not in one.content.decode()
    assert "reader" not in one.content.decode()


def test_a_read_is_ordered_followed_and_told_how_it_ended(
    tracking_server: Tracking, owner: User, as_user: AsUser
) -> None:
    server = servers.add(name="real", uri=tracking_server.uri, by=User.machine())
    browser = as_user(owner)

    ordered = browser.post(f"{API}real/sync/")
    waiting = browser.get(ordered.headers["Location"])
    tasks.sync_server(server.pk, owner.pk, ordered.json()["id"])  # as a worker does
    done = browser.get(ordered.headers["Location"])

    assert (ordered.status_code, waiting.json()["state"], done.json()["state"]) == (202, "waiting", "done")
    assert done.json()["models_added"] > 0
    assert done.json()["ordered_by"] == owner.username
    assert done.json()["ended_at"]


def test_a_read_that_fails_says_why(lab: TrackingServer, owner: User, as_user: AsUser) -> None:
    ordered = as_user(owner).post(f"{API}lab/sync/")
    tasks.sync_server(lab.pk, owner.pk, ordered.json()["id"])

    told = as_user(owner).get(ordered.headers["Location"]).json()

    assert told["state"] == "failed"
    assert told["problems"]


def test_a_worker_that_breaks_is_told_as_a_failure(lab: TrackingServer, owner: User) -> None:
    made = passes.order(lab, owner)
    key = made["id"]
    TrackingServer.objects.filter(pk=lab.pk).delete()

    with pytest.raises(TrackingServer.DoesNotExist):
        tasks.sync_server(lab.pk, owner.pk, key)

    assert (passes.found(lab, key) or {})["state"] == "failed"


def test_a_read_is_forgotten_after_a_day_and_belongs_to_its_server(
    lab: TrackingServer, owner: User, as_user: AsUser
) -> None:
    other = servers.add(name="other", uri="http://127.0.0.1:9/2", by=User.machine())
    key = passes.order(lab, owner)["id"]

    assert passes.found(other, key) is None
    assert 0 < cache.ttl(f"server-pass:{key}") <= 86_400 if hasattr(cache, "ttl") else True
    cache.clear()
    assert as_user(owner).get(f"{API}lab/sync/{key}/").status_code == 404


def test_a_paused_server_is_not_read(lab: TrackingServer, owner: User, as_user: AsUser) -> None:
    servers.pause(server=lab, by=User.machine())

    answer = as_user(owner).post(f"{API}lab/sync/")

    assert answer.status_code == 409
    assert "paused" in answer.json()["detail"]


@pytest.mark.parametrize("role", ["reviewer", "compliance", "auditor", "viewer"])
def test_whose_role_reads_no_servers_gets_403(role: str, lab: TrackingServer, as_user: AsUser) -> None:
    browser = as_user(factories.member(role))

    assert {browser.get(API).status_code, browser.post(f"{API}lab/sync/").status_code} == {403}


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 403), (("sync",), 202), (("read", "sync"), 202)])
def test_a_token_needs_the_scope_for_it(
    scopes: tuple[str, ...], status: int, lab: TrackingServer, owner: User
) -> None:
    _, secret = factories.token(owner=owner, actions=(), portal=scopes)

    answer: Any = Client().post(f"{API}lab/sync/", headers={"Authorization": f"Bearer {secret.text}"})

    assert answer.status_code == status


def test_any_token_of_the_portal_may_ask_whose_it_is(owner: User) -> None:
    for scope in ("read", "sync", "report", "token", "introspect"):
        token, secret = factories.token(owner=owner, actions=(), portal=(scope,))

        told = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {secret.text}"}).json()

        assert (told["username"], told["roles"]) == (owner.username, ["owner"])
        assert (told["token"]["id"], told["token"]["portal"]) == (str(token.pk), [scope])
        assert secret.text not in str(told)


def test_a_session_is_told_without_a_token(owner: User, as_user: AsUser) -> None:
    assert as_user(owner).get("/api/v1/me/").json()["token"] is None
