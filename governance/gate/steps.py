"""The conditions in the order in which the gate asks them: where a decision stopped, what had held by then.

Told from the reason code alone, so it is true of decisions of any age: what stands before the step that refused was
met, what stands behind it was not asked. Two reasons are given in two places; between these, nothing is claimed. A test
holds it against `reasons` and against `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass

from governance.gate.decide import BREAK_GLASS
from governance.gate.request import CHECK

MET, FAILED, NOT_ASKED, OVERRIDDEN, UNTOLD = "met", "failed", "not_asked", "overridden", "untold"

# What is asked, and the reasons by which it refuses
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "The question is written plainly",
        (
            "path_refused", "headers_refused", "several_credentials", "token_in_url", "purpose_malformed",
            "method_refused", "too_large",
        ),
    ),
    ("Its network has not shown too many unknown tokens", ("too_many_unknown_tokens",)),
    ("A token is sent, whole and well-formed", ("token_missing", "token_malformed")),
    ("The token is one of ours", ("token_unknown",)),
    ("The token is in force", ("token_revoked", "token_expired", "token_waiting")),
    ("The account is switched on, and somebody answers for it", ("caller_inactive", "sponsor_inactive")),
    ("Nobody has stopped everything, or this token", ("stopped_token", "stopped_all")),
    ("Where the body names the model, it does so plainly", ("body_refused", "slow_caller", "gate_busy")),
    ("The model is there, and the token reaches it", ("model_unknown", "scope_model", "scope_lost")),
    ("Nobody has stopped the model", ("stopped_model",)),
    ("The token is fit for this model: second person, age", ("token_waiting", "token_outlived")),
    ("The token allows the action, from here, for this purpose", ("scope_action", "scope_network", "scope_purpose")),
    (
        "The policy in force allows it",
        (
            "no_policy", "policy_malformed", "policy_denies", "policy_does_not_allow", "policy_validity", "policy_hours",
            "policy_network", "policy_purpose", "policy_payload", "policy_rate", "policy_quota", "limits_unavailable",
        ),
    ),
    ("The version is named, is there, and the token reaches it", ("version_not_named", "version_unknown", "scope_version")),
    ("The version is cleared for the environment", ("not_cleared",)),
    ("A model server is known, and speaks this protocol", ("no_endpoint", "protocol_refused")),
    ("The token has something left of its own limits", ("token_rate", "token_quota", "limits_unavailable")),
)  # fmt: skip
CLEARED, ENDPOINT = "not_cleared", "no_endpoint"


@dataclass(frozen=True)
class Step:
    """One condition of a decision, and what became of it."""

    label: str
    state: str


def walked(reason: str, *, allowed: bool, door: str) -> tuple[Step, ...]:
    """Every condition of a decision with this reason; none for a reason that this release does not know."""
    if allowed:
        return tuple(Step(label, _held(codes, reason, door)) for label, codes in STEPS)
    places = [place for place, (_, codes) in enumerate(STEPS) if reason in codes]
    if not places:
        return ()
    first, last = places[0], places[-1]
    refused = FAILED if first == last else UNTOLD
    return tuple(
        Step(label, _held(codes, reason, door) if here < first else refused if here <= last else NOT_ASKED)
        for here, (label, codes) in enumerate(STEPS)
    )


def _held(codes: tuple[str, ...], reason: str, door: str) -> str:
    """What a condition was that did not refuse. Who only asks whether (`check`) needs no model server."""
    if ENDPOINT in codes and door == CHECK:
        return NOT_ASKED
    return OVERRIDDEN if reason == BREAK_GLASS and CLEARED in codes else MET
