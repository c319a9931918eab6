"""What can be said of an answer without knowing everything: for whom a policy could allow, and under which conditions."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.policies.shape import Rule, compiled
from governance.policies.times import Validity
from governance.policies.words import Query

ALWAYS, SOMETIMES, NEVER = "always", "sometimes", "never"


@dataclass(frozen=True)
class Access:
    """Whether some subjects may do something: always, sometimes (by `allowing`, unless by `denying`), or never."""

    extent: str
    allowing: tuple[Rule, ...] = ()
    denying: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        return self.extent != NEVER


def access(content: Any, subjects: AbstractSet[str], action: str, at: datetime) -> Access:
    """What the policy holds for whoever answers to `subjects`, from `at` on. A rule that has ended is left out."""
    policy = compiled(content)
    rules = [rule for rule in policy.rules if rule.effect in ("allow", "deny") and not _is_over(rule, at)]
    if any(rule.effect == "deny" and rule.faults for rule in rules):
        return Access(NEVER, denying=tuple(rule for rule in rules if rule.effect == "deny" and rule.faults))
    about = [rule for rule in rules if action in rule.actions and not subjects.isdisjoint(rule.subjects)]
    allowing = tuple(rule for rule in about if rule.effect == "allow")
    denying = tuple(rule for rule in about if rule.effect == "deny")
    if not allowing or not all(rule.conditions for rule in denying):
        return Access(NEVER, allowing, denying)
    free = any(not rule.conditions for rule in allowing) and not denying
    return Access(ALWAYS if free else SOMETIMES, allowing, denying)


def tell(content: Any, query: Query, unknown: AbstractSet[str]) -> bool | None:
    """Whether the policy allows `query`, or None when that hangs on one of the conditions in `unknown` (their codes)."""
    policy = compiled(content)
    denies = [_holds(rule, query, unknown) for rule in policy.rules if rule.effect == "deny"]
    allows = [_holds(rule, query, unknown) for rule in policy.rules if rule.effect == "allow"]
    if True in denies or not any(one is not False for one in allows):
        return False
    return None if None in denies or True not in allows else True


def _is_over(rule: Rule, at: datetime) -> bool:
    return any(isinstance(one, Validity) and one.end is not None and one.end <= at for one in rule.conditions)


def _holds(rule: Rule, query: Query, unknown: AbstractSet[str]) -> bool | None:
    """Whether the rule applies; a condition that nobody can judge any more makes it uncertain, unless another one fails."""
    if rule.faults:
        return rule.effect == "deny"
    if query.action not in rule.actions or query.subjects.isdisjoint(rule.subjects):
        return False
    uncertain = False
    for one in rule.conditions:
        if one.code in unknown:
            uncertain = True
            continue
        holds = one.holds(query)
        if holds is False or (holds is None and rule.effect == "allow"):
            return False
    return None if uncertain else True
