"""What one answer depends on: facts, as the database had them at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance import policies
from governance.gate.upstream import Upstream


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The token that was presented, and whose it is. Judged by the database's clock."""

    id: str
    environment: str
    actions: tuple[str, ...]
    expired: bool
    revoked: bool
    caller: str
    active: bool
    groups: frozenset[str]
    service: bool = False  # a service account, and no person
    waiting: bool = False  # for its second person
    answered_for: bool = True  # by an active sponsor, when it is a service account
    stopped: bool = False  # by somebody, until they lift it
    purpose: str = ""
    networks: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one answer depends on, at one moment. `spent`: what the counters said, by rule; see `policies.Query`."""

    at: datetime
    token: TokenFacts | None = None
    model_known: bool = False
    in_scope: bool = False
    in_sight: bool = False  # owner and sponsor see the model now
    second_missing: bool = False  # the model is of a high-risk system, and one person alone made the token
    outlived: bool = False  # older than tokens for this model may be
    version_in_scope: bool = False
    policy: Any = None
    version: int | None = None
    cleared: bool = False
    unmet: tuple[str, ...] = ()
    broken_glass: bool = False
    all_stopped: bool = False  # every query to every model, by somebody
    model_stopped: bool = False
    endpoint: Upstream | None = None
    spent: Mapping[str, policies.Shortage | None] = field(default_factory=dict)
