"""The one pure function of clearance: from facts to conditions, each met or not, each with its reason code.

A version is cleared while every condition holds. Reason codes are stable; outsiders build on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.verdict import Reason, Verdict

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
class Facts:
    """All that a clearance depends on, for one version in one environment."""

    now: Basis
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
        }


def assess(facts: Facts) -> tuple[Condition, ...]:
    """Every condition of clearance, in the order in which one would mend them."""
    return (
        Condition("risk", "Risk class decided, not prohibited", _risk(facts)),
        Condition("presence", "Still in the tracking server", _presence(facts)),
        Condition("artifact", "Files hashed, and as approved", _artifact(facts)),
        Condition("datasheets", "Datasheets of the training data", _datasheets(facts)),
        Condition("card", "Card approved by a second person", _card(facts)),
        Condition("suspension", "Not suspended", _suspension(facts)),
    )


def verdict(conditions: tuple[Condition, ...]) -> Verdict:
    """Allowed when every condition is met; otherwise every reason."""
    return Verdict(tuple(condition.reason for condition in conditions if condition.reason))


def _risk(facts: Facts) -> Reason | None:
    classes = facts.now.risk_classes
    if not classes:
        return Reason(
            "risk_no_system",
            "The model belongs to no system in service.",
            "Add the model to the system that uses it.",
        )
    for system, risk_class in sorted(classes.items()):
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
    if facts.approved_basis and facts.approved_basis.risk_classes != classes:
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
    if facts.approved_basis and facts.approved_basis.artifact != facts.now.artifact:
        return Reason(
            "artifact_changed",
            "The files differ from those that were approved.",
            "Find out who changed them; register a new version.",
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
    if facts.approved_basis and facts.approved_basis.datasheets != facts.now.datasheets:
        return Reason(
            "datasheet_changed",
            "A datasheet has changed since the approval.",
            "Have the card reviewed again.",
        )
    return None


def _card(facts: Facts) -> Reason | None:
    if not facts.card:
        return Reason("card_missing", "There is no model card.", "Write the card.")
    if facts.approved and facts.approved == facts.card:
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
    return Reason("card_not_approved", "The card is not approved.", "Submit the card for review.")


def _suspension(facts: Facts) -> Reason | None:
    if not facts.suspended_because:
        return None
    return Reason(
        "suspended", f"Suspended: {facts.suspended_because}", "Lift the suspension when the cause is gone."
    )
