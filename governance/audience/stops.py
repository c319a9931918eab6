"""Who is told that queries are stopped, and that they pass again."""

from __future__ import annotations

from typing import Any

from governance.audience.access import answering_for
from governance.audience.base import Subject, Told, brief, cause, distinct, holders
from governance.models import Stop
from registry.models import User


def made(event: Any) -> list[Told]:
    text = f"{event.by} stopped {event.what}: “{brief(event.reason)}” The gate refuses them until somebody lifts it."
    return _told(event.stop, "stop.made", text)


def lifted(event: Any) -> list[Told]:
    text = (
        f"{event.by} lets {event.what} pass again, which {event.made_by} had stopped: “{brief(event.reason)}”"
    )
    return _told(event.stop, "stop.lifted", text)


def _told(stop: Stop, kind: str, text: str) -> list[Told]:
    """Of a model: only who sees it, which is held by its newest version; one without a version answers nobody anyway."""
    subject: Subject = stop.token
    if stop.model and (subject := stop.model.versions.order_by("-number").first()) is None:
        return []
    return [Told(kind, _concerned(stop), text, stop.get_absolute_url(), cause(stop), subject)]


def _concerned(stop: Stop) -> list[User]:
    if stop.token:
        return distinct(*answering_for(stop.token), stop.by)
    watching = ["governance.stop_model"] if stop.model else ["governance.stop_all", "governance.issue_token"]
    return distinct(stop.by, *(one for permission in watching for one in holders(permission)))
