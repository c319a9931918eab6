"""What every command has in common: whom it asks, how it prints, and how it ends."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from governance.client import configuration
from governance.client.catalogue import Named
from governance.client.command.printing import as_json, clean, note
from governance.client.errors import (
    CardinalError,
    Declined,
    Failed,
    Misconfigured,
    NotSignedIn,
    NotThere,
    TooMany,
)
from governance.client.portal import Portal

# How a command ends; docs/howto/pipelines.md tells pipelines.
YES, NO, USAGE, UNANSWERED, INTERRUPTED = 0, 1, 2, 3, 130
EXITS = {
    YES: "yes, or done",
    NO: "no, with the reasons: not cleared, denied, declined",
    USAGE: "not asked: an argument, the address or the token is missing or wrong",
    UNANSWERED: "no answer: no connection, not signed in, not there for you, not ended in time",
    INTERRUPTED: "interrupted",
}
NO_ANSWER = (NotSignedIn, NotThere, TooMany, Failed)
F = TypeVar("F", bound=Callable[..., Any])
ENVIRONMENTS = ("production", "staging")
ACTIONS = ("predict", "explain", "feedback", "read_card", "download_artifact")


class Asking:
    """The portal that this command asks, opened when it is needed."""

    def __init__(self, *, as_json: bool, **given: Any) -> None:
        self.as_json, self._given = as_json, given

    def portal(self) -> Portal:
        """Connected as the options and the environment say."""
        return Portal(configuration.found(**self._given))

    def show(self, value: Any, people: Callable[[], None]) -> None:
        """One JSON document for programs, or what `people` prints."""
        if self.as_json:
            as_json(value)
        else:
            people()


class VersionName(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """MODEL@ALIAS or MODEL/NUMBER."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Named:
        """What was named."""
        try:
            return value if isinstance(value, Named) else Named.of(value)
        except Misconfigured as error:
            self.fail(str(error), param, ctx)


def asks(command: F) -> F:
    """Gives a command the options that all have, and itself the `Asking` that they make."""

    @click.option("--url", default="", help="Address of the portal.  [env: CARDINAL_URL]")
    @click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        help="File with the token, which nobody else may read.  [env: CARDINAL_TOKEN_FILE; or CARDINAL_TOKEN]",
    )
    @click.option(
        "--ca-file",
        type=click.Path(path_type=Path),
        help="Certificates (PEM) to trust, instead of the usual ones.  [env: CARDINAL_CA_FILE]",
    )
    @click.option(
        "--allow-http", is_flag=True, help="Send the token over plain HTTP.  [env: CARDINAL_ALLOW_HTTP=1]"
    )
    @click.option(
        "--timeout", type=click.FloatRange(0.1, 600), default=30.0, show_default=True, metavar="SECONDS",
        help="How long the portal may be silent.",
    )  # fmt: skip
    @click.option(
        "--retries", type=click.IntRange(0, 10), default=3, show_default=True,
        help="How often to ask again, where that is safe.",
    )  # fmt: skip
    @click.option("--json", "in_json", is_flag=True, help="One JSON document on standard output.")
    @functools.wraps(command)
    def asking(*, in_json: bool, **given: Any) -> Any:
        names = ("url", "token_file", "ca_file", "allow_http", "timeout", "retries")
        whom = {name: given.pop(name) for name in names}
        made = Asking(as_json=in_json, **whom)
        return command(made, **given)

    return asking  # type: ignore[return-value]  # the same command with other options


def ended(error: CardinalError, *, in_json: bool) -> int:
    """Tell what came instead of an answer; returns how the command ends."""
    sentence = clean(error)
    if in_json:
        as_json({"error": _told(error)})
    note(f"cardinal: {sentence}" + (f" (request {clean(error.request_id)})" if isinstance(error, Declined) and error.request_id else ""))  # fmt: skip
    if isinstance(error, Misconfigured):
        return USAGE
    return NO if isinstance(error, Declined) and not isinstance(error, NO_ANSWER) else UNANSWERED


def stop(code: int) -> None:
    """End the command here."""
    click.get_current_context().exit(code)


def read_secret(path: str) -> str:
    """A token from a file, or from standard input where the path is a dash."""
    return sys.stdin.readline(1000).strip() if path == "-" else configuration.private_text(Path(path))


def _told(error: CardinalError) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": type(error).__name__, "sentence": str(error)}
    if isinstance(error, Declined):
        told |= {
            "status": error.status,
            "reasons": error.reasons,
            "fields": error.fields,
            "request_id": error.request_id,
        }
    return told
