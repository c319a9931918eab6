"""The last decisions once more, under a draft and under the version in force: which would flip?

A decision remembers who asked, from where and for what purpose. Groups are those of now: nobody keeps the old ones.
What an old row does not hold cannot be told, and is never guessed. Limits are counted anew over the decisions that are
replayed, from empty counters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from governance.access.counting import Counters
from governance.models import Decision, Policy
from governance.policies import Compiled, Query, charges, compiled, evaluate, tell
from registry.models import Model, User, memberships

MOST = 1_000
EXAMPLES = 3
# Refused before any policy was asked: a token or a question that was not right.
BEFORE_POLICY = (
    "token_",
    "scope_",
    "model_",
    "caller_",
    "headers_",
    "path_",
    "method_",
    "several_",
    "too_",
    "purpose_",
    "body_",
    "slow_",
    "gate_",
    "stopped_",
)
AFTER_POLICY = ("not_cleared", "version_not_named", "version_unknown", "no_endpoint", "protocol_refused")
# What a row of the first form does not hold, by the condition that would ask for it
NOT_KEPT = frozenset({"policy_network", "policy_purpose", "policy_payload"})
TO_DENIED, TO_ALLOWED, UNCLEAR = "denied", "allowed", "unclear"


@dataclass
class Flip:
    """Decisions on one caller and action that would come out differently, or of which that cannot be told."""

    caller: str
    action: str
    becomes: str
    count: int = 0
    codes: set[str] = field(default_factory=set)
    examples: list[Decision] = field(default_factory=list)

    def add(self, row: Decision, codes: set[str]) -> None:
        """One decision more."""
        self.count += 1
        self.codes |= codes
        if len(self.examples) < EXAMPLES:
            self.examples.append(row)


@dataclass(frozen=True)
class Replay:
    """The outcome. `same` came out alike; `skipped` never asked a policy; `oldest` is the first that was replayed."""

    flips: list[Flip]
    same: int
    skipped: int
    total: int
    oldest: datetime | None

    def of(self, becomes: str) -> list[Flip]:
        """The flips in one direction, most frequent first."""
        return sorted(
            (one for one in self.flips if one.becomes == becomes), key=lambda one: (-one.count, one.caller)
        )

    def number(self, becomes: str) -> int:
        """How many decisions flip in this direction."""
        return sum(one.count for one in self.of(becomes))

    @property
    def to_denied(self) -> int:
        return self.number(TO_DENIED)

    @property
    def to_allowed(self) -> int:
        return self.number(TO_ALLOWED)

    @property
    def unclear(self) -> int:
        return self.number(UNCLEAR)


class _Side:
    """One policy, with counters of its own."""

    def __init__(self, content: Any) -> None:
        self.policy: Compiled = compiled(content)
        self.counters = Counters()

    def answer(self, query: Query, unknown: frozenset[str], *, charge: bool) -> tuple[bool | None, set[str]]:
        """Whether it allows, and the codes of the reasons against it."""
        owed = charges(self.policy, query)
        if owed:
            spent = (
                self.counters.take(owed, query.caller, query.at)
                if charge
                else {one.key: None for one in owed}
            )
            query = replace(query, spent=spent)
        told = tell(self.policy, query, unknown)
        reasons = evaluate(self.policy, query).reasons if told is False else ()
        return told, {reason.code for reason in reasons}


def replay(model: Model, environment: str, draft: Any) -> Replay:
    """The last 1000 decisions about `model` in `environment`, under `draft` and under the version in force."""
    rows = list(
        Decision.objects.filter(model=model.slug, environment=environment).order_by("-decided_at", "id")[
            :MOST
        ]
    )
    rows.reverse()
    in_force = Policy.objects.filter(model=model, environment=environment).select_related("in_force").first()
    now = _Side(in_force.in_force.content if in_force and in_force.in_force else None)
    then = _Side(draft)
    people = _people({row.caller for row in rows})
    flips: dict[tuple[str, str, str], Flip] = {}
    same = skipped = 0
    for row in rows:
        if not row.caller or (row.reason.startswith(BEFORE_POLICY) and row.reason not in AFTER_POLICY):
            skipped += 1
            continue
        before, after, codes = None, None, set[str]()
        if person := people.get(row.caller):
            unknown = NOT_KEPT if row.form == 1 else frozenset()
            charge = row.reason not in AFTER_POLICY
            before, _ = now.answer(person.query(row), unknown, charge=charge)
            after, codes = then.answer(person.query(row), unknown, charge=charge)
        if before is not None and before == after:
            same += 1
            continue
        becomes = UNCLEAR if before is None or after is None else TO_ALLOWED if after else TO_DENIED
        flip = flips.setdefault((row.caller, row.action, becomes), Flip(row.caller, row.action, becomes))
        flip.add(row, codes)
    return Replay(list(flips.values()), same, skipped, len(rows), rows[0].decided_at if rows else None)


@dataclass(frozen=True)
class _Caller:
    name: str
    service: bool
    groups: frozenset[str]

    def query(self, row: Decision) -> Query:
        """What was asked, by who this account is now."""
        return Query(
            caller=self.name,
            groups=self.groups,
            action=row.action,
            at=row.decided_at,
            service=self.service,
            network=row.network,
            purpose=row.purpose,
            payload_bytes=row.payload_bytes,
        )


def _people(names: Iterable[str]) -> dict[str, _Caller]:
    rows = User.objects.filter(username__in=[name for name in names if name])
    groups: dict[int, set[str]] = defaultdict(set)
    for user_id, name in memberships(rows):
        groups[user_id].add(name)
    return {
        one.username: _Caller(one.username, one.kind == User.Kind.SERVICE, frozenset(groups[one.pk]))
        for one in rows
    }
