"""Follow a tracking server and read it once."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry import sync
from registry.actions import servers
from registry.errors import Invalid
from registry.models import TrackingServer, User

EVERYTHING = sys.maxsize


class Command(BaseCommand):
    """`manage.py follow_server main http://127.0.0.1:5000 --username cardinal`.

    The password comes from MLFLOW_TRACKING_PASSWORD, a bearer token from MLFLOW_TRACKING_TOKEN, or the password from a
    prompt; never from the arguments, which every account of the machine can read.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a short name of your own")
        parser.add_argument("uri", help="the address, http:// or https://")
        parser.add_argument("--username", default="", help="log in as; the password is asked for")
        parser.add_argument(
            "--authority", type=Path, help="a file with the certificate (PEM) of its authority"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        machine = User.machine()
        username = options["username"]
        server = TrackingServer.objects.filter(uri=options["uri"].rstrip("/")).first()
        authority = _certificates(options["authority"])
        try:
            if server is None:
                server = servers.add(
                    name=options["name"],
                    uri=options["uri"],
                    username=username,
                    secret=_secret(username),
                    authority=authority,
                    by=machine,
                )
            elif username:
                servers.set_credentials(
                    server=server, username=username, secret=_secret(username), by=machine
                )
            if authority:
                servers.trust(server=server, authority=authority, by=machine)
        except Invalid as error:
            raise CommandError(str(error)) from error
        outcome = sync.read(server, by=machine, in_passing=EVERYTHING)
        for problem in outcome.problems:
            self.stderr.write(problem)
        self.stdout.write(
            f"{server.name}: {outcome.models_added} new models, {outcome.versions_added} new versions."
        )
        if outcome.busy:
            raise CommandError("A worker is reading this server now, or it is paused.")
        if outcome.problems:
            raise CommandError("Not everything could be read; a worker tries again every five minutes.")


def _certificates(file: Path | None) -> str:
    try:
        return file.read_text() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as a certificate (PEM): {error}") from error


def _secret(username: str) -> str:
    if not username:
        return os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    return os.environ.get("MLFLOW_TRACKING_PASSWORD") or getpass.getpass(f"Password of {username}: ")
