"""Home: what exists in MLflow and is not governed comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from registry.actions import catalogue, servers
from registry.models import Model, TrackingServer, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def test_what_is_used_and_not_cleared_is_listed_before_everything_else(
    machine: User, owner: User, reviewer: User, as_user: AsUser
) -> None:
    used, cleared, idle = factories.version(), factories.approved_version(), factories.version()
    for version in (used, cleared):
        catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=machine)
    factories.submitted_review()

    text = as_user(reviewer).get("/").content.decode()

    heads = [
        head for head in ("In use, and not cleared", "Ungoverned models", "Reviews that wait") if head in text
    ]
    assert [text.index(head) for head in heads] == sorted(text.index(head) for head in heads)
    assert len(heads) == 3
    in_use = text[text.index("In use, and not cleared") : text.index("Ungoverned models")]
    assert used.get_absolute_url() in in_use
    assert cleared.get_absolute_url() not in in_use
    assert idle.get_absolute_url() not in in_use


def test_what_is_gone_is_not_asked_for_any_more(machine: User, owner: User, as_user: AsUser) -> None:
    used = factories.version()
    catalogue.move_aliases(model=used.model, aliases={"champion": 1}, by=machine)
    assert used.get_absolute_url() in as_user(owner).get("/").content.decode()

    Model.objects.update(gone_at=timezone.now())

    assert used.model.get_absolute_url() not in as_user(owner).get("/").content.decode()


def test_old_knowledge_says_how_old_it_is(machine: User, owner: User, as_user: AsUser) -> None:
    server = servers.note_synced(
        server=factories.tracking_server(), models_added=0, versions_added=0, by=machine
    )
    assert "What is known is old" not in as_user(owner).get("/").content.decode()

    TrackingServer.objects.update(synced_at=timezone.now() - timedelta(minutes=16))
    assert "What is known is old" in as_user(owner).get("/").content.decode()

    servers.pause(server=server, by=machine)
    assert "What is known is old" not in as_user(owner).get("/").content.decode()
