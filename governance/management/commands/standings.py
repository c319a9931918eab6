"""Write anew how each model stands in the lists, or say whether it is as it should be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.models import standings


class Command(BaseCommand):
    """`manage.py standings` rebuilds; `--check` changes nothing and fails when a rebuild would change something."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when a standing differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            self.stdout.write(f"{standings.rebuild()} standings are written.")
            return
        different = standings.differences()
        if different:
            named = ", ".join(different[:10])
            raise CommandError(
                f"{len(different)} standings differ from the facts; run manage.py standings. {named}"
            )
        self.stdout.write("The standings equal the facts.")
