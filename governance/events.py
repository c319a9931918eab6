"""What happens on the floor of control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import BreakGlass, Policy, PolicyVersion, Review, ReviewCondition, Token
    from registry.models import Model, System, User, Version


@dataclass(frozen=True, kw_only=True)
class ReviewSubmitted(Event):
    name: ClassVar[str] = "review.submitted"
    review: Review
    digest: str


@dataclass(frozen=True, kw_only=True)
class ReviewSignedOff(Event):
    """A judge approved under `role`; what the rule still asks for is in `wanted`. `signature` is empty when unsigned."""

    name: ClassVar[str] = "review.signed_off"
    review: Review
    digest: str
    role: str
    comment: str
    wanted: str
    signature: str


@dataclass(frozen=True, kw_only=True)
class ReviewApproved(Event):
    """The last sign-off that the rule asks for."""

    name: ClassVar[str] = "review.approved"
    review: Review
    digest: str
    comment: str
    role: str
    signature: str
    conditions: int


@dataclass(frozen=True, kw_only=True)
class ChangesRequested(Event):
    name: ClassVar[str] = "review.changes_requested"
    review: Review
    digest: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class ReviewWithdrawn(Event):
    name: ClassVar[str] = "review.withdrawn"
    review: Review


@dataclass(frozen=True, kw_only=True)
class ReviewStale(Event):
    """What was approved is no longer what there is, because of what `by` just did. `codes` are the reason codes."""

    name: ClassVar[str] = "review.stale"
    review: Review
    codes: str


@dataclass(frozen=True, kw_only=True)
class ReviewRetired(Event):
    """An approval counts no more: a later one took its place, or somebody took it away."""

    name: ClassVar[str] = "review.retired"
    review: Review
    reason: str


@dataclass(frozen=True, kw_only=True)
class ConditionSet(Event):
    """An approval counts on condition that `owner` does this by `due_at`."""

    name: ClassVar[str] = "condition.set"
    condition: ReviewCondition
    text: str
    owner: str
    due_at: str


@dataclass(frozen=True, kw_only=True)
class ConditionFulfilled(Event):
    name: ClassVar[str] = "condition.fulfilled"
    condition: ReviewCondition
    text: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ConditionExtended(Event):
    name: ClassVar[str] = "condition.extended"
    condition: ReviewCondition
    text: str
    previous: str
    due_at: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReviewRuleSet(Event):
    """What is submitted from now on for this risk class stands under this rule. `rule` is said in words."""

    name: ClassVar[str] = "review.rule_set"
    risk_class: str
    rule: str
    previous: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassAsked(Event):
    name: ClassVar[str] = "glass.asked"
    glass: BreakGlass
    version: Version
    environment: str
    minutes: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassGranted(Event):
    """From now on the gate lets queries pass, whatever the clearance says, until `ends_at`."""

    name: ClassVar[str] = "glass.granted"
    glass: BreakGlass
    version: Version
    environment: str
    asked_by: str
    reason: str
    ends_at: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassEnded(Event):
    """Over: by somebody, or by itself. `unused` when it was never granted."""

    name: ClassVar[str] = "glass.ended"
    glass: BreakGlass
    version: Version
    environment: str
    unused: bool
    by_time: bool


@dataclass(frozen=True, kw_only=True)
class SecondFactorChanged(Event):
    """Somebody enrolled a second factor for signing, or took it away."""

    name: ClassVar[str] = "account.second_factor"
    account: User
    enrolled: bool


@dataclass(frozen=True, kw_only=True)
class RiskDecided(Event):
    name: ClassVar[str] = "risk.decided"
    system: System
    risk_class: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class SeveritySet(Event):
    """From now on findings of this rule are this severe for documents of this risk class."""

    name: ClassVar[str] = "lint.severity_set"
    rule: str
    risk_class: str
    severity: str
    previous: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class VersionSuspended(Event):
    name: ClassVar[str] = "version.suspended"
    version: Version
    reason: str


@dataclass(frozen=True, kw_only=True)
class SuspensionLifted(Event):
    name: ClassVar[str] = "version.suspension_lifted"
    version: Version
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClearanceGranted(Event):
    """All conditions hold, because of what `by` just did."""

    name: ClassVar[str] = "clearance.granted"
    version: Version
    environment: str


@dataclass(frozen=True, kw_only=True)
class ClearanceLapsed(Event):
    """A condition no longer holds, because of what `by` just did. `codes` are the reason codes."""

    name: ClassVar[str] = "clearance.lapsed"
    version: Version
    environment: str
    codes: str


@dataclass(frozen=True, kw_only=True)
class PolicyPublished(Event):
    name: ClassVar[str] = "policy.published"
    policy: PolicyVersion
    environment: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class PolicyDrafted(Event):
    """A state of the draft was saved. It decides nothing."""

    name: ClassVar[str] = "policy.drafted"
    policy: Policy
    state: int


@dataclass(frozen=True, kw_only=True)
class PolicyDraftDiscarded(Event):
    name: ClassVar[str] = "policy.draft_discarded"
    policy: Policy
    state: int


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    name: ClassVar[str] = "token.issued"
    token: Token
    owner: str
    environment: str
    expires_at: str
    waits: bool  # for a second person


@dataclass(frozen=True, kw_only=True)
class TokenRotated(Event):
    """`token` replaces `previous`, which goes on until then."""

    name: ClassVar[str] = "token.rotated"
    token: Token
    previous: Token
    owner: str
    until: str
    expires_at: str
    waits: bool


@dataclass(frozen=True, kw_only=True)
class TokenCountersigned(Event):
    name: ClassVar[str] = "token.countersigned"
    token: Token
    owner: str


@dataclass(frozen=True, kw_only=True)
class TokenDeclined(Event):
    name: ClassVar[str] = "token.declined"
    token: Token
    owner: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    name: ClassVar[str] = "token.revoked"
    token: Token
    owner: str


@dataclass(frozen=True, kw_only=True)
class TokensRevoked(Event):
    """Many at once; each has an entry of its own as well."""

    name: ClassVar[str] = "token.revoked_together"
    reach: str
    target: User | Model | None
    count: int


@dataclass(frozen=True, kw_only=True)
class TokenLeaked(Event):
    """Somebody found it where it should not be, and it was revoked. `place` is what they told, without the token."""

    name: ClassVar[str] = "token.leaked"
    token: Token
    owner: str
    place: str


@dataclass(frozen=True, kw_only=True)
class TokenExpiring(Event):
    """It ends within five days. Told once."""

    name: ClassVar[str] = "token.expiring"
    token: Token
    owner: str
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class TokenLifeSet(Event):
    """From now on a token for models of this risk class lives so many days."""

    name: ClassVar[str] = "token.life_set"
    risk_class: str
    days: int
    previous: int
    rationale: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountMade(Event):
    name: ClassVar[str] = "service.made"
    account: User
    sponsor: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountPassedOn(Event):
    name: ClassVar[str] = "service.passed_on"
    account: User
    sponsor: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountEnded(Event):
    name: ClassVar[str] = "service.ended"
    account: User
    count: int
