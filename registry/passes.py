"""Orders to read a tracking server now: where each of them stands, kept in the cache for a day.

An order decides nothing and changes nothing by itself, so it is no fact and no event; what the read finds is both.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.core.cache import cache
from django.utils import timezone

from registry.errors import Conflict
from registry.models import TrackingServer, User

KEPT_SECONDS = 24 * 60 * 60
WAITING, READING, DONE, FAILED = STATES = ("waiting", "reading", "done", "failed")
MOST_PROBLEMS = 20


def order(server: TrackingServer, by: User) -> dict[str, Any]:
    """Let a worker read `server` now; what is returned can be asked for again with `found`."""
    if server.paused_at:
        raise Conflict(f"{server} is paused: follow it again first.")
    key = str(uuid.uuid4())
    made = {
        "id": key,
        "server": server.name,
        "state": WAITING,
        "ordered_by": by.get_username(),
        "ordered_at": timezone.now(),
        "ended_at": None,
        "models_added": 0,
        "versions_added": 0,
        "problems": [],
    }
    cache.set(_name(key), made, KEPT_SECONDS)
    current_app.send_task("registry.sync_server", [server.pk, by.pk, key])
    return made


def found(server: TrackingServer, key: str) -> dict[str, Any] | None:
    """The order with this key, if it is about `server` and not older than a day."""
    kept: dict[str, Any] | None = cache.get(_name(str(key)))
    return kept if kept and kept["server"] == server.name else None


def begun(key: str) -> None:
    """A worker has taken it. An empty key: nobody follows this read."""
    _note(key, state=READING)


def ended(key: str, *, problems: Sequence[str], models_added: int = 0, versions_added: int = 0) -> None:
    """The pass is over, with what could not be read."""
    _note(
        key,
        state=FAILED if problems else DONE,
        ended_at=timezone.now(),
        models_added=models_added,
        versions_added=versions_added,
        problems=list(problems)[:MOST_PROBLEMS],
    )


def _note(key: str, **what: Any) -> None:
    kept = cache.get(_name(key)) if key else None
    if kept:
        cache.set(_name(key), kept | what, KEPT_SECONDS)


def _name(key: str) -> str:
    return f"server-pass:{key}"
