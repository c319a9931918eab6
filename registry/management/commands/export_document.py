"""Export the card of a version, or the datasheet of a dataset, in a format for elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry import formats
from registry.errors import DomainError
from registry.exporting import export_of
from registry.models import User
from registry.naming import named


class Command(BaseCommand):
    """`manage.py export_document credit-risk/3 --format cyclonedx-1.6 -o card.cdx.json`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("object", help="model-slug/number, or the slug of a dataset")
        parser.add_argument("--format", required=True, help=f"one of {', '.join(formats.WRITERS)}")
        parser.add_argument("-o", "--output", default="", help="a file; standard output when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            machine = User.machine()
            export = export_of(named(options["object"], machine), options["format"], reader=machine)
            raw = formats.write(options["format"], export)
            if options["output"]:
                Path(options["output"]).write_bytes(raw)
        except DomainError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{options['output']} cannot be written: {error.strerror or error}."
            ) from error
        for path in formats.left_out(options["format"], export):
            self.stderr.write(f"{path} has no place in this format and was left out.")
        if not options["output"]:
            self.stdout.write(raw.decode(), ending="")
