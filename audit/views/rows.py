"""Entries of the trail as rows of a page: the sentence, the objects it tells of, a mark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit import phrases
from audit.models import Entry

ICONS = {
    "action": "stop",
    "alias": "flag",
    "clearance": "clearance",
    "dataset": "dataset",
    "decisions": "decision",
    "endpoint": "gate",
    "manifest": "lock",
    "model": "model",
    "pipeline": "lineage",
    "policy": "policy",
    "report": "report",
    "review": "review",
    "revision": "edit",
    "risk": "risk",
    "server": "service",
    "system": "system",
    "token": "token",
    "version": "version",
}
COLOURS = {
    "action.refused": "critical",
    "clearance.granted": "ok",
    "clearance.lapsed": "critical",
    "report.failed": "critical",
    "review.approved": "ok",
    "review.changes_requested": "attention",
    "token.revoked": "attention",
    "version.suspended": "critical",
    "version.suspension_lifted": "ok",
}
LABELS = {"sha256": "SHA-256", "url": "Address"}
DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Row:
    """What a list or a time line shows of one entry."""

    entry: Entry
    text: str
    icon: str
    state: str
    objects: list[dict[str, str]]
    url: str = ""

    @property
    def at(self) -> Any:
        return self.entry.created_at


def row(entry: Entry, *, url: str = "") -> Row:
    """`entry` for the eye. Links lead to pages of the portal only."""
    body = entry.facts
    objects = {
        fact["path"]: fact for fact in body["facts"].values() if isinstance(fact, dict) and is_local(fact)
    }
    return Row(
        entry=entry,
        text=told(body),
        icon=ICONS.get(entry.kind.partition(".")[0], "trail"),
        state=COLOURS.get(entry.kind, "neutral"),
        objects=list(objects.values())[:3],
        url=url,
    )


def told(body: dict[str, Any]) -> str:
    """The sentence of an entry. One whose kind this release does not know is still shown, by its kind."""
    try:
        return phrases.sentence(body)
    except phrases.UnknownEvent:
        return f"{body['by']['name']}: {body['kind']}."


def is_local(fact: dict[str, Any]) -> bool:
    """Whether the object has a page here."""
    path = str(fact.get("path", ""))
    return path.startswith("/") and not path.startswith("//")


def facts(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The facts of an entry one by one: label, text, and a path or a digest where it is one."""
    for name, value in body["facts"].items():
        text = value["name"] if isinstance(value, dict) else value
        yield {
            "label": LABELS.get(name) or name.replace("_", " ").capitalize(),
            "text": {True: "yes", False: "no", None: "", "": ""}.get(text, text)
            if not isinstance(text, int)
            else text,
            "path": value["path"] if isinstance(value, dict) and is_local(value) else "",
            "kind": value["kind"] if isinstance(value, dict) else "",
            "is_digest": bool(DIGEST.match(str(text))),
        }
