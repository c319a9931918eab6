"""What people are told, why, and how often they are reminded. Pure: a table and a few reckonings that know no row.

Quiet by default: everything stands in the inbox, and only what asks for an act of whoever gets it is mailed as well.
Each kind can be switched off, in the inbox and in the mail, by each person for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of notice. `key` is stored and never renamed; `title` names no object, so it may stand in a subject line.

    `why` ends the sentence "You get this because". `asks` says that whoever gets it has to do something.
    """

    key: str
    group: str
    title: str
    why: str
    asks: bool = False
    urgent: bool = False  # mailed although it asks for nothing, and at once whatever rhythm was chosen

    @property
    def is_mailed(self) -> bool:
        """Whether it is mailed unless somebody has decided otherwise."""
        return self.asks or self.urgent


REVIEWS, CONDITIONS, GLASS, GATE, TOKENS, COMMENTS, ABSENCES = (
    "Reviews", "Conditions and approvals", "Break-glass", "The gate", "Tokens", "Comments", "Absences",
)  # fmt: skip

KINDS = (
    Kind("review.asked", REVIEWS, "A review waits for you", "your sign-off would count in this review", asks=True),
    Kind("review.reminded", REVIEWS, "A review still waits for you", "your sign-off would count in a review that waits",
         asks=True),
    Kind("review.escalated", REVIEWS, "A review has waited too long",
         "your role is told of reviews that nobody has judged in time", asks=True),
    Kind("review.signed_off", REVIEWS, "Somebody has signed off", "you wrote or submitted what is reviewed"),
    Kind("review.approved", REVIEWS, "A review is approved", "you wrote or submitted what was reviewed"),
    Kind("review.changes_requested", REVIEWS, "Changes are requested", "you wrote or submitted what was sent back",
         asks=True),
    Kind("condition.set", CONDITIONS, "A condition is yours to fulfil", "a judge named you as its owner", asks=True),
    Kind("condition.due", CONDITIONS, "A condition is due soon", "you own the condition", asks=True),
    Kind("condition.lapsed", CONDITIONS, "A condition has lapsed",
         "you own the condition, submitted what was approved, or set it", asks=True),
    Kind("condition.settled", CONDITIONS, "A condition was confirmed or given more time",
         "you own the condition, or submitted what was approved"),
    Kind("approval.due", CONDITIONS, "A review is due again", "you wrote or submitted what was approved", asks=True),
    Kind("review.stale", CONDITIONS, "An approval no longer counts",
         "you wrote or submitted what was approved, and it takes another review", asks=True),
    Kind("glass.asked", GLASS, "Somebody asks you to break the glass", "you may grant it, and somebody else asked",
         asks=True, urgent=True),
    Kind("glass.granted", GLASS, "The glass is broken", "you asked, or your role suspends versions or breaks the glass",
         urgent=True),
    Kind("glass.ended", GLASS, "Broken glass is over", "you asked for it or granted it"),
    Kind("stop.made", GATE, "Queries are stopped",
         "you may stop queries to the model or all of them, issue tokens, or answer for the token that is stopped", urgent=True),
    Kind("stop.lifted", GATE, "Queries pass again", "you were told that they were stopped", urgent=True),
    Kind("anomaly.seen", GATE, "The gate saw something unusual",
         "you answer for the token, or may stop queries to the model", asks=True),
    Kind("token.waits", TOKENS, "A token waits for a second person", "you may countersign it", asks=True),
    Kind("token.settled", TOKENS, "A token was countersigned or declined", "you issued it, or it acts for you"),
    Kind("token.expiring", TOKENS, "A token ends soon", "you issued it, or answer for whoever it acts for", asks=True),
    Kind("token.revoked", TOKENS, "A token was revoked", "you issued it, or answer for whoever it acts for"),
    Kind("token.leaked", TOKENS, "A token was found where it should not be, and revoked",
         "you issued it, answer for whoever it acts for, or revoke tokens of others", asks=True),
    Kind("comment.written", COMMENTS, "Somebody has commented", "you wrote, submitted, judge or discuss the document"),
    Kind("thread.resolved", COMMENTS, "Comments are resolved", "you wrote, submitted, judge or discuss the document"),
    Kind("absence.announced", ABSENCES, "You stand in for somebody", "somebody named you for the time they are away"),
    Kind("absence.ended", ABSENCES, "You stand in no longer", "somebody had named you for the time they are away"),
)  # fmt: skip
KIND = {one.key: one for one in KINDS}

