"""Every event has a name of its own, an actor, and a sentence in the trail."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module

import pytest

from registry.events import Event

for floor in ("registry", "governance", "audit"):
    import_module(f"{floor}.events")


def concrete(kind: type[Event]) -> list[type[Event]]:
    """The event classes below `kind`."""
    return [one for below in kind.__subclasses__() for one in (below, *concrete(below))]


EVENTS = concrete(Event)
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


def test_names_are_never_shared() -> None:
    names = [event.name for event in EVENTS]

    assert len(names) == len(set(names))
    assert len(names) >= 30


@every_event
def test_an_event_is_named_noun_dot_past_tense_and_says_who(event: type[Event]) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", event.name)
    assert "by" in {field.name for field in fields(event)}


@every_event
def test_every_event_has_a_sentence(event: type[Event]) -> None:
    phrases = import_module("audit.phrases")

    assert event.name in phrases.PHRASES


def test_no_sentence_is_about_an_event_that_does_not_exist() -> None:
    phrases = import_module("audit.phrases")

    assert set(phrases.PHRASES) == {event.name for event in EVENTS}


@every_event
def test_a_sentence_asks_only_for_facts_that_its_event_carries(event: type[Event]) -> None:
    """The phrase is said over stand-ins for each field: a fact it names and the event has not would raise."""
    phrases = import_module("audit.phrases")
    carried = {
        field.name: stand_in(str(field.type)) for field in fields(event) if field.name not in ("by", "target")
    }

    said = phrases.sentence({"kind": event.name, "by": {"name": "owner"}, "facts": carried})

    assert said.startswith("owner ")
    assert said.endswith(".")
    assert "{" not in said


def stand_in(kind: str) -> object:
    """What the trail would hold for a field of this type."""
    plain: dict[str, object] = {"str": "word", "int": 2, "bool": True}
    return plain.get(kind, {"kind": "registry.thing", "id": "1", "name": "thing"})
