"""Every reason code of the gate: stable, documented, one table. Outsiders build on the codes; never rename one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """`status` is what callers, Envoy and Traefik hear; nginx knows only three (see `check_status`).

    `oauth` is the error of RFC 6750 for the WWW-Authenticate header: None for no header, "" for one without error.
    """

    code: str
    status: int
    title: str
    sentence: str
    oauth: str | None = None

    @property
    def check_status(self) -> int:
        """nginx knows 2xx, 401 and 403; whatever else becomes an error page there. 503 is meant to."""
        if self.status < 400 or self.status == 401:
            return self.status
        return 503 if self.status >= 500 else 403


class Refused(Exception):
    """The question is refused as it stands. Holds a code of the table below."""


_TABLE = (
    Reason("allowed", 200, "Allowed", "Token, policy and clearance allow this query."),
    Reason(
        "break_glass",
        200,
        "Allowed, not cleared",
        "Two people have broken the glass: token and policy allow this query, the version is not cleared.",
    ),
    # Who asks?
    Reason("token_missing", 401, "A token is needed", "Send a token as “Authorization: Bearer …”.", ""),
    Reason(
        "token_malformed",
        401,
        "Not a token",
        "The token is incomplete or mistyped; copy it again.",
        "invalid_token",
    ),
    Reason(
        "token_unknown",
        401,
        "Unknown token",
        "Nobody has issued this token; ask for a new one.",
        "invalid_token",
    ),
    Reason(
        "token_expired", 401, "Expired token", "The token has expired; ask for a new one.", "invalid_token"
    ),
    Reason(
        "token_revoked", 401, "Revoked token", "The token was revoked; ask for a new one.", "invalid_token"
    ),
    Reason(
        "caller_inactive",
        401,
        "Account switched off",
        "The account of this token is switched off.",
        "invalid_token",
    ),
    Reason(
        "token_waiting",
        403,
        "Waits for a second person",
        "This token reaches a high-risk model: somebody else has to countersign it first.",
    ),
    Reason(
        "token_outlived",
        401,
        "Too old for this model",
        "Tokens for this model live shorter; rotate this one.",
        "invalid_token",
    ),
    Reason(
        "sponsor_inactive",
        401,
        "Nobody answers for it",
        "The sponsor of this service account is switched off; an administrator can name another.",
        "invalid_token",
    ),
    Reason(
        "stopped",
        403,
        "Stopped",
        "Somebody has stopped these queries, and has to let them pass again; ask the model's owner or compliance.",
    ),
    # May they?
    Reason(
        "scope_model",
        403,
        "Not within the token's scope",
        "The token does not reach this model; ask for one that does.",
        "insufficient_scope",
    ),
    Reason(
        "scope_action",
        403,
        "Not within the token's scope",
        "The token does not allow this action; ask for one that does.",
        "insufficient_scope",
    ),
    Reason(
        "scope_version",
        403,
        "Not within the token's scope",
        "The token reaches other versions of this model only; ask for one that reaches this.",
        "insufficient_scope",
    ),
    Reason(
        "scope_network",
        403,
        "Not from here",
        "The token works from other networks only.",
        "insufficient_scope",
    ),
    Reason(
        "scope_purpose",
        403,
        "Not for this purpose",
        "The token is for another purpose; leave out the header Cardinal-Purpose or name that one.",
        "insufficient_scope",
    ),
    Reason("token_rate", 429, "Too fast", "The token allows fewer queries at a time; ask more slowly."),
    Reason("token_quota", 429, "Quota used up", "The token allows no more queries in this day or month."),
    Reason(
        "no_policy",
        403,
        "No policy",
        "No access policy is in force for this model; its owner can publish one.",
    ),
    Reason(
        "policy_malformed",
        403,
        "Policy not understood",
        "The policy cannot be understood; its owner must mend it.",
    ),
    Reason(
        "policy_denies",
        403,
        "Denied by policy",
        "A rule of the access policy denies this; ask the model's owner.",
    ),
    Reason(
        "policy_does_not_allow",
        403,
        "Not allowed",
        "No rule of the access policy allows this; ask the model's owner.",
    ),
    Reason(
        "policy_validity",
        403,
        "Not allowed now",
        "The rule that would allow this does not hold yet, or no longer; ask the model's owner.",
    ),
    Reason(
        "policy_hours",
        403,
        "Not allowed at this hour",
        "The access policy allows this at other hours or on other days.",
    ),
    Reason(
        "policy_network",
        403,
        "Not allowed from here",
        "The access policy allows this from other networks only.",
    ),
    Reason(
        "policy_purpose",
        403,
        "Not allowed for this purpose",
        "Name a purpose that the access policy allows in the header Cardinal-Purpose.",
    ),
    Reason(
        "policy_payload",
        403,
        "Too large for the policy",
        "The access policy allows smaller bodies only, whose length is announced.",
    ),
    Reason(
        "policy_rate", 429, "Too fast", "The access policy allows fewer queries at a time; ask more slowly."
    ),
    Reason(
        "policy_quota",
        429,
        "Quota used up",
        "The access policy allows no more queries in this day or month.",
    ),
    Reason(
        "limits_unavailable",
        503,
        "Cannot count",
        "The access policy limits how often, and nobody can count now; try again in a moment.",
    ),
    # May the version?
    Reason(
        "version_not_named",
        409,
        "Which version?",
        "The model has no champion; name a version (/versions/1/) or an alias (@name).",
    ),
    Reason("version_unknown", 404, "No such version", "The model has no version of this number or alias."),
    Reason(
        "not_cleared",
        403,
        "Not cleared",
        "This version is not cleared for this environment; see the reasons.",
    ),
    Reason(
        "no_endpoint",
        503,
        "No model server",
        "No address is known where this version answers; its owner can set it.",
    ),
    Reason(
        "protocol_refused",
        404,
        "Another protocol",
        "The model server of this version speaks another protocol; see its endpoint.",
    ),
    # Was the question clear?
    Reason(
        "path_refused",
        400,
        "Path refused",
        "Ask for /models/NAME/invocations, /v2/models/NAME/infer, /v1/models/NAME:predict or /openai/v1/chat/completions, written plainly.",
    ),
    Reason(
        "body_refused",
        400,
        "Body refused",
        "Send one plain JSON object that names its “model” once, as NAME, NAME@ALIAS or NAME/versions/N, to the gate itself.",
    ),
    Reason(
        "headers_refused",
        400,
        "Headers refused",
        "A header that decides stands twice, contradicts another, or asks for another protocol.",
    ),
    Reason(
        "several_credentials",
        400,
        "Several credentials",
        "Send the token once, in one header.",
        "invalid_request",
    ),
    Reason(
        "token_in_url",
        400,
        "Token in the address",
        "Addresses end up in logs: revoke this token, and send the next one in the Authorization header.",
        "invalid_request",
    ),
    Reason(
        "purpose_malformed",
        400,
        "Purpose refused",
        "Write the purpose in small letters, digits and hyphens, at most 80, in one header Cardinal-Purpose.",
    ),
    Reason(
        "too_many_unknown_tokens",
        429,
        "Too many unknown tokens",
        "Too many tokens that nobody has issued came from this network; one that is known still works. Wait a minute.",
    ),
    Reason(
        "method_refused", 405, "Method refused", "This address takes the methods that the header Allow names."
    ),
    Reason("too_large", 413, "Too large", "The body is larger than the gate lets through."),
    Reason("slow_caller", 408, "Body too slow", "The body did not arrive in time; send it again."),
    Reason(
        "gate_busy",
        503,
        "Too many at once",
        "The gate reads as many bodies as it may; try again in a moment.",
    ),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _TABLE}

# To tell an unknown model from a forbidden one would give away which models exist, and to tell what a stop reaches, to
# whoever holds a stolen token, that it was noticed: it is journalled, never answered.
TOLD_AS: dict[str, str] = {
    "model_unknown": "scope_model",
    "scope_lost": "scope_model",
    "stopped_all": "stopped",
    "stopped_model": "stopped",
    "stopped_token": "stopped",
}

# No decision at all. What may become of an allowed query stands in `outcomes`.
CANNOT_DECIDE = Reason(
    "cannot_decide", 503, "No decision", "The gate cannot decide now, so it refuses; try again in a moment."
)
CODES: tuple[str, ...] = (*REASONS, *TOLD_AS)


def told(code: str) -> Reason:
    """What the caller hears for the journalled `code`."""
    return REASONS[TOLD_AS.get(code, code)]