DIGEST_AT = time(7)  # UTC
CONDITION_SOON = timedelta(days=3)
TOKEN_STAGES = (14, 3)  # days before the end at which it is announced
MOST_REMINDERS = 10  # of one review; whoever has not heard ten does not hear the eleventh
LETTER_TRIES = 12
LETTER_AGE = timedelta(days=3)  # older mail is not worth sending: the inbox has it
LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True)
class Cadence:
    """When those whom a review waits for are reminded, and when whom it is told instead. Days since it was submitted.

    With `working_days`, Saturdays and Sundays (UTC) do not count.
    """

    remind_after_days: int
    escalate_after_days: int
    escalate_to: tuple[str, ...]
    working_days: bool

    def reminders(self, since: datetime, now: datetime) -> int:
        """How many intervals have gone by: the number of the reminder that is due, 0 before the first."""
        passed = waited(since, now, working_days=self.working_days).days // self.remind_after_days
        return min(passed, MOST_REMINDERS)

    def escalates(self, since: datetime, now: datetime) -> bool:
        """Whether others have to be told by now."""
        waiting = waited(since, now, working_days=self.working_days)
        return bool(self.escalate_to) and waiting >= timedelta(days=self.escalate_after_days)

    def as_facts(self) -> dict[str, Any]:
        """The columns it is stored in."""
        return {
            "remind_after_days": self.remind_after_days,
            "escalate_after_days": self.escalate_after_days,
            "escalate_to": list(self.escalate_to),
            "working_days": self.working_days,
        }

    def in_words(self) -> str:
        """As a sentence without its full stop."""
        days = "working days" if self.working_days else "days"
        told = (
            f"after {self.escalate_after_days} {' and '.join(self.escalate_to)}"
            if self.escalate_to
            else "nobody else"
        )
        return f"whoever may judge is reminded every {self.remind_after_days} {days}; {told} is told"


DEFAULT_CADENCE = Cadence(3, 7, ("compliance",), working_days=True)


def waited(since: datetime, now: datetime, *, working_days: bool) -> timedelta:
    """How long it is from `since` to `now`, without Saturdays and Sundays where only working days count."""
    if now <= since or not working_days:
        return max(now - since, timedelta())
    total, here = timedelta(), since
    while here < now:
        midnight = datetime.combine(here.date() + timedelta(days=1), time(), tzinfo=here.tzinfo)
        end = min(midnight, now)
        if here.weekday() < 5:
            total += end - here
        here = end
    return total


def next_digest(now: datetime) -> datetime:
    """When the next daily mail goes."""
    today = datetime.combine(now.date(), DIGEST_AT, tzinfo=now.tzinfo)
    return today if today > now else today + timedelta(days=1)


def patience(tries: int) -> timedelta:
    """How long to wait after so many tries: 1, 2, 4 ... minutes, six hours at most."""
    return min(timedelta(minutes=2 ** max(tries - 1, 0)), LONGEST_WAIT)


def token_stage(left: timedelta, life: timedelta) -> int:
    """Which announcement is due for a token with so much of its life left: 14, 3, or 0 for none.

    One that never lived longer than a stage is silent at it: its owner knows what they asked for.
    """
    due = [days for days in TOKEN_STAGES if left <= timedelta(days=days) < life]
    return min(due, default=0)
