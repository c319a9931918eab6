"""Look through what the gate has decided for what is unusual; dismiss what was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from governance import anomalies
from governance.anomalies import Finding, Use, Usual
from governance.events import AnomalyDismissed, AnomalySeen
from governance.models import Anomaly, Habit, LookedUntil, SeenNetwork, Token
from governance.permissions import STOP_MODEL, may_dismiss
from governance.policies import aggregated
from registry.errors import Conflict, Missing, Refused
from registry.events import publish, publish_together
from registry.models import Model, User
from registry.wording import required

MOST = 50_000  # decisions at once
LATE = timedelta(
    seconds=10
)  # a decision is on disk within the patience of its journal, two seconds, and a clock's error
AT_FIRST = timedelta(hours=1)  # so far back looks whoever looks for the first time
UNTIL = """
SELECT least(%(now)s, coalesce((SELECT decided_at FROM governance_decision WHERE decided_at > %(since)s
                                ORDER BY decided_at LIMIT 1 OFFSET %(most)s), %(now)s))
"""
DECIDED = """
SELECT token, model, network, date_bin('5 minutes', decided_at, '2001-01-01+00'), count(*),
       count(*) FILTER (WHERE NOT allowed AND reason <> ALL(%(meant)s))
FROM governance_decision WHERE decided_at > %(since)s AND decided_at <= %(until)s GROUP BY 1, 2, 3, 4 ORDER BY 4
"""
Key = UUID | str  # of a token; the slug of a model
Uses = Mapping[Key, list[Use]]


@transaction.atomic
def look(*, by: User) -> int | None:
    """Look through the next decisions, 50 000 at most, and tell of what is unusual; returns how many were counted.

    None when somebody else is looking now. What is seen again while it is open only adds to it.
    """
    LookedUntil.objects.get_or_create(pk=1, defaults={"at": timezone.now() - AT_FIRST})
    mark = LookedUntil.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if mark is None:
        return None
    until = _until(mark.at)
    if until <= mark.at:
        return 0
    of_tokens, of_models = _decided(mark.at, until)
    _learn_tokens(of_tokens, by)
    _learn_models(of_models, by)
    LookedUntil.objects.filter(pk=1).update(at=until)
    return sum(use.asked for uses in of_models.values() for use in uses)


@transaction.atomic
def dismiss(*, anomaly: Anomaly, reason: str, by: User) -> Anomaly:
    """Say why something unusual is nothing to act on. Of a token whoever may revoke it, of a model whoever may stop it."""
    if not Anomaly.objects.visible_to(by).filter(pk=anomaly.pk).exists():
        raise Missing("There is no such anomaly, or it is about nothing that you see.")
    if not (verdict := may_dismiss(by, anomaly)):
        raise Refused(verdict, action=STOP_MODEL, subject=anomaly.target)
    said = required(reason, field="reason", missing="Say why it is nothing to act on.", longest=500)
    rows = Anomaly.objects.open().filter(pk=anomaly.pk)
    if not rows.update(dismissed_by=by, dismissed_at=timezone.now(), dismissed_because=said):
        raise Conflict("This is dismissed already.")
    anomaly.refresh_from_db()
    publish(AnomalyDismissed(anomaly=anomaly, what=anomaly.what, reason=said, by=by))
    return anomaly


def _until(since: datetime) -> datetime:
    """Up to when to look now: not to the very end, for a decision may be on its way to the disk."""
    with connection.cursor() as cursor:
        cursor.execute(UNTIL, {"since": since, "now": timezone.now() - LATE, "most": MOST})
        (until,) = cursor.fetchone()
    return until  # type: ignore[no-any-return]


def _decided(since: datetime, until: datetime) -> tuple[Uses, Uses]:
    """What was decided about each token, and about each model, in the order of time."""
    of_tokens: dict[Key, list[Use]] = defaultdict(list)
    of_models: dict[Key, list[Use]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(DECIDED, {"since": since, "until": until, "meant": sorted(anomalies.MEANT)})
        for token, model, network, slot, asked, denied in cursor.fetchall():
            if token:
                of_tokens[UUID(token)].append(Use(slot, asked, denied, aggregated(network)))
            of_models[model].append(Use(slot, asked, denied))
    return of_tokens, of_models


def _learn_tokens(uses: Uses, by: User) -> None:
    rows = Token.objects.filter(pk__in=uses).select_related("owner__service__sponsor", "issued_by", "habit")
    tokens = {one.pk: one for one in rows.prefetch_related("models")}
    seen: dict[Any, set[str]] = defaultdict(set)
    for pk, network in SeenNetwork.objects.filter(token__in=tokens).values_list("token", "network"):
        seen[pk].add(network)
    before = {key: set(networks) for key, networks in seen.items()}
    habits, found, fresh = [], [], []
    for key, token in tokens.items():
        habit, told = _learnt(getattr(token, "habit", None) or Habit(token=token), seen[key], uses[key])
        habits.append(habit)
        found += [_anomaly(finding, token=token) for finding in told]
        first = uses[key][0].slot
        fresh += [
            SeenNetwork(token=token, network=one, first_at=first)
            for one in seen[key] - before.get(key, set())
        ]
    SeenNetwork.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1_000)
    _keep(habits)
    _tell(found, by)


def _learn_models(uses: Uses, by: User) -> None:
    habits, found = [], []
    for model in Model.objects.filter(slug__in=uses).select_related("habit"):
        habit, told = _learnt(getattr(model, "habit", None) or Habit(model=model), set(), uses[model.slug])
        habits.append(habit)
        found += [_anomaly(finding, model=model) for finding in told]
    _keep(habits)
    _tell(found, by)


def _learnt(habit: Habit, seen: set[str], uses: Iterable[Use]) -> tuple[Habit, list[Finding]]:
    known = Usual(**{name: getattr(habit, name) for name in Usual.__dataclass_fields__})
    of_token = habit.token_id is not None
    found = [finding for use in uses for finding in anomalies.learn(known, seen, use, of_token=of_token)]
    for name, value in asdict(known).items():
        setattr(habit, name, value)
    return habit, found


def _keep(habits: list[Habit]) -> None:
    columns = [*Usual.__dataclass_fields__]
    Habit.objects.bulk_create([one for one in habits if not one.pk], batch_size=1_000)
    Habit.objects.bulk_update([one for one in habits if one.pk], columns, batch_size=1_000)


def _anomaly(finding: Finding, *, token: Token | None = None, model: Model | None = None) -> Anomaly:
    return Anomaly(
        kind=finding.kind, token=token, model=model, network=finding.network, count=finding.count,
        usual=finding.usual, first_at=finding.at, last_at=finding.at,
    )  # fmt: skip


def _tell(found: list[Anomaly], by: User) -> None:
    """Each once: the same again adds to what is open, and says nothing of what somebody dismissed while it went on."""
    if not found:
        return
    kept: dict[tuple[Any, ...], Anomaly] = {}
    keys = (
        {"token__in": {one.token_id for one in found}}
        if found[0].token_id
        else {"model__in": {one.model_id for one in found}}
    )
    for one in Anomaly.objects.filter(**keys).order_by("pk").select_for_update():
        kept[_key(one)] = one  # the latest of each
    new = []
    for one in found:
        there = kept.get(_key(one))
        if there is None or (
            there.dismissed_at and one.kind != Anomaly.Kind.NEW_NETWORK and one.last_at > there.dismissed_at
        ):
            one.save()
            kept[_key(one)] = one
            new.append(one)
        elif there.dismissed_at is None:
            there.count, there.last_at = max(there.count, one.count), max(there.last_at, one.last_at)
            there.save(update_fields=["count", "last_at"])
    publish_together([AnomalySeen(anomaly=one, what=one.what, by=by) for one in new])


def _key(one: Anomaly) -> tuple[Any, ...]:
    return one.kind, one.token_id, one.model_id, one.network
