"""From JSON to rules: what can be understood, and what is wrong with the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from governance.policies.conditions import Charge, Payload, Purposes, Quota, Rate
from governance.policies.networks import Networks
from governance.policies.reading import Condition, Unreadable
from governance.policies.times import Hours, Validity
from governance.policies.words import (
    ACTIONS,
    EFFECTS,
    LIMITS,
    MOST_NAMED,
    MOST_RULES,
    RESTRICTIONS,
    SCHEMA,
    SCHEMAS,
    STARTS,
    SUBJECT_PARTS,
    TIMES,
)

KEYS = {
    SCHEMAS[0]: {*SUBJECT_PARTS, *TIMES},
    SCHEMA: {*SUBJECT_PARTS, *TIMES, *RESTRICTIONS, *LIMITS},
}
LONGEST_SUBJECT = 160


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: `path` leads to it, as in rules.0.networks."""

    path: str
    sentence: str


@dataclass(frozen=True)
class Rule:
    """A rule as it was understood. With faults it never allows, and always denies if that is what it was meant to do."""

    number: int
    effect: str
    subjects: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    charge: Charge | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """A policy that was read once and can be asked often. `absent` when there is none, `malformed` when it is no policy."""

    rules: tuple[Rule, ...] = ()
    absent: bool = False
    malformed: bool = False


def compiled(content: Any) -> Compiled:
    """The policy in `content`. Total: whatever comes is read, and what is not understood lets nobody in."""
    if isinstance(content, Compiled):
        return content
    if not content:
        return Compiled(absent=True)
    schema = _schema(content)
    rules = content.get("rules") if isinstance(content, Mapping) else None
    if schema is None or not isinstance(rules, list):
        return Compiled(malformed=True)
    return Compiled(tuple(_rule(n, raw, schema) for n, raw in enumerate(rules)))


def faults(content: Any) -> list[Fault]:
    """What is wrong with a policy's rules; empty when they can be published."""
    policy = compiled(content)
    if policy.absent or policy.malformed:
        return [Fault("", f'A policy is an object with "schema": "{SCHEMA}" and a list of "rules".')]
    found = [fault for rule in policy.rules for fault in rule.faults]
    if unknown := set(content) - {"schema", "rules", "tests"}:
        found.append(Fault("", f"A policy has no part called {_names(unknown)}."))
    if not policy.rules:
        found.append(Fault("rules", "A policy needs at least one rule; without one it lets nobody in."))
    if len(policy.rules) > MOST_RULES:
        found.append(Fault("rules", f"A policy has at most {MOST_RULES} rules."))
    return found


def problems(content: Any) -> list[str]:
    """The sentences of `faults`."""
    return [fault.sentence for fault in faults(content)]


def _schema(content: Any) -> str | None:
    schema = content.get("schema") if isinstance(content, Mapping) else None
    return schema if isinstance(schema, str) and schema in SCHEMAS else None


def _rule(n: int, raw: Any, schema: str) -> Rule:
    if not isinstance(raw, dict):
        return Rule(n + 1, "", faults=(Fault(f"rules.{n}", f"Rule {n + 1} is not an object."),))
    effect = raw.get("effect")
    effect = effect if isinstance(effect, str) else ""
    found = list(_faults(n, raw, schema))
    conditions: list[Condition] = []
    for key, read in _readers(raw).items():
        try:
            if (condition := read()) is not None:
                conditions.append(condition)
        except Unreadable as error:
            found.append(Fault(f"rules.{n}.{key}", f"Rule {n + 1}: {error}"))
    if found:
        return Rule(n + 1, effect, faults=tuple(found))
    rate = next((one for one in conditions if isinstance(one, Rate)), None)
    quota = next((one for one in conditions if isinstance(one, Quota)), None)
    charge = Charge(_key(raw), rate, quota) if rate or quota else None
    return Rule(
        n + 1, effect, frozenset(raw["subjects"]), frozenset(raw["actions"]), tuple(conditions), charge
    )


def _readers(raw: dict[str, Any]) -> dict[str, Callable[[], Condition | None]]:
    """The conditions in the order in which they are checked: cheap and certain first, what is counted last."""
    found: dict[str, Callable[[], Condition | None]] = {}
    if any(key in raw for key in TIMES):
        found["valid_until"] = partial(_validity, raw)
    for key, kind in (
        ("hours", Hours),
        ("networks", Networks),
        ("purposes", Purposes),
        ("max_payload_bytes", Payload),
    ):
        if key in raw:
            found[key] = partial(kind.read, raw[key])
    if "rate" in raw:
        found["rate"] = lambda: Rate.read(raw["rate"], _key(raw))
    if "quota" in raw:
        found["quota"] = lambda: Quota.read(raw["quota"], _key(raw))
    return found


def _validity(raw: dict[str, Any]) -> Condition | None:
    found = Validity.read(raw.get("valid_from"), raw.get("valid_until"))
    return found if found.start or found.end else None


def _faults(n: int, raw: dict[str, Any], schema: str) -> Iterator[Fault]:
    where, name = f"rules.{n}", f"Rule {n + 1}"
    if unknown := set(raw) - KEYS[schema]:
        yield Fault(where, f"{name} has unknown parts: {_names(unknown)}.")
    if raw.get("effect") not in EFFECTS:
        yield Fault(f"{where}.effect", f"{name} must allow or deny.")
    starts = STARTS if schema == SCHEMA else STARTS[:2]
    if not _are_subjects(raw.get("subjects"), starts):
        forms = ", ".join(f'"{start}NAME"' for start in starts)
        yield Fault(f"{where}.subjects", f"{name} names whom it is for, as {forms}.")
    actions = raw.get("actions")
    if (
        not isinstance(actions, list)
        or not actions
        or not all(isinstance(a, str) and a in ACTIONS for a in actions)
    ):
        yield Fault(f"{where}.actions", f"{name} names its actions: {', '.join(ACTIONS)}.")
    if raw.get("effect") == "deny" and (limits := [key for key in LIMITS if key in raw]):
        yield Fault(
            f"{where}.{limits[0]}", f"{name} denies, so it has no {limits[0]}; limit the rule that allows."
        )


def _are_subjects(values: Any, starts: tuple[str, ...]) -> bool:
    return (
        isinstance(values, list)
        and 0 < len(values) <= MOST_NAMED
        and all(
            isinstance(v, str) and v.startswith(starts) and v.index(":") + 1 < len(v) <= LONGEST_SUBJECT
            for v in values
        )
    )


def _names(unknown: set[Any]) -> str:
    return ", ".join(sorted(str(one)[:40] for one in unknown))


def _key(raw: dict[str, Any]) -> str:
    """What a rule is counted under: the same rule in the next version goes on where it was."""
    return sha256(json.dumps(raw, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()[
        :24
    ]
