"""What a token reaches: one function a limit. Pure; `decide` asks in the order in which a caller may learn of it."""

from __future__ import annotations

from governance import scopes
from governance.gate.facts import Facts, TokenFacts
from governance.gate.request import Query
from governance.policies import Charge
from governance.policies.reading import Unreadable

# What a counter says in the words of policies, told as a limit of the token.
SHORT = {"policy_rate": "token_rate", "policy_quota": "token_quota"}


def against(query: Query, facts: Facts, token: TokenFacts) -> str:
    """The reason why the token does not reach this query; "" when it does. The version is judged once it is known."""
    if not facts.in_sight:
        return "scope_lost"
    if facts.second_missing:
        return "token_waiting"
    if facts.outlived:
        return "token_outlived"
    if query.action not in token.actions:
        return "scope_action"
    if not scopes.from_there(token.networks, query.network):
        return "scope_network"
    return "" if scopes.for_that(token.purpose, query.purpose) else "scope_purpose"


def charge(token: TokenFacts | None) -> Charge | None:
    """What has to be counted for each query of this token. What cannot be read stays uncounted, and so is refused."""
    try:
        return scopes.charge(token.id, token.limits) if token else None
    except Unreadable:
        return None


def short_of(facts: Facts, token: TokenFacts) -> str:
    """The limit of the token that is used up, or that nobody could count; "" when something is left."""
    if not token.limits:
        return ""
    counted = charge(token)
    if counted is None or counted.key not in facts.spent:
        return "limits_unavailable"
    shortage = facts.spent[counted.key]
    return "" if shortage is None else SHORT.get(shortage.code, shortage.code)


def wait(facts: Facts, token: TokenFacts | None, reason: str) -> int:
    """Seconds until something is left again, when a limit of the token refused."""
    counted = charge(token) if reason in SHORT.values() else None
    shortage = facts.spent.get(counted.key) if counted else None
    return shortage.seconds if shortage else 0
