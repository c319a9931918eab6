"""A credential is in no log, no trail, no page and no repr; sealed, it is in its row alone."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from django.test import Client

from audit.models import Entry
from registry import ciphers
from registry.actions import servers
from registry.models import TrackingServer, User
from tests import factories

AsUser = Callable[[User], Client]
SECRET = "hunter2-and-a-half"


@pytest.mark.django_db
def test_a_credential_is_nowhere_but_sealed_in_its_row(
    as_user: AsUser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server, admin = factories.tracking_server(), factories.member("admin")

    servers.set_credentials(server=server, username="reader", secret=SECRET, by=admin)
    servers.order_hook(server=server, by=admin)

    kept = TrackingServer.objects.get(pk=server.pk)
    hook = ciphers.unseal(kept.sealed_hook_secret)
    assert ciphers.unseal(kept.sealed_secret) == SECRET
    trail = b"".join(bytes(entry.body) for entry in Entry.objects.all())
    page = as_user(admin).get(kept.get_absolute_url()).content
    for secret in (SECRET, hook, kept.sealed_secret, kept.sealed_hook_secret):
        assert secret
        assert secret.encode() not in trail
        assert secret not in caplog.text
        assert secret not in f"{kept!r}{kept}"
        assert secret.encode() not in page
    assert b"reader" in trail + page
