"""What is unusual at the gate: the rules, each with its number and its reason. Pure: no clock, no database.

Nothing is stopped by it. What is found is told to whoever can judge it; what is usual is learnt from what was decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

NEW_NETWORK, DENIALS, SCRAPING = "new_network", "denials", "scraping"

# A token from a network it never came from. A young token has no usual network yet, and what roams has none at all.
SETTLED_AFTER = 20  # decisions
ROAMS = 50  # networks; beyond, another one says nothing

# A burst of denials: somebody tries what they may not, or something was misconfigured. Five minutes and half of all,
# so that a busy caller's ordinary share of refusals is none; of a model many callers together, so more of them.
SLOT = timedelta(minutes=5)
DENIED_OF_TOKEN, DENIED_OF_MODEL = 30, 100
# Refusals that somebody meant, or that are nobody's attempt: stops and limits do their work and are told elsewhere.
MEANT = frozenset(
    {"stopped_all", "stopped_model", "stopped_token", "token_rate", "token_quota", "policy_rate", "policy_quota",
     "limits_unavailable", "too_many_unknown_tokens"}
)  # fmt: skip

# Scraping, or copying a model by asking it: very many queries of one token in an hour, against its own usual hour. Studies
# of model extraction need thousands to millions of queries; ten times the usual leaves room for an ordinary busy day.
HOUR = timedelta(hours=1)
MANY_IN_AN_HOUR, TIMES_USUAL = 500, 10
LEARNT_AFTER = 3  # hours in which it was used; before, nothing is usual
WEIGHT = 0.1  # of the latest hour: about the last ten count


@dataclass
class Usual:
    """What is known of a token or a model: some numbers, however much it is asked."""

    hour: datetime | None = None  # the one that runs
    queries: int = 0  # in it
    usual: float = 0.0  # queries in an hour in which it is used
    hours: int = 0  # that this was learnt from
    slot: datetime | None = None  # the five minutes that run
    asked: int = 0  # in them
    denied: int = 0
    decisions: int = 0  # ever


@dataclass(frozen=True)
class Use:
    """What was decided in five minutes, about one token from one network, or about one model."""

    slot: datetime
    asked: int
    denied: int
    network: str = ""


@dataclass(frozen=True)
class Finding:
    """Something unusual. `count` is what was counted, `usual` what would have been."""

    kind: str
    at: datetime
    count: int
    usual: float = 0.0
    network: str = ""


def learn(known: Usual, seen: set[str], use: Use, *, of_token: bool) -> Iterator[Finding]:
    """Adds `use` to what is known, and gives what is unusual about it. `seen` are the networks of the token so far."""
    if of_token and use.network and use.network not in seen and len(seen) < ROAMS:
        if seen and known.decisions >= SETTLED_AFTER:
            yield Finding(NEW_NETWORK, use.slot, use.asked, network=use.network)
        seen.add(use.network)
    _turn(known, use.slot)
    known.decisions += use.asked
    known.queries += use.asked
    known.asked += use.asked
    known.denied += use.denied
    most = DENIED_OF_TOKEN if of_token else DENIED_OF_MODEL
    if use.denied and known.denied >= most and 2 * known.denied >= known.asked:
        yield Finding(DENIALS, use.slot, known.denied)
    is_much = known.queries >= max(MANY_IN_AN_HOUR, TIMES_USUAL * known.usual)
    if of_token and known.hours >= LEARNT_AFTER and is_much:
        yield Finding(SCRAPING, use.slot, known.queries, known.usual)


def _turn(known: Usual, slot: datetime) -> None:
    """A new hour closes the last one, which counts for what is usual from now on, but never as more than the most that is.

    Whoever asks more and more is told of before that has become usual. What comes late counts as of now.
    """
    hour = slot.replace(minute=0, second=0, microsecond=0)
    if known.hour is None or hour > known.hour:
        if known.queries:
            learnt = float(known.queries)
            if known.hours >= LEARNT_AFTER:
                learnt = min(learnt, max(MANY_IN_AN_HOUR, TIMES_USUAL * known.usual))
            weight = max(WEIGHT, 1 / (known.hours + 1))
            known.usual += weight * (learnt - known.usual)
            known.hours += 1
        known.hour, known.queries = hour, 0
    if known.slot is None or slot > known.slot:
        known.slot, known.asked, known.denied = slot, 0, 0
