"""Who is told of broken glass and of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance.audience.base import Told, brief, cause, distinct, holders, moment
from governance.models import Token
from governance.permissions import who_may_countersign
from registry.models import User


def _of_glass(event: Any, kind: str, people: Sequence[User], text: str) -> list[Told]:
    return [Told(kind, people, text, event.version.get_absolute_url(), cause(event.glass), event.version)]


def glass_asked(event: Any) -> list[Told]:
    text = (
        f"{event.by} asks that {event.version} may answer in {event.environment} for {event.minutes} minutes although it"
        f" is not cleared: “{brief(event.reason)}”"
    )
    return _of_glass(event, "glass.asked", holders("governance.break_glass"), text)


def glass_granted(event: Any) -> list[Told]:
    watching = (*holders("governance.break_glass"), *holders("governance.suspend_version"))
    people = distinct(event.glass.asked_by, *watching)
    text = (
        f"{event.version} answers in {event.environment} until {moment(event.ends_at)}, whatever its clearance says."
        f" {event.asked_by} asked, {event.by} granted: “{brief(event.reason)}”"
    )
    return _of_glass(event, "glass.granted", people, text)


def glass_ended(event: Any) -> list[Told]:
    people = distinct(event.glass.asked_by, event.glass.granted_by)
    how = "was not granted" if event.unused else "is over"
    text = f"The broken glass for {event.version} in {event.environment} {how}."
    return _of_glass(event, "glass.ended", people, text)


def answering_for(token: Token) -> list[User]:
    """Who issued it, and whose it is: the person, or the one who answers for the service account."""
    sponsor = getattr(getattr(token.owner, "service", None), "sponsor", None)
    return [one for one in distinct(token.issued_by, sponsor or token.owner) if one.kind == User.Kind.PERSON]


def _of_token(token: Token, kind: str, people: Sequence[User], text: str, *parts: object) -> list[Told]:
    return [Told(kind, people, text, token.get_absolute_url(), cause(token, *parts), token)]


def token_waits(event: Any) -> list[Told]:
    if not event.waits:
        return []
    token = event.token
    people = who_may_countersign(holders("governance.issue_token"), token)
    text = f"{event.by} issued the token “{token.name}” for {token.environment}; it needs a second person."
    return _of_token(token, "token.waits", people, text)


def token_settled(event: Any) -> list[Told]:
    done = "declined" if event.name == "token.declined" else "countersigned"
    text = f"{event.by} {done} the token “{event.token.name}”."
    return _of_token(event.token, "token.settled", answering_for(event.token), text)


def token_expiring(event: Any) -> list[Told]:
    text = f"The token “{event.token.name}” of {event.owner} ends on {moment(event.expires_at)}. Rotate it before."
    return _of_token(event.token, "token.expiring", answering_for(event.token), text, event.days)


def token_revoked(event: Any) -> list[Told]:
    text = f"{event.by} revoked the token “{event.token.name}” of {event.owner}."
    return _of_token(event.token, "token.revoked", answering_for(event.token), text)


def token_leaked(event: Any) -> list[Told]:
    watching = distinct(*answering_for(event.token), *holders("governance.revoke_token"))
    text = (
        f"The token “{event.token.name}” of {event.owner} was found where it should not be, and is revoked."
    )
    return _of_token(event.token, "token.leaked", watching, text)
