"""Two people edited one draft: what each of them changed, put together.

A policy is a set of rules and of test cases, so each of them is taken over whole: what they added is added, what they
removed is removed, unless you changed it as well. Nothing that you wrote is ever left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PARTS = ("rules", "tests")


@dataclass(frozen=True)
class Merged:
    """The outcome: `added` and `removed` are what they changed and is now in your text, as (part, value)."""

    content: dict[str, Any]
    added: tuple[tuple[str, Any], ...]
    removed: tuple[tuple[str, Any], ...]


def merge(base: dict[str, Any], theirs: dict[str, Any], yours: dict[str, Any]) -> Merged:
    """Put together what `theirs` and `yours` made of `base`."""
    content, added, removed = dict(yours), [], []
    for part in PARTS:
        before, there, here = (
            {_key(one): one for one in _list(side, part)} for side in (base, theirs, yours)
        )
        gone = [key for key in before if key not in there and key in here]
        new = [key for key in there if key not in before and key not in here]
        kept = [one for one in _list(yours, part) if _key(one) not in gone]
        if kept or new or part in yours:
            content[part] = kept + [there[key] for key in new]
        added += [(part, there[key]) for key in new]
        removed += [(part, here[key]) for key in gone]
    return Merged(content, tuple(added), tuple(removed))


def _list(side: dict[str, Any], part: str) -> list[Any]:
    found = side.get(part)
    return found if isinstance(found, list) else []


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
