"""From facts to an answer. Pure: no clock, no database, no configuration.

Every condition must hold, in the order in which a caller may learn of it: who asks, what the token reaches, what the
policy says, and only then which versions there are and whether this one is cleared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from governance import policies
from governance.gate import reach, reasons
from governance.gate.database import since_1970
from governance.gate.facts import Facts, TokenFacts
from governance.gate.ratelimit import Left
from governance.gate.request import PROXY, Query
from governance.gate.upstream import Upstream

ALLOWED, BREAK_GLASS = "allowed", "break_glass"
ABOUT_VERSION = ("not_cleared", "no_endpoint", "protocol_refused")  # refusals that name the version
# Nothing overrides these: Art. 5 forbids the practice itself, and what nobody has assessed may be one.
NEVER = frozenset({"risk_prohibited", "not_assessed"})


@dataclass(slots=True)
class Answer:
    """One decision. `reason` is what is journalled; the caller hears `reasons.told(reason)`. Written once (not frozen: that
    would cost the gate a microsecond a query); `frame` is the journal's.
    """

    allowed: bool
    reason: str
    at: int  # microseconds since 1970, by the database's clock
    query: Query
    environment: str = ""
    version: int | None = None
    caller: str = ""
    token: str = ""
    endpoint: Upstream | None = None
    unmet: tuple[str, ...] = ()
    wait: int = 0  # seconds until something is left of a limit that is used up
    id: str = ""
    frame: Any = None
    left: tuple[Left, ...] = ()  # of the limits that were counted

    def again(self, query: Query, at: int) -> Answer:
        """The same answer to a query that differs in nothing it depends on."""
        return Answer(
            self.allowed, self.reason, at, query, self.environment, self.version, self.caller, self.token,
            self.endpoint, self.unmet, self.wait, "", self.frame,
        )  # fmt: skip

    @property
    def told(self) -> reasons.Reason:
        """The reason as the caller hears it."""
        return reasons.told(self.reason)


def refuse(query: Query, at: int) -> Answer:
    """The answer to a query that is refused as it stands."""
    return Answer(allowed=False, reason=query.refusal, at=at, query=query)


def weigh(query: Query, facts: Facts) -> tuple[Answer, tuple[policies.Charge, ...]]:
    """The answer if every limit had something left, and what has to be counted before it may be given.

    Only what would be allowed is counted; a denial costs nothing.
    """
    if facts.token is None:
        return decide(query, facts), ()
    own = reach.charge(facts.token)
    owed = policies.charges(facts.policy, _asked(query, facts, facts.token))
    if not own and not owed:
        return decide(query, facts), ()
    answer = decide(
        query,
        replace(facts, spent=dict.fromkeys([own.key] if own else []) | {charge.key: None for charge in owed}),
    )
    return answer, owed if answer.allowed else ()


def settled(query: Query, facts: Facts) -> Answer | None:
    """The answer, when it is the same at any time, from anywhere, for any purpose and size, as often as one asks."""
    token = facts.token
    if token is None:
        return decide(query, facts)
    if token.networks or token.purpose or token.limits:
        return None
    return decide(query, facts) if policies.is_steady(facts.policy, _asked(query, facts, token)) else None


def decide(query: Query, facts: Facts) -> Answer:
    """The answer to `query`: allowed only when not one reason speaks against it."""
    token = facts.token
    passed = ALLOWED if facts.cleared else BREAK_GLASS
    reason = _against_token(token) or (token and _against(query, facts, token)) or passed
    known = token is not None
    return Answer(
        allowed=reason == passed and known,
        reason=reason,
        at=since_1970(facts.at),
        query=query,
        environment=token.environment if token else "",
        version=facts.version if reason in (passed, *ABOUT_VERSION) else None,
        caller=token.caller if token else "",
        token=token.id if token else "",
        endpoint=facts.endpoint if reason == passed else None,
        unmet=facts.unmet if reason == "not_cleared" else (),
        wait=min((one.seconds for one in facts.spent.values() if one and one.code == reason), default=0)
        or reach.wait(facts, token, reason),
    )


def _against_token(token: TokenFacts | None) -> str:
    if token is None:
        return "token_unknown"
    if token.revoked:
        return "token_revoked"
    if token.expired:
        return "token_expired"
    if token.waiting:
        return "token_waiting"
    if not token.active:
        return "caller_inactive"
    if not token.answered_for:
        return "sponsor_inactive"
    return "stopped_token" if token.stopped else ""


def _against(query: Query, facts: Facts, token: TokenFacts) -> str:
    if facts.all_stopped:
        return "stopped_all"
    if not facts.model_known:
        return "model_unknown"
    if not facts.in_scope:
        return "scope_model"
    if facts.model_stopped and facts.in_sight:  # whoever no longer sees the model is told nothing of it
        return "stopped_model"
    if reason := reach.against(query, facts, token):
        return reason
    verdict = policies.evaluate(facts.policy, _asked(query, facts, token))
    if not verdict:
        return verdict.reasons[0].code
    return _against_version(query, facts) or reach.short_of(facts, token)


def _against_version(query: Query, facts: Facts) -> str:
    if facts.version is None:
        return "version_unknown" if query.named else "version_not_named"
    if not facts.version_in_scope:
        return "scope_version"
    if not facts.cleared and not _overridden(facts):
        return "not_cleared"
    if query.door != PROXY:
        return ""
    if facts.endpoint is None:
        return "no_endpoint"
    return "" if facts.endpoint.protocol == query.operation.protocol else "protocol_refused"


def _asked(query: Query, facts: Facts, token: TokenFacts) -> policies.Query:
    return policies.Query(
        caller=token.caller,
        groups=token.groups,
        action=query.action,
        at=facts.at,
        service=token.service,
        network=query.network,
        purpose=query.purpose or token.purpose,
        payload_bytes=query.payload_bytes,
        spent=facts.spent,
    )


def _overridden(facts: Facts) -> bool:
    """Whether two people have taken it upon themselves for the moment."""
    return facts.broken_glass and bool(facts.unmet) and not NEVER & set(facts.unmet)
