"""`cardinal token …`: issue, list, show, rotate, revoke, introspect. A secret is shown once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from governance.client.answers import Token
from governance.client.command.asking import (
    ACTIONS,
    ENVIRONMENTS,
    NO,
    Asking,
    asks,
    read_secret,
    stop,
)
from governance.client.command.printing import as_json, clean, note, pairs, say, table, when
from governance.client.configuration import write_private
from governance.client.errors import Conflict, Unexpected
from governance.client.portal import Portal
from governance.client.reading import plain
from governance.client.tokens import Issued

SCOPES = ("read", "sync", "report", "token", "introspect")
KEY = click.argument("key", metavar="ID", type=click.UUID)
OUTPUT = click.option(
    "--output-file", type=click.Path(path_type=Path),
    help="Write the secret there, readable by you only, and nowhere else. It may not be there yet.",
)  # fmt: skip


class Limit(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """60/minute."""

    name = "number/span"

    def __init__(self, *spans: str) -> None:
        self.spans = spans

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str]:
        """(60, "minute")."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(rf"([1-9][0-9]{{0,9}})/({'|'.join(self.spans)})", value, re.ASCII)
        if not found:
            self.fail(
                f"{value!r} is not like 60/{self.spans[0]}; spans are {', '.join(self.spans)}.", param, ctx
            )
        return int(found[1]), found[2]


@click.group()
def token() -> None:
    """Issue, list, rotate and revoke tokens. Needs a token with the scopes read and token."""


@token.command(
    epilog="""\b
Examples:
  cardinal token issue --name scoring --model credit-scorer --action predict --days 30 --output-file scoring.token
  SECRET=$(cardinal token issue --name nightly --portal read --portal sync --days 7)"""
)
@click.option("--name", required=True, help="What uses it.")
@click.option("--model", "models", multiple=True, help="Slug of a model; may be repeated.")
@click.option("--tag", default="", help="KEY=VALUE instead of models.")
@click.option("--environment", "-e", type=click.Choice(ENVIRONMENTS), default="production", show_default=True)
@click.option(
    "--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="At the gate; may be repeated."
)
@click.option("--portal", multiple=True, type=click.Choice(SCOPES), help="In the portal; may be repeated.")
@click.option("--owner", default="", help="Whose queries; yours, if left out.")
@click.option(
    "--number",
    "versions",
    multiple=True,
    type=click.IntRange(1),
    help="Number of a version; may be repeated.",
)
@click.option("--alias", default="", help="Only the version with this alias.")
@click.option("--purpose", default="", help="What its queries are for.")
@click.option("--network", "networks", multiple=True, help="CIDR; may be repeated.")
@click.option("--rate", type=Limit("second", "minute", "hour"), help="Such as 60/minute.")
@click.option("--quota", type=Limit("day", "month"), help="Such as 10000/day.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How long it works.")
@OUTPUT
@asks
def issue(asking: Asking, *, days: int, output_file: Path | None, **scope: Any) -> None:
    """Issue a token. Standard output gets the secret alone, once; what it can do stands on standard error."""
    with asking.portal() as portal, _room(output_file):
        made = portal.tokens.issue(expires_at=datetime.now(UTC) + timedelta(days=days), **scope)
        _hand_out(asking, made, output_file)


@token.command(
    "rotate", epilog="\b\nExample:\n  cardinal token rotate --overlap-hours 2 --output-file new.token"
)
@click.argument("key", metavar="[ID]", type=click.UUID, required=False)
@click.option("--overlap-hours", type=click.IntRange(0, 168), default=24, show_default=True)
@OUTPUT
@asks
def rotate(asking: Asking, *, key: UUID | None, overlap_hours: int, output_file: Path | None) -> None:
    """Issue a successor with the same scope; the old one works on for a while. Without an ID: the token that asks."""
    with asking.portal() as portal, _room(output_file):
        made = portal.tokens.rotate(str(key) if key else _own(portal), overlap_hours=overlap_hours)
        _hand_out(asking, made, output_file)


