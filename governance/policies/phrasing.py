"""A policy for people: one sentence a rule."""

from __future__ import annotations

from typing import Any

from governance.policies.reading import listed
from governance.policies.shape import Rule, compiled
from governance.policies.times import Validity
from governance.policies.words import ACTION_WORDS, ACTIONS, ROLES

NAMED = {"user:": "the account ", "group:": "members of the team ", "service:": "the service account "}


def sentences(content: Any) -> list[str]:
    """The policy, one sentence a rule. A rule that cannot be understood says so."""
    return [sentence(rule, raw) for rule, raw in zip(compiled(content).rules, _raw(content), strict=False)]


def sentence(rule: Rule, raw: Any) -> str:
    """One rule; `raw` is what it was read from, for its names in the order in which they were written."""
    if rule.faults:
        does = "denies everybody" if rule.effect == "deny" else "allows nobody"
        return f"Rule {rule.number} cannot be understood and {does}."
    who = listed([_named(subject) for subject in raw["subjects"]], "and")
    verb = "may" if rule.effect == "allow" else "may not"
    actions = [ACTION_WORDS[action] for action in raw["actions"]]
    does = (
        "do everything"
        if set(raw["actions"]) == set(ACTIONS)
        else listed(actions, "and" if verb == "may" else "or")
    )
    said = [one.words for one in rule.conditions if isinstance(one, Validity)]
    said += [one.words for one in rule.conditions if not isinstance(one, Validity)]
    text = f"{who} {verb} {does}{' ' if said else ''}{', '.join(said)}"
    return text[0].upper() + text[1:] + "."


def _named(subject: str) -> str:
    kind, colon, name = subject.partition(":")
    if kind == "group" and name in ROLES:
        return f"everybody with the role {name}"
    return NAMED[kind + colon] + name


def _raw(content: Any) -> list[Any]:
    rules = content.get("rules") if isinstance(content, dict) else None
    return rules if isinstance(rules, list) else []
