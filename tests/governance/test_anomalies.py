"""What is unusual at the gate: the rules as a truth table, and found in real decisions, once each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from governance import tasks
from governance.actions import anomalies as verbs
from governance.anomalies import (
    DENIALS,
    DENIED_OF_MODEL,
    DENIED_OF_TOKEN,
    MANY_IN_AN_HOUR,
    NEW_NETWORK,
    ROAMS,
    SCRAPING,
    SETTLED_AFTER,
    SLOT,
    Use,
    Usual,
    learn,
)
from governance.models import Anomaly, Batch, Decision, Habit, LookedUntil, Notice, SeenNetwork, Token
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, User
from tests import factories

AsUser = Callable[[User], Client]
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOME, AWAY = "192.0.2.0/24", "198.51.100.0/24"


def told(known: Usual, *uses: Use, seen: set[str] | None = None, of_token: bool = True) -> list[str]:
    """The kinds of what is found in these uses, in their order."""
    found = set() if seen is None else seen
    return [one.kind for use in uses for one in learn(known, found, use, of_token=of_token)]


def settled(**more: Any) -> Usual:
    """Used for days: a hundred queries in an hour are usual."""
    return Usual(**{"usual": 100.0, "hours": 50, "decisions": 5_000} | more)


def use(asked: int = 1, denied: int = 0, *, after: timedelta = timedelta(), network: str = "") -> Use:
    return Use(NOON + after, asked, denied, network)


@pytest.mark.parametrize(
    ("known", "seen", "network", "expected"),
    [
        (settled(), {HOME}, AWAY, [NEW_NETWORK]),
        (settled(), {HOME}, HOME, []),
        (settled(), {HOME}, "", []),  # nobody knows from where
        (settled(), set(), AWAY, []),  # its first network is none to compare with
        (Usual(decisions=SETTLED_AFTER - 1), {HOME}, AWAY, []),  # too young to have a usual one
        (Usual(decisions=SETTLED_AFTER), {HOME}, AWAY, [NEW_NETWORK]),
        (settled(), {f"10.0.{n}.0/24" for n in range(ROAMS)}, AWAY, []),  # at home everywhere
        (settled(), {f"10.0.{n}.0/24" for n in range(ROAMS - 1)}, AWAY, [NEW_NETWORK]),
    ],
)
def test_a_new_network(known: Usual, seen: set[str], network: str, expected: list[str]) -> None:
    assert told(known, use(network=network), use(network=network), seen=seen) == expected, "told once"


@pytest.mark.parametrize(
    ("of_token", "asked", "denied", "expected"),
    [
        (True, DENIED_OF_TOKEN, DENIED_OF_TOKEN, [DENIALS]),
        (True, DENIED_OF_TOKEN - 1, DENIED_OF_TOKEN - 1, []),
        (True, 2 * DENIED_OF_TOKEN, DENIED_OF_TOKEN, [DENIALS]),
        (True, 2 * DENIED_OF_TOKEN + 1, DENIED_OF_TOKEN, []),  # less than half: its ordinary share
        (False, DENIED_OF_TOKEN, DENIED_OF_TOKEN, []),
        (False, DENIED_OF_MODEL, DENIED_OF_MODEL, [DENIALS]),
    ],
)
def test_a_burst_of_denials(of_token: bool, asked: int, denied: int, expected: list[str]) -> None:
    assert told(Usual(), use(asked, denied), of_token=of_token) == expected


def test_denials_count_within_five_minutes_and_not_beyond() -> None:
    half = DENIED_OF_TOKEN // 2

    assert told(Usual(), use(half, half), use(half, half)) == [DENIALS]
    assert told(Usual(), use(half, half), use(half, half, after=SLOT)) == []


@pytest.mark.parametrize(
    ("known", "asked", "expected"),
    [
        (settled(), 1_000, [SCRAPING]),
        (settled(), 999, []),
        (settled(usual=3.0), MANY_IN_AN_HOUR, [SCRAPING]),
        (settled(usual=3.0), MANY_IN_AN_HOUR - 1, []),  # ten times three is not much
        (settled(usual=10_000.0), 90_000, []),  # busy, and always was
        (Usual(hours=2, usual=1.0), 100_000, []),  # nothing is usual yet
        (Usual(hours=3, usual=1.0), 100_000, [SCRAPING]),
    ],
)
def test_far_more_queries_than_usual(known: Usual, asked: int, expected: list[str]) -> None:
    assert told(known, use(asked)) == expected
    assert told(settled(), use(asked), of_token=False) == [], "a model that becomes popular is none"


def test_what_is_usual_is_learnt_and_the_running_hour_is_no_part_of_it() -> None:
    known = Usual()
    for hour in range(30):
        told(known, use(100, after=hour * timedelta(hours=1)))
    assert (round(known.usual), known.hours, known.queries) == (100, 29, 100)

    assert told(known, use(950, after=timedelta(hours=29, minutes=10))) == [SCRAPING]


def test_whoever_asks_more_and_more_does_not_make_it_usual_at_once() -> None:
    known = settled()
    told(known, use(1_000_000))
    told(known, use(1, after=timedelta(hours=1)))

    assert known.usual < 200


def test_what_comes_late_loses_nothing() -> None:
    known = settled()
    told(known, use(10, after=SLOT), use(5))

    assert (known.slot, known.asked, known.queries) == (NOON + SLOT, 15, 15)


NOW = timedelta()


@pytest.fixture
def token(db: None, monkeypatch: pytest.MonkeyPatch) -> Token:
    """One that reaches an approved model. Nobody waits here for what may still be on its way to the disk."""
    monkeypatch.setattr(verbs, "LATE", NOW)
    made = factories.token(factories.approved_version().model)[0]
    LookedUntil.objects.create(at=timezone.now() - timedelta(days=30))
    return made


def decided(token: Token | None, number: int = 1, *, ago: timedelta = timedelta(minutes=1), network: str = "192.0.2.7",
            reason: str = "allowed", model: str = "") -> None:  # fmt: skip
    """So many answers of the gate, as its journal writes them."""
    at, allowed = timezone.now() - ago, reason == "allowed"
    batch = Batch.objects.create(
        writer="gate", count=number, allowed=number * allowed, root="0" * 64, written_at=at
    )
    slug = model or (token.models.get().slug if token else "")
    Decision.objects.bulk_create(
        Decision(
            id=uuid.uuid4(), batch=batch, decided_at=at, allowed=allowed, reason=reason, environment="production",
            model=slug, action="predict", caller="owner" if token else "", token=str(token.pk) if token else "",
            method="POST", door="check", network=network, digest="0" * 64,
        )
        for _ in range(number)
    )  # fmt: skip


def found() -> list[tuple[str, str, int]]:
    return [(one.kind, one.network, one.count) for one in Anomaly.objects.order_by("pk")]


def test_a_token_from_a_network_it_never_came_from(token: Token) -> None:
    for role in ("compliance", "auditor"):
        factories.member(role)
    decided(token, SETTLED_AFTER, ago=timedelta(hours=3))
    assert tasks.look_for_anomalies() == SETTLED_AFTER
    assert found() == []

    decided(token, 3, network="198.51.100.9", ago=NOW)
    assert tasks.look_for_anomalies() == 3

    assert found() == [(NEW_NETWORK, AWAY, 3)]
    assert set(SeenNetwork.objects.values_list("network", flat=True)) == {HOME, AWAY}
    one = Anomaly.objects.get()
    assert one.token == token
    assert set(Notice.objects.filter(kind="anomaly.seen").values_list("person__username", flat=True)) == {
        "owner", "compliance", "admin",
    }  # fmt: skip
    assert Entry.objects.get(kind="anomaly.seen").subjects[0] == f"governance.anomaly:{one.pk}"
    assert AWAY in one.what


def test_a_burst_of_denials_of_a_token_and_of_its_model(token: Token) -> None:
    decided(token, DENIED_OF_MODEL, reason="policy_denies")
    tasks.look_for_anomalies()

    assert found() == [(DENIALS, "", DENIED_OF_MODEL)] * 2
    assert {(one.token, one.model) for one in Anomaly.objects.all()} == {
        (token, None),
        (None, token.models.get()),
    }


def test_strangers_at_a_models_door_count_for_the_model(token: Token) -> None:
    decided(None, DENIED_OF_MODEL, reason="token_unknown", model=token.models.get().slug)
    decided(None, 500, reason="token_unknown", model="there-is-none")
    tasks.look_for_anomalies()

    assert [one.model for one in Anomaly.objects.all()] == [token.models.get()]
    assert Habit.objects.count() == 1, "no row for a model that nobody has"


@pytest.mark.parametrize("reason", ["stopped_model", "token_rate", "policy_quota"])
def test_refusals_that_somebody_meant_are_none(token: Token, reason: str) -> None:
    decided(token, 2 * DENIED_OF_MODEL, reason=reason)
    tasks.look_for_anomalies()

    assert found() == []


def test_scraping_against_what_is_usual(token: Token) -> None:
    for hour in range(2, 8):
        decided(token, 10, ago=hour * timedelta(hours=1))
    tasks.look_for_anomalies()
    decided(token, MANY_IN_AN_HOUR, ago=NOW)
    tasks.look_for_anomalies()

    one = Anomaly.objects.get()
    assert (one.kind, round(one.usual)) == (SCRAPING, 10)
    assert "about 10 are usual" in one.what


def test_each_decision_counts_once_and_what_is_on_its_way_waits(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "LATE", timedelta(seconds=10))
    decided(token, 5)
    decided(token, 7, ago=timedelta(seconds=1))

    assert [tasks.look_for_anomalies() for _ in range(2)] == [5, 0]
    assert Habit.objects.get(token=token).decisions == 5


def test_a_round_is_bounded_and_the_next_goes_on(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "MOST", 4)
    for minute in range(10):
        decided(token, ago=timedelta(minutes=20 - minute))

    assert verbs.look(by=User.machine()) == 5
    assert verbs.look(by=User.machine()) == 5
    assert Habit.objects.get(token=token).decisions == 10


def test_the_same_again_adds_to_what_is_open_and_tells_nobody_again(token: Token) -> None:
    decided(token, DENIED_OF_TOKEN, reason="policy_denies")
    tasks.look_for_anomalies()
    decided(token, DENIED_OF_TOKEN, reason="policy_denies", ago=NOW)
    tasks.look_for_anomalies()

    assert Anomaly.objects.count() == 1
    assert Anomaly.objects.get().last_at >= Anomaly.objects.get().first_at
    assert Habit.objects.get(token=token).decisions == 2 * DENIED_OF_TOKEN
    assert Entry.objects.filter(kind="anomaly.seen").count() == 1


def test_what_was_dismissed_is_not_told_again_until_it_happens_again(token: Token) -> None:
    decided(token, DENIED_OF_TOKEN, reason="policy_denies")
    tasks.look_for_anomalies()
    verbs.dismiss(anomaly=Anomaly.objects.get(), reason="A wrong setting.", by=factories.member("owner"))
    decided(token, DENIED_OF_TOKEN, reason="policy_denies", ago=NOW)
    tasks.look_for_anomalies()
    assert Anomaly.objects.count() == 1, "of the same five minutes"


@pytest.mark.parametrize("role", ["owner", "compliance", "admin"])
def test_who_may_dismiss(token: Token, role: str) -> None:
    one = factories.anomaly(token)
    verbs.dismiss(anomaly=one, reason="It moved.", by=factories.member(role))

    assert Entry.objects.get(kind="anomaly.dismissed").actor == role
    with pytest.raises(Conflict):
        verbs.dismiss(anomaly=one, reason="It moved.", by=factories.member(role))


@pytest.mark.parametrize(("role", "error"), [("auditor", Refused), ("reviewer", Missing)])
def test_who_may_not_dismiss(token: Token, role: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        verbs.dismiss(anomaly=factories.anomaly(token), reason="It moved.", by=factories.member(role))


def test_a_reason_is_needed(token: Token) -> None:
    with pytest.raises(Invalid):
        verbs.dismiss(anomaly=factories.anomaly(token), reason=" ", by=factories.member("owner"))


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM governance_anomaly",
        "UPDATE governance_anomaly SET network = '10.0.0.0/24'",
        "UPDATE governance_anomaly SET count = count - 1",
        "UPDATE governance_anomaly SET dismissed_at = now(), dismissed_because = 'x'",
        (
            "INSERT INTO governance_anomaly (kind, token_id, network, count, usual, first_at, last_at, seen_at, dismissed_because)"
            " SELECT kind, token_id, network, 1, 0, now(), now(), now(), '' FROM governance_anomaly"
        ),
        (
            "INSERT INTO governance_anomaly (kind, network, count, usual, first_at, last_at, seen_at, dismissed_because)"
            " SELECT kind, network, 1, 0, now(), now(), now(), '' FROM governance_anomaly"
        ),
    ],
)
def test_the_database_refuses_what_must_not_happen(token: Token, deed: str) -> None:
    factories.anomaly(token)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed)


def test_the_pages_tell_and_dismiss(token: Token, as_user: AsUser, outsider: User) -> None:
    one, of_model = factories.anomaly(token), factories.anomaly(token.models.get())
    owner = as_user(factories.member("owner"))
    model: Model = token.models.get()

    assert "Unusual at the gate" in owner.get(f"/tokens/{token.pk}/").content.decode()
    assert "100 queries to the model" in owner.get(f"/models/{model.slug}/").content.decode()
    assert one.what not in as_user(outsider).get("/anomalies/").content.decode()
    page = owner.post(f"/anomalies/{one.pk}/dismiss/", {"reason": "It moved."}, follow=True).content.decode()

    assert "It moved." in page
    assert of_model.what in page
    assert "Unusual at the gate" not in owner.get(f"/tokens/{token.pk}/").content.decode()
    listed = owner.get("/api/v1/anomalies/?state=open").json()["results"]
    assert [(row["kind"], row["model"]) for row in listed] == [("denials", model.slug)]