@token.command("list")
@click.option("--state", type=click.Choice(["active", "waiting", "expired", "revoked"]))
@click.option("--model", default="", help="Slug of a model.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@asks
def listed(asking: Asking, *, state: str | None, model: str, limit: int) -> None:
    """Tokens that you may see, newest first. Never a secret."""
    with asking.portal() as portal:
        rows = list(portal.tokens.list(state=state or "", model=model, limit=limit))
    shown = [(one.id, one.name, one.owner, one.environment, one.state, when(one.expires_at)) for one in rows]
    asking.show(rows, lambda: table(("id", "name", "owner", "environment", "state", "ends"), shown))


@token.command("show")
@KEY
@asks
def show(asking: Asking, *, key: UUID) -> None:
    """What a token can do, and until when."""
    with asking.portal() as portal:
        one = portal.tokens.get(str(key))
    asking.show(one, lambda: _print(one))


@token.command("revoke")
@KEY
@asks
def revoke(asking: Asking, *, key: UUID) -> None:
    """End a token within a second. One that is over already counts as done."""
    with asking.portal() as portal:
        try:
            portal.tokens.revoke(str(key))
        except Conflict:
            if portal.tokens.get(str(key)).state not in ("revoked", "expired"):
                raise
        one = portal.tokens.get(str(key))
    asking.show(one, lambda: say(f"{clean(one.name)} ({one.id}) is {clean(one.state)}."))


@token.command(
    "introspect",
    epilog='\b\nExample:\n  printf %s "$PRESENTED" | cardinal token introspect - --model credit-scorer',
)
@click.argument("file", metavar="FILE")
@click.option("--model", default="", help="Ask the gate about this model as well.")
@click.option("--action", type=click.Choice(ACTIONS), default="predict", show_default=True)
@asks
def introspect(asking: Asking, *, file: str, model: str, action: str) -> None:
    """Is a token active, and what may it do (RFC 7662)? It is read from FILE, or from standard input where that is -.

    Needs a token with the scope introspect. Exits 0 when it is active, and 1 when it is not.
    """
    presented = read_secret(file)
    with asking.portal() as portal:
        found = portal.tokens.introspect(presented, model=model, action=action if model else "")
    shown = [("active", "yes" if found.active else "no"), ("owner", found.username), ("scope", found.scope)]
    shown += [(name, str(value)) for name, value in (found.cardinal or {}).items()]
    asking.show(found, lambda: pairs(shown))
    if not found.active:
        stop(NO)


def _own(portal: Portal) -> str:
    own = portal.me().token
    if own is None:
        raise Unexpected("The portal does not say which token this is.")
    return own.id


@contextmanager
def _room(place: Path | None) -> Iterator[None]:
    """The file is made before the token is: a secret that finds no place would be lost."""
    if place is None:
        with _told_again():
            yield
        return
    write_private(place, "")
    try:
        with _told_again():
            yield
    finally:
        if place.exists() and not place.stat().st_size:
            place.unlink()


@contextmanager
def _told_again() -> Iterator[None]:
    try:
        yield
    except Conflict as problem:
        if not problem.place:
            raise
        key = clean(problem.place.rstrip("/").rpartition("/")[2])
        note(f"It was issued, but its secret was lost on the way. End it with: cardinal token revoke {key}")
        raise


def _hand_out(asking: Asking, made: Issued, place: Path | None) -> None:
    if place:
        place.write_text(made.secret.text)
    if asking.as_json:
        as_json(plain(made.token) | ({"file": str(place)} if place else {"secret": made.secret.text}))
        return
    note(clean(made.token.sentence))
    if made.token.state == "waiting":
        note("It works once a second person has countersigned it.")
    note(
        f"Id {made.token.id}, until {when(made.token.expires_at)}."
        + (f" The secret is in {place}." if place else "")
    )
    if not place:
        say(made.secret.text)


def _print(one: Token) -> None:
    say(clean(one.sentence))
    pairs(
        [
            ("id", one.id),
            ("name", one.name),
            ("begins", one.prefix),
            ("state", one.state),
            ("issued by", one.issued_by),
            ("countersigned", one.countersigned_by),
            ("ends", one.expires_at),
            ("overlap ends", one.overlap_ends_at),
            ("replaces", one.replaces),
        ]
    )
