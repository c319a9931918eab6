"""Receipts of decisions, checked without the portal: digest and Merkle path (RFC 6962, 2.1), from the file alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

FORMAT = "cardinal-receipt-1"
LONGEST_PATH = 64


@dataclass(frozen=True)
class Checked:
    """What a receipt proves: that this decision is one of the batch with this root, if there is no problem."""

    decision: str
    batch: str
    root: str
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether everything fits."""
        return not self.problems


def check(content: Any, *, root: str = "") -> Checked:
    """The receipt in `content`; with `root`, that of the batch as you know it from the trail."""
    given = content if isinstance(content, Mapping) else {}
    decision, batch = _part(given, "decision"), _part(given, "batch")
    if given.get("format") != FORMAT or not decision or not batch:
        return Checked("", "", "", (f"This is no receipt of the format {FORMAT}.",))
    problems = []
    digest, named = str(given.get("digest")), str(batch.get("root"))
    if _digest(decision) != digest:
        problems.append("The digest is not that of the decision.")
    if str(decision.get("batch")) != str(batch.get("id")):
        problems.append("The decision names another batch.")
    if _climbed(digest, given.get("path")) != named:
        problems.append("The path does not lead to the root.")
    if root and root != named:
        problems.append("The root is not the one that you know.")
    return Checked(str(decision.get("id")), str(batch.get("id")), named, tuple(problems))


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return found if isinstance(found, Mapping) else {}


def _digest(decision: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785): keys are ASCII and there is no float, so sorted compact JSON is it.

    Decisions of the first form hold no `form` in their digest.
    """
    covered = {name: value for name, value in decision.items() if name != "form" or value != 1}
    body = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _climbed(digest: str, path: Any) -> str:
    try:
        here = sha256(b"\x00" + bytes.fromhex(digest)).digest()
        if len(path) > LONGEST_PATH:
            return ""
        for step in path:
            other = bytes.fromhex(step["hash"])
            pair = {"left": other + here, "right": here + other}[step["side"]]
            here = sha256(b"\x01" + pair).digest()
    except (KeyError, TypeError, ValueError):
        return ""
    return here.hex()
