"""Access policies as pure functions: check a policy's rules, evaluate them, say them in a sentence.

Default deny; an explicit deny wins; a rule that cannot be understood never allows, and denies if it was meant to deny.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from registry.verdict import ALLOWED, Verdict, denied

SCHEMA = "cardinal/policy/1"
ACTIONS = ("predict", "explain", "feedback", "read_card", "download_artifact")
EFFECTS = ("allow", "deny")
RULE_KEYS = {"effect", "subjects", "actions", "valid_from", "valid_until"}


@dataclass(frozen=True)
class Query:
    """Who wants to do what, and when. `groups` are names; `at` is aware."""

    caller: str
    groups: frozenset[str]
    action: str
    at: datetime

    @property
    def subjects(self) -> frozenset[str]:
        """How rules name the caller: "user:…" and "group:…"."""
        return frozenset({f"user:{self.caller}"} | {f"group:{group}" for group in self.groups})


def evaluate(content: Any, query: Query) -> Verdict:
    """The policy's answer to `query`. Total: any content gives a verdict, what is not understood gives a denial."""
    if not content:
        return denied(
            "no_policy", "No policy is published for this model in this environment.", "Publish a policy."
        )
    rules = content.get("rules") if isinstance(content, Mapping) else None
    if not isinstance(rules, list) or content.get("schema") != SCHEMA:
        return denied("policy_malformed", "The policy cannot be understood.", "Publish a corrected version.")
    matching = [_effect(rule) for rule in rules if _matches(rule, query)]
    if "deny" in matching:
        return denied(
            "policy_denies", "A rule of the policy denies this explicitly.", "Ask the owner of the model."
        )
    if "allow" in matching:
        return ALLOWED
    return denied(
        "policy_does_not_allow", "No rule of the policy allows this.", "Ask the owner of the model."
    )


def problems(content: Any) -> list[str]:
    """What is wrong with a policy's content, in sentences; empty when it can be published."""
    if (
        not isinstance(content, dict)
        or content.get("schema") != SCHEMA
        or not isinstance(content.get("rules"), list)
    ):
        return [f'A policy is an object with "schema": "{SCHEMA}" and a list of "rules".']
    found = [problem for n, rule in enumerate(content["rules"], 1) for problem in _rule_problems(n, rule)]
    if not content["rules"]:
        found.append("A policy needs at least one rule; without one it lets nobody in.")
    return found


def sentences(content: Mapping[str, Any] | None) -> list[str]:
    """The policy, one sentence a rule."""
    return [_sentence(rule) for rule in (content or {}).get("rules", [])]


def _matches(rule: Any, query: Query) -> bool:
    if _rule_problems(1, rule):
        return isinstance(rule, dict) and rule.get("effect") == "deny"
    if query.action not in rule["actions"] or not query.subjects & set(rule["subjects"]):
        return False
    start, end = _time(rule.get("valid_from")), _time(rule.get("valid_until"))
    return (start is None or start <= query.at) and (end is None or query.at < end)


def _effect(rule: Any) -> str:
    return str(rule["effect"])


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _rule_problems(n: int, rule: Any) -> list[str]:
    if not isinstance(rule, dict):
        return [f"Rule {n} is not an object."]
    found = []
    if unknown := set(rule) - RULE_KEYS:
        found.append(f"Rule {n} has unknown parts: {', '.join(sorted(map(str, unknown)))}.")
    if rule.get("effect") not in EFFECTS:
        found.append(f"Rule {n} must allow or deny.")
    if not _all_match(rule.get("subjects"), ("user:", "group:")):
        found.append(f'Rule {n} names whom it is for, as "user:NAME" or "group:NAME".')
    actions = rule.get("actions")
    if not isinstance(actions, list) or not actions or not set(map(str, actions)) <= set(ACTIONS):
        found.append(f"Rule {n} names its actions: {', '.join(ACTIONS)}.")
    wrong = [key for key in ("valid_from", "valid_until") if not _is_time(rule.get(key))]
    return found + [
        f"Rule {n}: {key} is a time with its zone, such as 2027-01-31T12:00:00+00:00." for key in wrong
    ]


def _all_match(values: Any, starts: tuple[str, ...]) -> bool:
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(v, str) and v.startswith(starts) and len(v) > v.index(":") + 1 for v in values)
    )


def _is_time(value: Any) -> bool:
    if value in (None, ""):
        return True
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return False


def _sentence(rule: Mapping[str, Any]) -> str:
    who = _listed(
        subject.replace("user:", "the account ").replace("group:", "members of the group ")
        for subject in rule["subjects"]
    )
    verb = "may" if rule["effect"] == "allow" else "may not"
    text = f"{who} {verb} {_listed(rule['actions'])}"
    if rule.get("valid_from"):
        text += f" from {_stamp(rule['valid_from'])}"
    if rule.get("valid_until"):
        text += f" until {_stamp(rule['valid_until'])}"
    return text[0].upper() + text[1:] + "."


def _stamp(value: str) -> str:
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
