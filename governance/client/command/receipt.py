"""`cardinal receipt`: does the receipt of a decision hold? Asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import click

from governance.client.command.asking import NO, stop
from governance.client.command.printing import as_json, clean, say
from governance.client.errors import Misconfigured
from governance.client.receipts import check

LARGEST = 1_000_000


@click.command(epilog="\b\nExample:\n  cardinal receipt decision-0192f3c0.json --root 5f0c…")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--root", default="", help="Root of the batch as the trail has it; compared with that of the receipt."
)
@click.option("--json", "in_json", is_flag=True, help="One JSON document on standard output.")
def receipt(*, file: Path, root: str, in_json: bool) -> None:
    """Check the receipt of a decision in FILE, without the portal.

    Exits 0 when digest and path lead from the decision to the root of its batch, and 1 when they do not. That the root
    is the one which was kept, only --root tells.
    """
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(LARGEST))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{file} cannot be read as JSON.") from error
    found = check(content, root=root.lower())
    if in_json:
        as_json({"holds": found.holds, "decision": found.decision, "batch": found.batch, "root": found.root,
                 "problems": found.problems})  # fmt: skip
    elif found.holds:
        say(
            f"It holds: decision {clean(found.decision)} is one of the batch with the root {clean(found.root)}.",
            mark="green",
        )
    else:
        for problem in found.problems:
            say(clean(problem), mark="red")
    if not found.holds:
        stop(NO)
