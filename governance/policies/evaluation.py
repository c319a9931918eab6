"""A policy's answer to a query, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from governance.policies.conditions import Charge
from governance.policies.reading import Condition
from governance.policies.shape import Compiled, Fault, Rule, compiled
from governance.policies.words import Query
from registry.verdict import ALLOWED, Reason, Verdict, denied

NOT_COUNTED = "limits_unavailable"
REMEDIES = {
    "policy_validity": "Ask the owner of the model for a rule that holds now.",
    "policy_hours": "Ask again at one of these times.",
    "policy_network": "Ask from one of these networks.",
    "policy_purpose": "Name one of these purposes in the header Cardinal-Purpose.",
    "policy_payload": "Send a smaller body, and its length with it.",
    "policy_rate": "Ask more slowly.",
    "policy_quota": "Wait for the next day or month, or ask the owner of the model for more.",
    NOT_COUNTED: "Try again in a moment.",
}
DENIED = denied(
    "policy_denies", "A rule of the policy denies this explicitly.", "Ask the owner of the model."
)
NOTHING = denied("policy_does_not_allow", "No rule of the policy allows this.", "Ask the owner of the model.")


@dataclass(frozen=True)
class Check:
    """One condition of one rule: `holds` is None when the query does not carry what it asks for."""

    code: str
    label: str
    words: str
    holds: bool | None


@dataclass(frozen=True)
class Step:
    """What one rule made of the query. `applies` when it allowed or denied."""

    rule: Rule
    names_caller: bool
    names_action: bool
    checks: tuple[Check, ...]
    applies: bool

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.rule.faults


def evaluate(content: Any, query: Query) -> Verdict:
    """The policy's answer to `query`. Total: any content gives a verdict, what is not understood gives a denial.

    A denial by default names every condition that failed in the rule that came nearest to allowing.
    """
    policy = compiled(content)
    if (fault := _unusable(policy)) is not None:
        return fault
    for rule in policy.rules:
        if rule.effect == "deny" and _denies(rule, query):
            return DENIED
    nearest: tuple[tuple[int, int], list[Condition]] | None = None
    for rule in policy.rules:
        if rule.effect != "allow" or not _could_allow(rule, query):
            continue
        unmet = [one for one in rule.conditions if not one.holds(query)]
        if not unmet:
            return ALLOWED
        rank = (int(not _by_name(rule, query)), len(unmet))
        if nearest is None or rank < nearest[0]:
            nearest = rank, unmet
    if nearest is None:
        return NOTHING
    return Verdict(tuple(_reason(one, query) for one in nearest[1]))


def charges(content: Any, query: Query) -> tuple[Charge, ...]:
    """What would have to be counted for `query` to be allowed: one of these rules, in their order. None when no count
    decides: something else denies, or a rule without limits allows.
    """
    policy = compiled(content)
    if not any(rule.charge for rule in policy.rules) or _unusable(policy) is not None:
        return ()
    if any(_denies(rule, query) for rule in policy.rules):
        return ()
    found = []
    for rule in policy.rules:
        if not _could_allow(rule, query):
            continue
        counted = (rule.charge.rate, rule.charge.quota) if rule.charge else ()
        if not all(one.holds(query) for one in rule.conditions if one not in counted):
            continue
        if rule.charge is None:
            return ()
        found.append(rule.charge)
    return tuple(found)


def is_steady(content: Any, query: Query) -> bool:
    """Whether the answer to this caller and action is the same at any time, from anywhere, for any purpose and size, and
    however often it is asked: no rule that speaks of them has a condition.
    """
    return not any(_speaks_of(rule, query) and rule.conditions for rule in compiled(content).rules)


def walk(content: Any, query: Query) -> tuple[Step, ...]:
    """Every rule with every condition, met or not: how the answer of `evaluate` came about."""
    return tuple(_step(rule, query) for rule in compiled(content).rules)


def _step(rule: Rule, query: Query) -> Step:
    checks = tuple(Check(one.code, one.label, one.words, one.holds(query)) for one in rule.conditions)
    if rule.effect == "deny":
        applies = _denies(rule, query)
    else:
        applies = _could_allow(rule, query) and all(check.holds for check in checks)
    return Step(rule, bool(query.subjects & rule.subjects), query.action in rule.actions, checks, applies)


def _unusable(policy: Compiled) -> Verdict | None:
    if policy.absent:
        return denied(
            "no_policy", "No policy is published for this model in this environment.", "Publish a policy."
        )
    if policy.malformed:
        return denied("policy_malformed", "The policy cannot be understood.", "Publish a corrected version.")
    return None


def _denies(rule: Rule, query: Query) -> bool:
    """What is not known counts against the caller here as well: only a condition that surely fails spares them."""
    if rule.effect != "deny":
        return False
    if rule.faults:
        return True
    return _speaks_of(rule, query) and not any(one.holds(query) is False for one in rule.conditions)


def _could_allow(rule: Rule, query: Query) -> bool:
    return rule.effect == "allow" and not rule.faults and _speaks_of(rule, query)


def _speaks_of(rule: Rule, query: Query) -> bool:
    return query.action in rule.actions and not query.subjects.isdisjoint(rule.subjects)


def _by_name(rule: Rule, query: Query) -> bool:
    return f"user:{query.caller}" in rule.subjects or f"service:{query.caller}" in rule.subjects


def _reason(condition: Condition, query: Query) -> Reason:
    holds = condition.holds(query)
    if holds is None and condition.code in ("policy_rate", "policy_quota"):
        return Reason(NOT_COUNTED, f"Nobody could count: {condition.words}.", REMEDIES[NOT_COUNTED])
    return Reason(condition.code, f"Allowed only {condition.words}.", REMEDIES[condition.code])
