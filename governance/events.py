"""What happens on the floor of control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Policy, PolicyVersion, Review, Token
    from registry.models import System, Version


@dataclass(frozen=True, kw_only=True)
class ReviewSubmitted(Event):
    name: ClassVar[str] = "review.submitted"
    review: Review
    digest: str


@dataclass(frozen=True, kw_only=True)
class ReviewApproved(Event):
    name: ClassVar[str] = "review.approved"
    review: Review
    digest: str
    comment: str


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


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    name: ClassVar[str] = "token.revoked"
    token: Token
    owner: str
