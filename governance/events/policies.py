"""Access policies and their drafts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Policy, PolicyVersion


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
