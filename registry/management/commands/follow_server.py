"""Follow a tracking server and read it once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry import sync
from registry.actions import servers
from registry.errors import Invalid
from registry.models import TrackingServer, User


class Command(BaseCommand):
    """`manage.py follow_server main http://127.0.0.1:5000`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a short name of your own")
        parser.add_argument("uri", help="the address, http:// or https://")

    def handle(self, *args: Any, **options: Any) -> None:
        machine = User.machine()
        server = TrackingServer.objects.filter(uri=options["uri"].rstrip("/")).first()
        try:
            server = server or servers.add(name=options["name"], uri=options["uri"], by=machine)
        except Invalid as error:
            raise CommandError(str(error)) from error
        outcome = sync.read(server, by=machine)
        for problem in outcome.problems:
            self.stderr.write(problem)
        self.stdout.write(
            f"{server.name}: {outcome.models_added} new models, {outcome.versions_added} new versions."
        )
        if outcome.problems:
            raise CommandError("Not everything could be read; a worker tries again every five minutes.")
