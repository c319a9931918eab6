"""Import a file: model card, datasheet or pipeline. Prints what became of every value in it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from registry import formats
from registry.actions import imports
from registry.documents import content as contents
from registry.documents.proposals import offer
from registry.errors import DomainError, Invalid
from registry.formats.ledger import OUTCOMES
from registry.models import Dataset, User, Version
from registry.naming import named, named_in

TITLES = dict(OUTCOMES)


class Command(BaseCommand):
    """`manage.py import_document README.md --into credit-risk/3`. Exit 0: imported. Exit 1: refused, with the reason."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file to import")
        parser.add_argument(
            "--format",
            default="",
            help=f"one of {', '.join(formats.READERS)}; recognised by content when not given",
        )
        parser.add_argument("--into", default="", help="model-slug/number, or the slug of a dataset")
        parser.add_argument(
            "--by", default="", help="the account that imports; the portal itself when not given"
        )
        parser.add_argument("--dry-run", action="store_true", help="read and report; write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = self._import(Path(options["file"]), options)
        except DomainError as error:
            self._refuse(options, str(error))
        except OSError as error:
            self._refuse(options, f"{options['file']} cannot be read: {error.strerror or error}.")
        except DatabaseError as error:
            self._refuse(
                options, f"The database cannot be used: {str(error).splitlines()[0]}. Run manage.py migrate."
            )
        self.stdout.write(json.dumps(told, ensure_ascii=True) if options["json"] else _readable(told))

    def _refuse(self, options: dict[str, Any], reason: str) -> None:
        if options["json"]:
            self.stdout.write(
                json.dumps({"imported": False, "file": options["file"], "reason": reason}, ensure_ascii=True)
            )
        raise CommandError(reason.encode(errors="replace").decode())

    def _import(self, path: Path, options: dict[str, Any]) -> dict[str, Any]:
        raw = content_of(path)
        reading = formats.read(raw, name=path.name, format=options["format"])
        told = _told(reading, path, options)
        if options["dry_run"] and not (options["into"] or options["by"]):
            with suppress(DatabaseError):  # reading a file needs no database; naming what exists here does
                told["named_here"] = _named_here(reading, User.machine())
            return told | {"proposals": _would(reading, None)}
        by = _account(options["by"])
        about = named(options["into"], by) if options["into"] else None
        told["named_here"] = _named_here(reading, by)
        proposed = _would(reading, about)
        if options["dry_run"]:
            return told | {"proposals": proposed}
        taken = imports.take(name=path.name, raw=raw, format=options["format"], about=about, by=by)
        return told | {
            "import": taken.pk,
            "digest": taken.digest,
            "revision": taken.revision.number if taken.revision else None,
            "proposals": proposed,
        }


def _told(reading: formats.Reading, path: Path, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "imported": not options["dry_run"],
        "file": str(path),
        "format": reading.format,
        "kind": reading.kind,
        "subject": asdict(reading.subject),
        "named_here": [],
        "into": options["into"],
        "notes": list(reading.notes),
        "counts": reading.counts,
        "report": [asdict(leaf) for leaf in reading.report],
    }


def _named_here(reading: formats.Reading, by: User) -> list[str]:
    return named_in(reading.subject.name, reading.subject.version, reading.kind, by)


def content_of(path: Path) -> bytes:
    """The bytes of a file, never more than can be imported."""
    if path.is_dir():
        raise Invalid(f"{path} is a folder; name a file.")
    if not path.exists():
        raise Invalid(f"There is no file {path}.")
    if not path.is_file():
        raise Invalid(f"{path} is a device or a pipe; name a file.")
    size = path.stat().st_size
    if size > formats.MAX_BYTES:
        raise Invalid(f"{path} has {size / 1e6:.1f} MB; at most {formats.MAX_BYTES / 1e6:.0f} MB are read.")
    with path.open("rb") as file:
        return file.read(formats.MAX_BYTES + 1)


def _account(name: str) -> User:
    account = User.objects.filter(username=name).first() if name else User.machine()
    if account is None:
        raise Invalid(f"There is no account {name!r}.")
    return account


def _would(reading: formats.Reading, about: Version | Dataset | None) -> list[str]:
    """The fields that would be filled; without a target those of an empty document."""
    if reading.kind == "pipeline":
        return []
    document = getattr(about, "card" if reading.kind == "card" else "datasheet", None) if about else None
    content = document.head.content if document and document.head else contents.blank(reading.kind)
    return list(offer(reading.kind, content, reading.proposals)[1])


def _readable(told: dict[str, Any]) -> str:
    lines = [
        f"{told['file']}: {told['format']}, a {told['kind']}"
        + ("" if told["imported"] else " (dry run: nothing was written)"),
        *told["notes"],
    ]
    for outcome, title in TITLES.items():
        lines += ["", f"{title}: {told['counts'][outcome]}"]
        for leaf in told["report"]:
            if leaf["outcome"] == outcome:
                rest = " · ".join(part for part in (leaf["field"], leaf["reason"]) if part)
                lines.append(f"  {leaf['path']}  {_short(leaf['value'])}" + (f"  → {rest}" if rest else ""))
    lines += ["", f"{len(told['proposals'])} fields proposed."]
    if told["imported"]:
        where = f"revision {told['revision']} of {told['into']}" if told["revision"] else told["into"]
        lines.append(
            f"Import {told['import']}, {'used for ' + where if where else 'waits on the page Imports'}."
        )
    lines += [
        f"It names {one}, which exists here: --into {one}"
        for one in told["named_here"]
        if one != told["into"]
    ]
    return "\n".join(lines).encode(errors="replace").decode()


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
