"""The course of a review, and when it has its outcome. Pure: states, transitions and rules are data, and know no row.

Four eyes (ISO/IEC 27001, A.5.3, segregation of duties; Regulation (EU) 2024/1689, Art. 17(1)(c)): nobody judges what
they wrote or submitted. How many judges a revision needs, and in which roles, says the rule of its risk class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SCHEMA = "cardinal/review-rule/1"
MOST_APPROVERS = 5
LONGEST_AGE = 3_660  # days: ten years, as long as Art. 18 has documents kept
SUPERSEDED = "A later approval took its place."
ANY = ""  # in place of a role: whichever role judges reviews


@dataclass(frozen=True)
class State:
    """Where a review can be. `key` is stored and never renamed."""

    key: str
    label: str
    meaning: str


STATES = (
    State("draft", "Draft", "A revision that nobody has submitted: there is no review yet."),
    State("in_review", "In review", "Waits for judges."),
    State("approved", "Approved", "Every sign-off that its rule asks for is there."),
    State("changes_requested", "Changes requested", "A judge sent it back."),
    State("withdrawn", "Withdrawn", "Whoever submitted it took it back."),
    State("stale", "Stale", "What was approved is no longer what there is."),
    State("retired", "Retired", "A later approval took its place, or somebody took it away."),
)
DRAFT, IN_REVIEW, APPROVED, CHANGES_REQUESTED, WITHDRAWN, STALE, RETIRED = (one.key for one in STATES)
STORED = tuple(one.key for one in STATES if one.key != DRAFT)
# Whatever became of it since: it was approved once.
APPROVED_ONCE = (APPROVED, STALE, RETIRED)


@dataclass(frozen=True)
class Transition:
    """One step that a review may take, who causes it, and the event that tells of it. There are no others."""

    before: str
    after: str
    who: str
    event: str


TRANSITIONS = (
    Transition(DRAFT, IN_REVIEW, "whoever may submit", "review.submitted"),
    Transition(IN_REVIEW, APPROVED, "the last judge that the rule asks for", "review.approved"),
    Transition(IN_REVIEW, CHANGES_REQUESTED, "any one judge", "review.changes_requested"),
    Transition(IN_REVIEW, WITHDRAWN, "whoever submitted it", "review.withdrawn"),
    Transition(APPROVED, STALE, "whoever changes what it stands on", "review.stale"),
    Transition(APPROVED, RETIRED, "a judge, or a later approval", "review.retired"),
    Transition(STALE, RETIRED, "a judge, or a later approval", "review.retired"),
)


def allows(before: str, after: str) -> bool:
    """Whether a review may go from one state to the other."""
    return any((one.before, one.after) == (before, after) for one in TRANSITIONS)


@dataclass(frozen=True)
class Item:
    """One thing that whoever approves has looked at."""

    key: str
    text: str


@dataclass(frozen=True)
class Rule:
    """What an approval needs for one risk class. Frozen into each review when it is submitted.

    `roles` are needed by one different person each; the rest of `approvers` may sign in any role that judges. Days
    count from the approval: after `again_after_days` a new review is due, after `max_age_days` the approval ends.
    """

    risk_class: str
    approvers: int
    roles: tuple[str, ...]
    checklist: tuple[Item, ...]
    max_age_days: int
    again_after_days: int
    step_up: bool
    threads_resolved: bool = False  # whether nobody approves while a thread is open

    def as_json(self) -> dict[str, Any]:
        """The form stored with a decision about the rule and with each review. What was added later stands only where it holds."""
        told: dict[str, Any] = {
            "schema": SCHEMA,
            "risk_class": self.risk_class,
            "approvers": self.approvers,
            "roles": list(self.roles),
            "checklist": [{"key": one.key, "text": one.text} for one in self.checklist],
            "max_age_days": self.max_age_days,
            "again_after_days": self.again_after_days,
            "step_up": self.step_up,
        }
        return told | ({"threads_resolved": True} if self.threads_resolved else {})

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Rule:
        """The rule that `as_json` wrote."""
        return cls(
            stored["risk_class"],
            stored["approvers"],
            tuple(stored["roles"]),
            tuple(Item(one["key"], one["text"]) for one in stored["checklist"]),
            stored["max_age_days"],
            stored["again_after_days"],
            stored["step_up"],
            stored.get("threads_resolved", False),
        )

    def in_words(self) -> str:
        """The rule as one sentence without its full stop, for the trail and the pages."""
        people = "one person" if self.approvers == 1 else f"{self.approvers} different people"
        named = f", among them one as {' and one as '.join(self.roles)}" if self.roles else ""
        ticks = f", each ticking {len(self.checklist)} points" if self.checklist else ""
        signed = ", signed with the password" if self.step_up else ""
        settled = ", once every thread is resolved" if self.threads_resolved else ""
        return (
            f"{people}{named}{ticks}{signed}{settled}; again after {self.again_after_days} days, ends after"
            f" {self.max_age_days} days"
        )

    def ends_at(self, approved_at: datetime) -> datetime:
        """When an approval of this time ends."""
        return approved_at + timedelta(days=self.max_age_days)

    def due_at(self, approved_at: datetime) -> datetime:
        """When a new review is due after an approval of this time."""
        return approved_at + timedelta(days=self.again_after_days)


def wanted(rule: Rule, signed: Iterable[str]) -> tuple[str, ...]:
    """The roles in which somebody still has to sign after approvals under the roles `signed`; `ANY` for a free choice.

    Empty exactly when the rule is satisfied. PostgreSQL reckons the same (cardinal_review_wants, migration 0041).
    """
    given = Counter(signed)
    needed = Counter(rule.roles)
    missing = [role for role in sorted(needed) for _ in range(needed[role] - given[role])]
    beyond = sum((given - needed).values())
    free = max(rule.approvers - len(rule.roles) - beyond, 0)
    return (*missing, *[ANY] * free)


def counts(role: str, still: Iterable[str]) -> bool:
    """Whether an approval under `role` brings the outcome nearer when `still` is what is wanted."""
    return bool({role, ANY} & set(still))


READ = (
    Item("card_read", "I have read the whole card, and what it says agrees with what I know of the model."),
    Item("data_read", "I have read the datasheets of the training data."),
)
HIGH = (
    *READ,
    Item("groups_seen", "The figures by group are there, and the differences between groups are explained."),
    Item("oversight_seen", "The card says who oversees the system, and what they can do (Art. 14)."),
    Item("limits_seen", "Limitations and foreseeable misuse are named (Art. 13)."),
)


def _strict(risk_class: str) -> Rule:
    return Rule(risk_class, 2, ("reviewer", "compliance"), HIGH, 365, 300, step_up=True)


# What holds until compliance decides otherwise. Whoever has not decided the risk class is treated like high risk.
DEFAULTS: dict[str, Rule] = {
    "undecided": _strict("undecided"),
    "minimal": Rule("minimal", 1, (), (), 1_095, 1_000, step_up=False),
    "limited": Rule("limited", 1, (), (), 730, 640, step_up=False),
    "high": _strict("high"),
    "prohibited": _strict("prohibited"),
}
STRICTEST_FIRST = ("prohibited", "high", "undecided", "limited", "minimal")


def strictest(classes: Iterable[str]) -> str:
    """The class whose rule holds for a document that concerns systems of these classes; undecided when there is none."""
    known = {one or "undecided" for one in classes} or {"undecided"}
    return next(one for one in STRICTEST_FIRST if one in known)


def diagram() -> str:
    """The table of transitions as a Mermaid state diagram."""
    rows = ["stateDiagram-v2", f"    [*] --> {DRAFT}"]
    rows += [f"    {one.key}: {one.label}" for one in STATES]
    rows += [f"    {one.before} --> {one.after}: {one.event}" for one in TRANSITIONS]
    left = {one.before for one in TRANSITIONS}
    rows += [f"    {one.key} --> [*]" for one in STATES if one.key not in left]
    return "\n".join(rows)
