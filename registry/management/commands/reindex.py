"""Write anew what is derived from the facts, the index of search and who read which data, or say whether it is as it should be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.models import readings
from registry.search import index


class Command(BaseCommand):
    """`manage.py reindex` rebuilds; `--check` changes nothing and fails when a rebuild would change something."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when a row differs")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            self.stdout.write(f"{readings.rebuild()} readings and {index.rebuild()} rows are indexed.")
            return
        different = readings.differences() + index.differences()
        if different:
            named = ", ".join(different[:10])
            raise CommandError(f"{len(different)} rows differ from the facts; run manage.py reindex. {named}")
        self.stdout.write("The index equals the facts.")
