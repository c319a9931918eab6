"""`cardinal login`, `logout` and `whoami`: whose token this is, and where it is kept."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from governance.client import configuration
from governance.client.command.asking import Asking, asks
from governance.client.command.printing import clean, pairs, say, when
from governance.client.configuration import Configuration
from governance.client.errors import Misconfigured
from governance.client.portal import Portal


@click.command(epilog="\b\nExample:\n  cardinal login https://cardinal.example.org < token.txt")
@click.argument("url")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Certificates (PEM) to trust.",
)
@click.option("--allow-http", is_flag=True, help="Send the token over plain HTTP.")
def login(*, url: str, ca_file: str | None, allow_http: bool) -> None:
    """Store the portal's address and a token, readable by you only, once the portal has taken it.

    The token is asked for without being shown, or read from standard input.
    """
    address = configuration.checked_url(url, allow_http=allow_http)
    hidden = sys.stdin.isatty()
    text = click.prompt("Token", hide_input=True) if hidden else sys.stdin.readline(1000)
    given = Configuration(address, text.strip(), ca_file=Path(ca_file) if ca_file else None)
    with Portal(given) as portal:
        me = portal.me()
    place = configuration.place()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"{place.parent} cannot be made: {error.strerror}.") from error
    beside = place.with_suffix(f".{os.getpid()}")
    configuration.write_private(
        beside, json.dumps({"url": address, "token": given.token, "ca_file": ca_file or ""})
    )
    beside.replace(place)
    say(f"Stored in {place}. You are {clean(me.username)}.")


@click.command()
def logout() -> None:
    """Forget what `cardinal login` has stored. The token itself lives on: revoke it to end it."""
    place = configuration.place()
    there = place.exists()
    place.unlink(missing_ok=True)
    say(f"{place} is deleted." if there else "Nothing was stored.")


@click.command()
@asks
def whoami(asking: Asking) -> None:
    """Which account this token acts for, and what it may do."""
    with asking.portal() as portal:
        me, url = portal.me(), portal.url

    def people() -> None:
        held = me.token
        rows: list[tuple[str, object]] = [
            ("portal", url),
            ("account", f"{me.username} ({me.kind})"),
            ("roles", me.roles),
        ]
        if held:
            rows += [
                ("token", f"{held.name} ({held.id})"),
                ("in the portal", held.portal),
                ("at the gate", held.actions),
                ("environment", held.environment),
                ("ends", when(held.ends_at)),
            ]
        pairs(rows)

    asking.show(me, people)
