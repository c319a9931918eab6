"""What an address asks for: which protocol, which operation, which model and version. Only what matches completely is one.

Each protocol has its own grammar, read on the raw bytes, once. A model is named by its slug, and by `slug@alias` where the
protocol knows no place of its own for a version. What consists of digits alone is a number and never an alias.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from governance.gate.reasons import Refused

CHAMPION = "champion"
MLFLOW, V2, V1, OPENAI = "mlflow", "v2", "v1", "openai"
PREDICT, EXPLAIN = "predict", "explain"

_MODEL = rb"(?P<model>[a-z0-9][a-z0-9_-]{0,119})"
_ALIAS = rb"[A-Za-z0-9_-]{1,255}"
_AT = rb"@(?P<alias>" + _ALIAS + rb")"
_NUMBER = rb"/versions/(?P<number>[1-9][0-9]{0,8})"
_NAMED = _MODEL + rb"(?:" + _AT + rb"|" + _NUMBER + rb")?"
_VERSION = _NUMBER + rb"(?![A-Za-z0-9_-])|/versions/(?![0-9]+(?:/|\Z))(?P<label>" + _ALIAS + rb")"
_LABEL = _NUMBER + rb"|/labels/(?P<label>" + _ALIAS + rb")"


@dataclass(frozen=True)
class Operation:
    """One thing that a protocol offers. `suffix` is how its address ends at a model server; `method` how it is asked."""

    protocol: str = ""
    method: str = "POST"
    suffix: str = ""
    action: str = PREDICT
    model_in_body: bool = False

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The methods of a request for it. HEAD is GET without the body."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def allow(self) -> bytes:
        """The value of the header Allow."""
        return ", ".join((*self.methods, "OPTIONS")).encode()


NONE = Operation()


@dataclass(frozen=True, slots=True)
class Target:
    """What one address asks for. Without `model` where the body names it."""

    operation: Operation
    model: str = ""
    alias: str = CHAMPION
    number: int | None = None
    named: bool = False  # whether the address named a version or an alias


def _posts(protocol: str, *suffixes: str) -> dict[bytes | None, Operation]:
    return {one.encode(): Operation(protocol, "POST", one) for one in suffixes}


def _reads(protocol: str, *suffixes: str) -> dict[bytes | None, Operation]:
    return {one.encode() or None: Operation(protocol, "GET", one) for one in suffixes}


# Grammar → what its group `what` may be. A group that is left out reads as None.
_GRAMMARS: tuple[tuple[re.Pattern[bytes], dict[bytes | None, Operation]], ...] = (
    (
        re.compile(rb"/models/" + _NAMED + rb"(?P<what>/invocations)\Z"),
        _posts(MLFLOW, "/invocations"),
    ),
    (
        re.compile(
            rb"/v2/models/" + _MODEL + rb"(?:" + _AT + rb"|" + _VERSION + rb")?(?P<what>/infer|/ready)?\Z"
        ),
        _posts(V2, "/infer") | _reads(V2, "", "/ready"),
    ),
    (
        re.compile(
            rb"/v1/models/" + _MODEL + rb"(?:" + _AT + rb"|" + _LABEL + rb")?"
            rb"(?P<what>:predict|:classify|:regress|:explain|/metadata)?\Z"
        ),
        _posts(V1, ":predict", ":classify", ":regress")
        | {b":explain": Operation(V1, "POST", ":explain", EXPLAIN)}
        | _reads(V1, "", "/metadata"),
    ),
)
_BODY_NAMES = {
    b"/openai" + suffix: Target(Operation(OPENAI, "POST", suffix.decode(), model_in_body=True))
    for suffix in (b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings")
}
_NAME = re.compile(_NAMED + rb"\Z")


def target(path: bytes) -> Target:
    """What `path` asks for. Pure: whoever reads queries may remember it."""
    if found := _BODY_NAMES.get(path):
        return found
    for grammar, operations in _GRAMMARS:
        if match := grammar.match(path):
            return _target(operations[match["what"]], match)
    raise Refused("path_refused")


def named(operation: Operation, name: bytes) -> Target:
    """The target of a query whose body names a model: `slug`, `slug@alias` or `slug/versions/number`."""
    match = _NAME.match(name)
    if not match:
        raise Refused("body_refused")
    return _target(operation, match)


def _target(operation: Operation, match: re.Match[bytes]) -> Target:
    parts = match.groupdict()
    model = match["model"].decode()
    if number := parts["number"]:
        return Target(operation, model, "", int(number), named=True)
    if alias := parts["alias"] or parts.get("label"):
        return Target(operation, model, alias.decode(), named=True)
    return Target(operation, model)
