"""`cardinal decide`: how the gate would decide about this very token, and why."""

from __future__ import annotations

import os
from typing import Any

import click

from governance.client.command.asking import ACTIONS, ENVIRONMENTS, NO, Asking, asks, read_secret, stop
from governance.client.command.check import NETWORK, PURPOSE, reasoning
from governance.client.command.printing import clean, note, say
from governance.client.errors import Misconfigured

PRESENTED = "CARDINAL_PRESENTED_TOKEN"


@click.command(
    epilog="""\b
Examples:
  cardinal decide --token - --model credit-scorer --explain < token.txt
  cardinal decide --token token.txt --model credit-scorer --version 3 --network 10.0.0.7"""
)
@click.option(
    "--token", "given", default="", metavar="FILE",
    help=f"Where the presented token is: a file, or - for standard input.  [env: {PRESENTED}]",
)  # fmt: skip
@click.option("--model", required=True, help="Which model would be asked.")
@click.option("--version", type=click.IntRange(1, 2**31 - 1), help="Which version; the champion without it.")
@click.option("--alias", default="", help="Or which alias.")
@click.option(
    "--environment", "-e", type=click.Choice(ENVIRONMENTS), default=None,
    help="Where; that of the token, and another is an error.",
)  # fmt: skip
@click.option("--action", type=click.Choice(ACTIONS), default="predict", show_default=True)
@NETWORK
@PURPOSE
@click.option("--payload-bytes", type=click.IntRange(0, 2**30), help="How large the body would be.")
@click.option("--explain", is_flag=True, help="Show every condition with its fact.")
@asks
def decide(asking: Asking, *, given: str, explain: bool, environment: str | None, **query: Any) -> None:
    """How would the gate decide now about a query with this token?

    It is no decision: nothing is journalled, no rate is counted. Needs a token of your own with the scope introspect.
    Exits 0 when it would be allowed, 1 when it would be refused, 2 when the question is wrong, 3 when nobody could be
    asked.
    """
    if query["version"] and query["alias"]:
        raise click.UsageError("Name a version or an alias, not both.")
    presented = _presented(given)
    with asking.portal() as portal:
        found = portal.access.decide(presented, query.pop("model"), environment=environment or "", **query)

    def people() -> None:
        if explain:
            reasoning(found)
            return
        said = "allowed" if found.allowed else "refused"
        say(
            f"{said} ({clean(found.reason)}): {clean(found.sentence)}",
            mark="green" if found.allowed else "red",
        )

    asking.show(found, people)
    if not found.allowed:
        stop(NO)


def _presented(given: str) -> str:
    """The token: from the environment, standard input or a file. One typed as it is works, and is a mistake to repeat."""
    if given.startswith("crd_"):
        note(
            "cardinal: this token now stands in the history of your shell; next time use --token - or a file."
        )
        return given
    text = read_secret(given) if given else os.environ.get(PRESENTED, "")
    if not text:
        raise Misconfigured(f"Which token? Use --token FILE, --token - or {PRESENTED}.")
    return text
