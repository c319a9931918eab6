"""`cardinal sync` and `cardinal report …`: what workers do when they are asked."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from uuid import UUID

import click

from governance.client.answers import Report, Sync
from governance.client.catalogue import Named
from governance.client.command.asking import NO, UNANSWERED, YES, Asking, VersionName, asks, stop
from governance.client.command.printing import clean, note, pairs, say, table, when
from governance.client.errors import Misconfigured, Unexpected
from governance.client.portal import Portal
from governance.client.work import follow

LONGEST_WAIT = click.FloatRange(0, 86_400)
OUTPUT = click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="File to write; it may not be there yet."
)
LIMIT = click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)


@click.command(epilog="\b\nExamples:\n  cardinal sync\n  cardinal sync tracking --wait 120")
@click.argument("server", required=False, default="")
@click.option(
    "--wait",
    type=LONGEST_WAIT,
    default=0.0,
    metavar="SECONDS",
    help="Wait for the end of the read, for so long.",
)
@asks
def sync(asking: Asking, *, server: str, wait: float) -> None:
    """Let a worker read a tracking server now; all that are followed, where none is named.

    Needs a token with the scopes read and sync. Exits 1 when something could not be read, and 3 when the time was over
    first.
    """
    with asking.portal() as portal:
        names = [server] if server else [one.name for one in portal.servers.list() if not one.paused_at]
        ordered = [portal.servers.sync(name) for name in names]
        ends = [follow(one, portal.servers.followed, wait, told=_reading) for one in ordered]
    asking.show(ends, lambda: _syncs(ends))
    if wait:
        stop(
            _worst(
                *(NO if one.state == "failed" else UNANSWERED if one.is_under_way else YES for one in ends)
            )
        )


@click.group()
def report() -> None:
    """Order reports for auditors, take them home, and tell whether a file is one."""


@report.command("list")
@click.option("--model", default="", help="Slug of a model.")
@click.option("--state", type=click.Choice(["ordered", "rendering", "ready", "failed", "cancelled"]))
@LIMIT
@asks
def listed(asking: Asking, *, model: str, state: str | None, limit: int) -> None:
    """Reports that you may see, newest first."""
    with asking.portal() as portal:
        rows = list(portal.reports.list(model=model, state=state or "", limit=limit))
    shown = [
        (one.id, f"{one.model}/{one.version}", one.state, one.ordered_by, when(one.ordered_at))
        for one in rows
    ]
    asking.show(rows, lambda: table(("id", "version", "state", "ordered by", "ordered"), shown))


@report.command(
    "new", epilog="\b\nExample:\n  cardinal report new credit-scorer@champion --wait 120 -o report.pdf"
)
@click.argument("version", type=VersionName())
@click.option(
    "--wait", type=LONGEST_WAIT, default=0.0, metavar="SECONDS", help="Wait until it is ready, for so long."
)
@OUTPUT
@asks
def new(asking: Asking, *, version: Named, wait: float, output: Path | None) -> None:
    """Order a report on a version; with --output, download it when it is ready.

    Needs a token with the scopes read and report. Exits 1 when it could not be made, and 3 when the time was over first.
    """
    if output and not wait:
        raise click.UsageError("--output needs --wait: an ordered report is not ready yet.")
    _absent(output)
    with asking.portal() as portal:
        made = portal.reports.order(version.model, portal.models.number_of(version))
        made = follow(made, lambda one: portal.reports.get(one.id), wait, told=_rendering)
        if output and made.state == "ready":
            _take(portal, made, output)
    asking.show(made, lambda: _report(made))
    if wait:
        stop(YES if made.state == "ready" else UNANSWERED if made.is_under_way else NO)


@report.command("download")
@click.argument("key", metavar="ID", type=click.UUID)
@OUTPUT
@asks
def download(asking: Asking, *, key: UUID, output: Path | None) -> None:
    """Take a finished report home. Its digest is checked, and the download stands in the trail."""
    with asking.portal() as portal:
        one = portal.reports.get(str(key))
        place = output or Path(f"{one.model}-v{one.version}-{one.sha256[:12]}.pdf".replace("/", "-"))
        _absent(place)
        _take(portal, one, place)
    asking.show({"report": one, "file": str(place)}, lambda: say(f"{place}: SHA-256 {clean(one.sha256)}"))


@report.command("verify", epilog="\b\nExample:\n  cardinal report verify credit-scorer-v3.pdf --json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@asks
def verify(asking: Asking, *, file: Path) -> None:
    """Is this file a report of this portal, unchanged? Compares its SHA-256 with what the portal has kept.

    Exits 0 when it is one that you may see, and 1 when it is none.
    """
    digest = _digest(file)
    with asking.portal() as portal:
        found = next(iter(portal.reports.list(sha256=digest, state="ready", limit=1)), None)
    told = {"genuine": found is not None, "sha256": digest, "report": found}
    words = f"is the report {found.id} on {found.model}/{found.version}, unchanged" if found else "is no report of this portal that you may see"  # fmt: skip
    asking.show(
        told, lambda: say(f"{file} {clean(words)}. SHA-256 {digest}", mark="green" if found else "red")
    )
    if not found:
        stop(NO)


def _take(portal: Portal, one: Report, place: Path) -> None:
    """Whole and checked, or not at all: a file beside it gets the name when its digest is right."""
    folder = place.parent if place.parent.is_dir() else None
    if folder is None:
        raise Misconfigured(f"There is no folder {place.parent}.")
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".cardinal-", delete=False) as file:
        beside = Path(file.name)
        try:
            told = portal.reports.download(one.id, file)
            file.flush()
            if not one.sha256 or {_digest(beside), told} != {one.sha256}:
                raise Unexpected("The file that came is not the one that was rendered. It is not kept.")
            os.link(beside, place)  # never over something that is there
        except FileExistsError as error:
            raise Misconfigured(f"{place} is there already; it is not written over.") from error
        finally:
            beside.unlink(missing_ok=True)


def _absent(place: Path | None) -> None:
    if place and place.exists():
        raise Misconfigured(f"{place} is there already; it is not written over.")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _worst(*codes: int) -> int:
    return max(codes, default=YES)


def _reading(one: Sync) -> None:
    note(f"{clean(one.server)}: {clean(one.state)}")


def _rendering(one: Report) -> None:
    note(f"{one.percent:3} % {clean(one.step or one.state)}")


def _syncs(found: list[Sync]) -> None:
    for one in found:
        new_ones = (
            f", {one.models_added} models and {one.versions_added} versions new"
            if one.state == "done"
            else ""
        )
        say(f"{clean(one.server)}: {clean(one.state)}{new_ones}", mark="red" if one.state == "failed" else "")
        for problem in one.problems:
            say(f"  {clean(problem)}")
    if not found:
        say("No tracking server is followed.")


def _report(one: Report) -> None:
    pairs(
        [
            ("report", one.id),
            ("version", f"{one.model}/{one.version}"),
            ("state", one.state),
            ("problem", one.problem),
            ("SHA-256", one.sha256),
            ("pages", one.pages),
        ]
    )
