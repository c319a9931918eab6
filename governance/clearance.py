"""The one pure function of clearance: from facts to conditions, each met or not, each with its reason code.

A version is cleared while every condition holds. Reason codes are stable; outsiders build on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from registry.verdict import Reason, Verdict

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
OUTDATED = "outdated"  # in place of a risk class: purpose or role has changed since it was decided


@dataclass(frozen=True)
class Basis:
    """What a review stood on, or what holds now: comparing the two shows whether an approval still counts."""

    artifact: str = ""  # digest of the manifest; empty when never hashed
    datasheets: Mapping[str, str] = field(
        default_factory=dict
    )  # dataset slug → digest of its head; "" when missing
    risk_classes: Mapping[str, str] = field(
        default_factory=dict
    )  # slug of a system in service → risk class; "" when undecided, OUTDATED when it has to be decided again

    def as_json(self) -> dict[str, Any]:
        """Plain JSON for storing with a review."""
        return {
            "artifact": self.artifact,
            "datasheets": dict(self.datasheets),
            "risk_classes": dict(self.risk_classes),
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Basis:
        """The basis that `as_json` wrote."""
        return cls(stored["artifact"], dict(stored["datasheets"]), dict(stored["risk_classes"]))


@dataclass(frozen=True)
class Pending:
    """A condition of the approval that nobody has confirmed as fulfilled yet."""

    text: str
    owner: str
    due_at: datetime


@dataclass(frozen=True)
class Facts:
    """All that a clearance depends on, for one version in one environment, at one moment.

    `stale` are the reason codes for which the approval has become stale: they stay also when the change is undone.
    """

    now: Basis
    at: datetime = BEGINNING
    approved_until: datetime | None = None  # the greatest age that the review's rule allows
    pending: tuple[Pending, ...] = ()
    stale: tuple[str, ...] = ()
    retired_because: str = ""
    card: str = ""  # digest of the card's latest revision; empty when there is no card
    in_review: bool = False
    approved: str = ""  # digest of the last approved revision of the card
    approved_basis: Basis | None = None
    suspended_because: str = ""
    gone: str = ""  # "version" or "model" when the tracking server no longer has it
    files_gone: bool = False
    moved: bool = False  # the files are said to lie elsewhere since they were hashed


@dataclass(frozen=True)
class Condition:
    """One condition: met, or not with the reason and what to do."""

    code: str
    label: str
    reason: Reason | None = None
    until: datetime | None = None  # met until then by time alone
    then: str = ""  # the reason code from then on

    @property
    def met(self) -> bool:
        return self.reason is None

    def as_json(self) -> dict[str, Any]:
        """The form stored with a clearance and shown in pages, API and reports."""
        return {
            "code": self.code,
            "label": self.label,
            "met": self.met,
            "reason": self.reason.code if self.reason else "",
            "why": self.reason.sentence if self.reason else "",
            "remedy": self.reason.remedy if self.reason else "",
            "until": self.until.astimezone(UTC).isoformat() if self.until and self.met else "",
            "then": self.then if self.until and self.met else "",
        }


def valid_until(conditions: tuple[Condition, ...]) -> datetime | None:
    """When time alone will end a clearance by these conditions; None when it will not."""
    return min((one.until for one in conditions if one.met and one.until), default=None)


def outdated(facts: Facts) -> tuple[str, ...]:
    """Why an approval no longer counts, by reason code: what it stands on has changed in substance.

    A risk class that has to be decided, for the first time or again, is no change yet; the decision may be one.
    """
    then, now = facts.approved_basis, facts.now
    if not facts.approved:
        return ()
    changed = {"card_changed": facts.card != facts.approved}
    if then:
        classes = {
            system: then.risk_classes.get(system, one) if one == OUTDATED else one
            for system, one in now.risk_classes.items()
            if one or system in then.risk_classes
        }
        changed |= {
            "risk_changed": then.risk_classes != classes,
            "artifact_changed": then.artifact != now.artifact,
            "datasheet_changed": then.datasheets != now.datasheets,
        }
    return tuple(sorted(code for code, is_so in changed.items() if is_so))


def assess(facts: Facts) -> tuple[Condition, ...]:
    """Every condition of clearance, in the order in which one would mend them."""
    return (
        Condition("risk", "Risk class decided, not prohibited", _risk(facts)),
        Condition("presence", "Still in the tracking server", _presence(facts)),
        Condition("artifact", "Files hashed, and as approved", _artifact(facts)),
        Condition("datasheets", "Datasheets of the training data", _datasheets(facts)),
        Condition("card", "Card approved by a second person", _card(facts)),
        _age(facts),
        _conditions(facts),
        Condition("suspension", "Not suspended", _suspension(facts)),
    )


def verdict(conditions: tuple[Condition, ...]) -> Verdict:
    """Allowed when every condition is met; otherwise every reason."""
    return Verdict(tuple(condition.reason for condition in conditions if condition.reason))


def _differs(facts: Facts, code: str, part: str) -> bool:
    """Whether a part of the basis is no longer what was approved, or was not for a while since."""
    then = facts.approved_basis
    return code in facts.stale or bool(then and getattr(then, part) != getattr(facts.now, part))


def _risk(facts: Facts) -> Reason | None:
    classes = facts.now.risk_classes
    if not classes:
        return Reason(
            "risk_no_system",
            "The model belongs to no system in service.",
            "Add the model to the system that uses it.",
        )
    for system, risk_class in sorted(classes.items(), key=lambda one: (one[1] != "prohibited", one)):
        if risk_class == "prohibited":
            return Reason(
                "risk_prohibited", f"The system {system} is a prohibited practice.", "Take it out of service."
            )
        if risk_class == OUTDATED:
            return Reason(
                "risk_outdated",
                f"The purpose or our role of the system {system} has changed since its risk class was decided.",
                "Ask compliance to decide the risk class again.",
            )
        if not risk_class:
            return Reason(
                "risk_undecided",
                f"The risk class of the system {system} is not decided.",
                "Ask compliance to decide the risk class.",
            )
    if _differs(facts, "risk_changed", "risk_classes"):
        return Reason(
            "risk_changed", "The risk class has changed since the approval.", "Have the card reviewed again."
        )
    return None


def _presence(facts: Facts) -> Reason | None:
    if not facts.gone:
        return None
    return Reason(
        f"{facts.gone}_gone",
        f"The tracking server no longer has this {facts.gone}.",
        "Register it again; what comes back under another creation time is reviewed anew.",
    )


def _artifact(facts: Facts) -> Reason | None:
    if not facts.now.artifact:
        return Reason(
            "artifact_unknown",
            "The files of this version were never hashed.",
            "Let the tracking server be read again.",
        )
    if facts.files_gone:
        return Reason(
            "artifact_gone",
            "The tracking server no longer has the files of this version.",
            "Restore the files, then hash them again; or register a new version.",
        )
    if facts.moved:
        return Reason(
            "artifact_moved",
            "The files of this version lie elsewhere since they were hashed.",
            "Hash them where they lie now; the next read of the tracking server does so by itself.",
        )
    if _differs(facts, "artifact_changed", "artifact"):
        return Reason(
            "artifact_changed",
            "The files differ from those that were approved.",
            "Find out who changed them; register a new version, or have these reviewed again.",
        )
    return None


def _datasheets(facts: Facts) -> Reason | None:
    missing = sorted(slug for slug, digest in facts.now.datasheets.items() if not digest)
    if missing:
        return Reason(
            "datasheet_missing", f"No datasheet for {', '.join(missing)}.", "Write the missing datasheet."
        )
    if not facts.now.datasheets:
        return Reason(
            "training_data_unknown",
            "No training data is recorded for this version.",
            "Log the training data as an input of the run, then let the tracking server be read again.",
        )
    if _differs(facts, "datasheet_changed", "datasheets"):
        return Reason(
            "datasheet_changed",
            "A datasheet has changed since the approval.",
            "Have the card reviewed again.",
        )
    return None


def _card(facts: Facts) -> Reason | None:
    if not facts.card:
        return Reason("card_missing", "There is no model card.", "Write the card.")
    if facts.approved and facts.approved == facts.card and "card_changed" not in facts.stale:
        return None
    if facts.in_review:
        return Reason(
            "card_in_review",
            "The card waits for its review.",
            "A reviewer who did not write it can approve it.",
        )
    if facts.approved:
        return Reason(
            "card_changed",
            "The card has changed since it was approved.",
            "Submit the new revision for review.",
        )
    if facts.retired_because:
        return Reason(
            "approval_retired",
            f"The approval was taken away: {facts.retired_because}",
            "Submit the card for review again.",
        )
    return Reason("card_not_approved", "The card is not approved.", "Submit the card for review.")


def _age(facts: Facts) -> Condition:
    until, reason = facts.approved_until if facts.approved else None, None
    if until and until <= facts.at:
        reason = Reason(
            "approval_expired",
            f"The approval ended on {until:%-d %B %Y}: it was as old as its rule allows.",
            "Have the card reviewed again.",
        )
    return Condition("age", "Approval not too old", reason, until, "approval_expired")


def _conditions(facts: Facts) -> Condition:
    pending = sorted(facts.pending if facts.approved else (), key=lambda one: one.due_at)
    lapsed = next((one for one in pending if one.due_at <= facts.at), None)
    reason = None
    if lapsed:
        reason = Reason(
            "condition_lapsed",
            f"A condition of the approval was due on {lapsed.due_at:%-d %B %Y}, {lapsed.due_at:%H:%M} UTC"
            f" and is not fulfilled: {lapsed.text}",
            f"{lapsed.owner} fulfils it and a judge confirms it, or a judge grants more time.",
        )
    until = min((one.due_at for one in pending), default=None)
    return Condition("conditions", "Conditions of the approval kept", reason, until, "condition_lapsed")


def _suspension(facts: Facts) -> Reason | None:
    if not facts.suspended_because:
        return None
    return Reason(
        "suspended", f"Suspended: {facts.suspended_because}", "Lift the suspension when the cause is gone."
    )
