"""Reviews, their conditions and rules, and what they are signed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Review, ReviewCondition
    from registry.models import User


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
    in_place_of: str = ""  # who was asked and is away


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
    in_place_of: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangesRequested(Event):
    name: ClassVar[str] = "review.changes_requested"
    review: Review
    digest: str
    comment: str
    in_place_of: str = ""


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
class ConditionPassedOn(Event):
    """Its owner was switched off; somebody else answers for it."""

    name: ClassVar[str] = "condition.passed_on"
    condition: ReviewCondition
    text: str
    previous: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class ReviewRuleSet(Event):
    """What is submitted from now on for this risk class stands under this rule. `rule` is said in words."""

    name: ClassVar[str] = "review.rule_set"
    risk_class: str
    rule: str
    previous: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class SecondFactorChanged(Event):
    """Somebody enrolled a second factor for signing, or took it away."""

    name: ClassVar[str] = "account.second_factor"
    account: User
    enrolled: bool
