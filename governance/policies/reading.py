"""What all conditions share: how their JSON is read, and how they say lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from governance.policies.words import MOST_NAMED, Query


class Unreadable(ValueError):
    """A part of a rule cannot be understood. The text is the sentence that follows the rule's number."""


class Condition(Protocol):
    """One condition: `code` is the reason when it does not hold.

    `holds` answers True, False, or None when the query does not carry what the condition asks for.
    """

    code: ClassVar[str]
    label: ClassVar[str]

    def holds(self, query: Query) -> bool | None: ...

    @property
    def words(self) -> str: ...


def times(number: int) -> str:
    """Once, or so many times."""
    return "once" if number == 1 else f"{number} times"


def listed(words: Iterable[str], joint: str) -> str:
    """a, b and c."""
    *most, last = words
    return f"{', '.join(most)} {joint} {last}" if most else last


def texts(raw: Any) -> tuple[str, ...] | None:
    """A list of at least one text and not too many, or None."""
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_NAMED:
        return None
    return tuple(raw) if all(isinstance(one, str) for one in raw) else None


def is_count(value: Any, most: int) -> bool:
    """Whether `value` is a whole number from 1 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
