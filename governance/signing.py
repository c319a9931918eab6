"""Signing: who is logged in proves again who they are, and the sentence that they sign is bound to what they judge.

Password, and the one-time code of RFC 6238 where the person has enrolled a second factor. A wrong try is counted before
the refusal is told, in a transaction of its own, so that it survives whatever is undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from governance import attempts
from governance.models import Judgement, Review
from registry import canonical
from registry.errors import Refused
from registry.models import User
from registry.verdict import denied

FRESH = timedelta(minutes=1)
JUDGE = "governance.judge_review"


@dataclass(frozen=True)
class Proof:
    """That this person has just proved who they are. Good for a minute."""

    user_id: int
    method: str
    at: datetime

    def holds_for(self, user: User) -> bool:
        """Whether it is theirs, and fresh."""
        return self.user_id == user.pk and timezone.now() - self.at < FRESH


def second_factor(user: User) -> TOTPDevice | None:
    """The device that they have enrolled and confirmed."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
    return found


def prove(*, by: User, password: str, code: str = "", action: str = JUDGE, subject: object = None) -> Proof:
    """A proof that `by` is who they are, or `Refused` with a reason. Neither password nor code is kept or told."""
    name = by.get_username().lower()
    if attempts.used_up("name", name):
        _refuse(
            "too_many_tries",
            "There were too many wrong tries.",
            "Wait a quarter of an hour.",
            action,
            subject,
        )
    if not password:
        _refuse(
            "password_needed", "This is signed with your password.", "Give your password.", action, subject
        )
    if not by.check_password(password):
        attempts.failed("name", name)
        _refuse("password_wrong", "The password is not right.", "Try again.", action, subject)
    device = second_factor(by)
    if device is None:
        return Proof(by.pk, Judgement.Method.PASSWORD, timezone.now())
    if not code:
        _refuse("code_needed", "You have a second factor.", "Give the code that it shows.", action, subject)
    if not verified(device, code):
        attempts.failed("name", name)
        _refuse(
            "code_wrong",
            "The code is not right, or was used already.",
            "Wait for the next one.",
            action,
            subject,
        )
    return Proof(by.pk, Judgement.Method.BOTH, timezone.now())


@transaction.atomic
def verified(device: TOTPDevice, code: str) -> bool:
    """Whether `code` is right now. Each counts once; after a wrong one the device asks for patience, ever longer."""
    locked = TOTPDevice.objects.select_for_update().get(pk=device.pk)
    return (
        code.isascii() and code.isdigit() and len(code) == locked.digits and bool(locked.verify_token(code))
    )


def meaning(review: Review, outcome: str, by: User) -> str:
    """The sentence that is signed. It stands in the form before, and in the record after."""
    what = f"revision {review.revision.number} of {review.document} with the digest {review.digest}"
    risk = review.rule["risk_class"]
    where = "whose risk class is not decided" if risk == "undecided" else f"of the risk class “{risk}”"
    if outcome == Judgement.Outcome.APPROVE:
        return f"I, {by.get_username()}, have read {what} and approve it for use in a system {where}."
    return (
        f"I, {by.get_username()}, have read {what} and ask for changes before it is used in a system {where}."
    )


def bound(said: str, review: Review, by_id: int, at: datetime, method: str) -> str:
    """SHA-256 of the canonical JSON that binds the sentence `said` to what was judged, by whom, when and how."""
    signed = {
        "meaning": said,
        "digest": review.digest,
        "basis": canonical.digest(bytes(review.basis)),
        "by": by_id,
        "at": at.astimezone(UTC).isoformat(),
        "method": method,
    }
    return canonical.digest(canonical.canonical(signed))


def is_bound(judgement: Judgement) -> bool:
    """Whether a signed judgement still says what was signed."""
    if not judgement.signed_at:
        return False
    expected = bound(
        judgement.meaning, judgement.review, judgement.by_id, judgement.signed_at, judgement.method
    )
    return judgement.signed_digest == expected


def _refuse(code: str, sentence: str, remedy: str, action: str, subject: object) -> None:
    raise Refused(denied(code, sentence, remedy), action=action, subject=subject)
