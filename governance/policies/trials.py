"""Test cases that a policy carries: who asks for what, and what the answer must be.

Whoever is named belongs to the groups that the case says, and to no others: a case does not change when people do.
Limits count as having something left: a case is one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from governance.policies.evaluation import charges, evaluate
from governance.policies.networks import plain_address
from governance.policies.reading import Unreadable, is_count
from governance.policies.shape import Fault
from governance.policies.times import moment
from governance.policies.words import ACTIONS, EFFECTS, MOST_BYTES, MOST_NAMED, MOST_TESTS, PURPOSE, Query

NEEDED = ("name", "who", "action", "at", "expect")
PARTS = {*NEEDED, "groups", "network", "purpose", "payload_bytes", "code"}
LONGEST_NAME = 120


@dataclass(frozen=True)
class Trial:
    """One test case and how it ended: `codes` are the reasons, none for allowed."""

    name: str
    expect: str
    expected_code: str
    codes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        if self.expect == "allow":
            return not self.codes
        return bool(self.codes) and (not self.expected_code or self.expected_code in self.codes)

    @property
    def outcome(self) -> str:
        """What happened, in words."""
        return f"denied ({', '.join(self.codes)})" if self.codes else "allowed"


def trials(content: Any) -> list[Trial]:
    """Every test case of the policy, tried. Only for content without faults."""
    return [_tried(content, raw) for raw in content.get("tests", [])]


def trial_faults(content: Any) -> list[Fault]:
    """What is wrong with the test cases of a policy."""
    tests = content.get("tests", []) if isinstance(content, Mapping) else []
    if not isinstance(tests, list) or len(tests) > MOST_TESTS:
        return [Fault("tests", f"Tests are a list of at most {MOST_TESTS}.")]
    return [fault for n, raw in enumerate(tests) for fault in _faults(n, raw)]


def _tried(content: Any, raw: Mapping[str, Any]) -> Trial:
    kind, _, name = raw["who"].partition(":")
    query = Query(
        caller=name,
        groups=frozenset(raw.get("groups", ())),
        action=raw["action"],
        at=datetime.fromisoformat(raw["at"]),
        service=kind == "service",
        network=raw.get("network", ""),
        purpose=raw.get("purpose", ""),
        payload_bytes=raw.get("payload_bytes"),
    )
    free = {charge.key: None for charge in charges(content, query)}
    verdict = evaluate(content, replace(query, spent=free))
    codes = tuple(reason.code for reason in verdict.reasons)
    return Trial(raw["name"], raw["expect"], raw.get("code", ""), codes)


def _faults(n: int, raw: Any) -> Iterator[Fault]:
    where, name = f"tests.{n}", f"Test {n + 1}"
    if not isinstance(raw, dict) or not set(NEEDED) <= set(raw) <= PARTS:
        yield Fault(
            where,
            f"{name} has {', '.join(NEEDED)}, and perhaps groups, network, purpose, payload_bytes, code.",
        )
        return
    for part, (is_right, rule) in CHECKS.items():
        if part in raw and not is_right(raw[part]):
            yield Fault(f"{where}.{part}", f"{name}: {part} {rule}.")


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _is_time(value: Any) -> bool:
    try:
        return moment(value) is not None
    except Unreadable:
        return False


def _is_who(value: Any) -> bool:
    return _is_text(value, 160) and value.startswith(("user:", "service:")) and not value.endswith(":")


def _are_groups(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_NAMED and all(_is_text(one, 150) for one in value)


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (
        lambda v: _is_text(v, LONGEST_NAME) and bool(v.strip()),
        "says what is tried, in at most 120 characters",
    ),
    "who": (_is_who, 'is "user:NAME" or "service:NAME"'),
    "groups": (_are_groups, "are a list of names"),
    "action": (lambda v: isinstance(v, str) and v in ACTIONS, f"is one of {', '.join(ACTIONS)}"),
    "at": (_is_time, "is a time with its zone, such as 2027-01-31T12:00:00+00:00"),
    "network": (
        lambda v: _is_text(v, 45) and (not v or plain_address(v) is not None),
        "is an address, such as 10.1.2.3",
    ),
    "purpose": (
        lambda v: isinstance(v, str) and (not v or bool(PURPOSE.match(v))),
        "has small letters, digits and hyphens",
    ),
    "payload_bytes": (lambda v: v is None or v == 0 or is_count(v, MOST_BYTES), "is a whole number"),
    "expect": (lambda v: isinstance(v, str) and v in EFFECTS, "is allow or deny"),
    "code": (lambda v: _is_text(v, 40), "is a reason code"),
}
