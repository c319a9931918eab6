"""What may be done, and what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Condition:
    """One condition of a clearance. `reason` is a stable code, empty when it is met."""

    code: str
    label: str
    met: bool
    reason: str
    why: str
    remedy: str
    since: str = ""
    until: str = ""
    then: str = ""


@dataclass(frozen=True)
class Clearance:
    """May this version serve in this environment, now?"""

    model: str
    version: int
    environment: str
    allowed: bool
    conditions: tuple[Condition, ...]
    assessed_at: datetime
    valid_until: datetime | None

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """What stands against it."""
        return tuple(one for one in self.conditions if not one.met)


@dataclass(frozen=True)
class Point:
    """A condition of account or token."""

    label: str
    met: bool
    said: str


@dataclass(frozen=True)
class Check:
    """One condition of a rule; `holds` is None when the question does not carry it."""

    code: str
    words: str
    holds: bool | None


@dataclass(frozen=True)
class RuleStep:
    """What one rule made of the question."""

    rule: int
    sentence: str
    names_caller: bool
    names_action: bool
    applies: bool
    conditions: tuple[Check, ...]


@dataclass(frozen=True)
class Why:
    """The gate's reasoning about one question, by the facts of now."""

    allowed: bool
    reason: str
    sentence: str
    version: int | None
    limited: bool
    points: tuple[Point, ...]
    rules: tuple[RuleStep, ...]
    clearance: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Decided(Why):
    """How the gate would decide about a token that was presented; whose it is, where that is known."""

    environment: str
    caller: str
    token: str


@dataclass(frozen=True)
class Who:
    """One account that may."""

    name: str
    service: bool
    extent: str
    by: tuple[str, ...]
    unless: tuple[str, ...]
    token: bool


@dataclass(frozen=True)
class Reach:
    """What may be done with one model in one environment."""

    model: str
    environment: str
    actions: dict[str, str]
    by: tuple[str, ...]
    unless: tuple[str, ...]
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What a judge said."""

    outcome: str
    role: str
    comment: str
    digest: str
    by: str
    made_at: datetime


@dataclass(frozen=True)
class ReviewCondition:
    """What an approval depends on, with an owner and a date."""

    id: int
    text: str
    owner: str
    due_at: datetime
    fulfilled_at: datetime | None
    fulfilled_by: str | None


@dataclass(frozen=True)
class Review:
    """A review of one revision."""

    id: int
    kind: str
    model: str | None
    version: int | None
    dataset: str | None
    revision: int
    digest: str
    state: str
    submitted_by: str
    submitted_at: datetime
    closed_at: datetime | None
    wanted: tuple[str, ...]
    due_at: datetime | None
    ends_at: datetime | None
    judgements: tuple[Judgement, ...]
    conditions: tuple[ReviewCondition, ...]


@dataclass(frozen=True)
class Policy:
    """An access policy in force. `rules` and `tests` are as its published schema says."""

    model: str
    environment: str
    number: int
    digest: str
    rules: tuple[dict[str, Any], ...]
    tests: tuple[dict[str, Any], ...]
    sentences: tuple[str, ...]
    by: str
    published_at: datetime


@dataclass(frozen=True)
class Decision:
    """One answer of the gate."""

    id: str
    decided_at: datetime
    allowed: bool
    reason: str
    environment: str
    model: str
    version: int | None
    action: str
    caller: str
    token: str
    method: str
    door: str
    request_id: str
    digest: str
    batch: str
