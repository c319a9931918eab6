"""Whoever listens to single events hears those that are told together as well: nothing is missed when thousands come."""

from __future__ import annotations

from typing import Any

import pytest
from django.dispatch import Signal
from django.utils import timezone

from audit.models import Entry
from governance.models import Clearance
from registry.actions import catalogue
from registry.events import SystemModelRemoved, happened, happened_together, publish, publish_together
from registry.models import User, Version
from tests import factories


def listeners(signal: Signal) -> set[tuple[Any, Any]]:
    """The name under which each listener is connected, and the sender that it listens to."""
    return {receiver[0] for receiver in signal.receivers}


def test_every_listener_of_single_events_listens_to_those_that_come_together() -> None:
    alone, together = listeners(happened), listeners(happened_together)

    assert alone == together
    assert {name for name, _ in alone} >= {"audit.trail", "governance.clearances"}


def test_no_listener_leaves_out_some_senders() -> None:
    assert {sender for _, sender in listeners(happened) | listeners(happened_together)} == {id(None)}


@pytest.mark.django_db
@pytest.mark.parametrize("together", [False, True])
def test_an_event_is_kept_and_judged_the_same_alone_and_together(together: bool, machine: User) -> None:
    version = factories.approved_version()
    system = version.model.systems.get()
    system.models.remove(version.model)  # past the verb: only the event can tell
    event = SystemModelRemoved(system=system, model=version.model, by=machine)
    before = Entry.objects.filter(kind=event.name).count()

    publish_together([event]) if together else publish(event)

    assert Entry.objects.filter(kind=event.name).count() == before + 1
    assert not Clearance.objects.filter(version=version, allowed=True).exists()


@pytest.mark.django_db
def test_a_version_that_comes_alone_is_judged_at_once(machine: User) -> None:
    version = catalogue.register_version(
        model=factories.model(), number=1, registered_at=timezone.now(), run=None, facts={}, by=machine
    )

    assert Version.objects.get(clearances__environment="production") == version
