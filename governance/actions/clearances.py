"""Recompute stored clearances in the transaction of whatever they depend on; suspend a version by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from django.db.models.functions import Now
from django.utils import timezone

from governance import clearance
from governance.clearance import OUTDATED
from governance.events import (
    ClearanceGranted,
    ClearanceLapsed,
    ReviewStale,
    SuspensionLifted,
    VersionSuspended,
)
from governance.models import Clearance, Review, ReviewCondition, RiskDecision, Suspension
from governance.models.reviews import with_authors
from governance.reviews import APPROVED_ONCE
from registry.errors import Conflict
from registry.events import Event, publish, publish_together
from registry.models import Environment, Manifest, RunInput, System, User, Version
from registry.permissions import require
from registry.verdict import Verdict
from registry.wording import required


@transaction.atomic
def recompute(*, versions: Iterable[Version], by: User) -> list[Clearance]:
    """Assess `versions` in every environment, store the answers, and tell of each one that flipped.

    An answer that did not change is not written again, so `assessed_at` says since when it stands as it stands. An
    approval that stood on something else becomes stale, after the assessment: the reason stays what has changed.
    """
    # Lock before looking: of two transactions that each change a fact, the later one sees what the earlier one did.
    keys = [version.pk for version in versions]
    locked = Version.objects.select_for_update(of=("self",), no_key=True).select_related("model")
    rows = list(locked.filter(pk__in=keys).order_by("pk"))
    facts = gather(rows)
    stored = {(row.version_id, row.environment): row for row in Clearance.objects.filter(version__in=rows)}
    answers, changed, flipped = [], [], []
    for version in rows:
        conditions = clearance.assess(facts[version.pk])
        for environment in Environment.values:
            before = stored.get((version.pk, environment))
            answer = _answer(version, environment, conditions, before)
            if before and _same(before, answer):
                answers.append(before)
                continue
            changed.append(answer)
            if answer.allowed != bool(before and before.allowed):
                flipped.append((answer, clearance.verdict(conditions)))
    stale = _outdate({pk: codes for pk, one in facts.items() if (codes := clearance.outdated(one))}, by)
    kept = Clearance.objects.bulk_create(
        changed,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["version", "environment"],
        update_fields=["allowed", "conditions", "assessed_at", "valid_until"],
    )
    publish_together(stale + [_told(answer, verdict, by) for answer, verdict in flipped])
    return [*answers, *kept]


def gather(versions: list[Version]) -> dict[int, clearance.Facts]:
    """The facts of each version by the database's clock, in eight queries for any number of versions."""
    ids = [version.pk for version in versions]
    rows = Version.objects.filter(pk__in=ids).select_related("card__head", "model").annotate(asked_at=Now())
    cards = {one.pk: one for one in rows}
    now = _bases(cards)
    suspended = dict(
        Suspension.objects.filter(version__in=ids, lifted_at=None).values_list("version_id", "reason")
    )
    latest, open_reviews = _reviews(ids)
    return {
        pk: clearance.Facts(
            now=now[pk],
            at=version.asked_at,  # type: ignore[attr-defined]
            card=version.card.head.digest if hasattr(version, "card") and version.card.head else "",
            in_review=pk in open_reviews,
            suspended_because=suspended.get(pk, ""),
            gone="model" if version.model.gone_at else "version" if version.gone_at else "",
            files_gone=version.files_gone_at is not None,
            moved=version.moved_at is not None,
            **_approval(latest.get(pk)),
        )
        for pk, version in cards.items()
    }


def _reviews(ids: list[int]) -> tuple[dict[int, Review], set[int]]:
    """By version: the card's review that was approved last, whatever became of it; and which have one under way."""
    pending = ReviewCondition.objects.filter(fulfilled_at=None).select_related("owner").order_by("due_at")
    wanted = Review.objects.filter(
        document__version__in=ids, state__in=[Review.State.IN_REVIEW, *APPROVED_ONCE]
    )
    found = wanted.select_related("document").prefetch_related(
        Prefetch("conditions", pending, to_attr="pending")
    )
    latest: dict[int, Review] = {}
    under_way: set[int] = set()
    for review in found.order_by("closed_at", "pk"):
        version_id = review.document.version_id or 0
        if review.state == Review.State.IN_REVIEW:
            under_way.add(version_id)
        else:
            latest[version_id] = review
    return latest, under_way


def _approval(review: Review | None) -> dict[str, Any]:
    """What the last approval adds to the facts; one that was taken away leaves its reason only."""
    if review is None:
        return {}
    if review.state == Review.State.RETIRED:
        return {"retired_because": review.retired_because}
    assert review.closed_at  # noqa: S101 - a constraint says so
    return {
        "approved": review.digest,
        "approved_basis": clearance.Basis.of(review.basis_facts),
        "approved_until": review.frozen_rule.ends_at(review.closed_at),
        "stale": tuple(review.stale_codes.split(", ")) if review.stale_codes else (),
        "pending": tuple(
            clearance.Pending(one.text, one.owner.get_username(), one.due_at)
            for one in review.pending  # type: ignore[attr-defined]
        ),
    }


def _outdate(codes: dict[int, tuple[str, ...]], by: User) -> list[Event]:
    """Mark the approvals of these versions' cards as stale; the events that tell of it."""
    if not codes:
        return []
    rows = Review.objects.filter(document__version__in=codes, state=Review.State.APPROVED)
    reviews = list(rows.with_subject().order_by("pk"))
    with_authors(reviews)  # who are told of it
    for review in reviews:
        review.state = Review.State.STALE
        review.stale_codes = ", ".join(codes[review.document.version_id or 0])
        review.ended_at = timezone.now()
        review.revision.document = review.document  # the same one, which its history need not ask for again
    Review.objects.bulk_update(reviews, ["state", "stale_codes", "ended_at"], batch_size=1_000)
    return [ReviewStale(review=one, codes=one.stale_codes, by=by) for one in reviews]


@transaction.atomic
def suspend(*, version: Version, reason: str, by: User) -> Suspension:
    """Stop `version` everywhere within a second."""
    require(by, "governance.suspend_version", on=version)
    said = required(reason, field="reason", missing="Say why the version is stopped.", longest=500)
    try:
        with transaction.atomic():
            suspension = Suspension.objects.create(version=version, reason=said, by=by)
    except IntegrityError as error:
        raise Conflict(f"{version} is suspended already.") from error
    publish(VersionSuspended(version=version, reason=suspension.reason, by=by))
    recompute(versions=[version], by=by)
    return suspension


@transaction.atomic
def lift(*, version: Version, reason: str, by: User) -> Version:
    """End the suspension of `version`. The other conditions decide whether it serves again."""
    require(by, "governance.suspend_version", on=version)
    said = required(reason, field="reason", missing="Say why the version may serve again.", longest=500)
    changed = Suspension.objects.filter(version=version, lifted_at=None).update(
        lifted_by=by, lifted_at=timezone.now()
    )
    if not changed:
        raise Conflict(f"{version} is not suspended.")
    publish(SuspensionLifted(version=version, reason=said, by=by))
    recompute(versions=[version], by=by)
    return version


def basis_of(version: Version) -> clearance.Basis:
    """What a review of this version's card would stand on now."""
    return _bases({version.pk: version})[version.pk]


def _bases(versions: dict[int, Version]) -> dict[int, clearance.Basis]:
    ids = list(versions)
    manifests = Manifest.objects.filter(version__in=ids).order_by("taken_at", "pk")
    artifacts: dict[int, str] = dict(manifests.values_list("version", "digest"))  # the latest wins
    datasheets: dict[int, dict[str, str]] = defaultdict(dict)
    used = RunInput.objects.filter(run__versions__in=ids, context=RunInput.Context.TRAINING)
    columns = ("run__versions", "snapshot__dataset__slug", "snapshot__dataset__datasheet__head__digest")
    for pk, slug, digest in used.values_list(*columns):
        datasheets[pk][slug] = digest or ""
    decisions = RiskDecision.objects.filter(system__models__versions__in=ids).order_by("decided_at", "pk")
    decided = {
        row[0]: row[1:] for row in decisions.values_list("system", "risk_class", "decided_at")
    }  # latest
    classes: dict[int, dict[str, str]] = defaultdict(dict)
    systems = System.objects.filter(models__versions__in=ids, retired_at=None)
    for model, pk, slug, redefined_at in systems.values_list("models", "pk", "slug", "redefined_at"):
        risk_class, decided_at = decided.get(pk, ("", None))
        outdated = decided_at and redefined_at and redefined_at > decided_at
        # A prohibited practice stays one, whatever was written since.
        classes[model][slug] = OUTDATED if outdated and risk_class != "prohibited" else risk_class
    return {
        pk: clearance.Basis(artifacts.get(pk, ""), datasheets[pk], classes[version.model_id])
        for pk, version in versions.items()
    }


def _answer(
    version: Version,
    environment: str,
    conditions: tuple[clearance.Condition, ...],
    before: Clearance | None,
) -> Clearance:
    """The answer; each condition says since when it stands as it stands."""
    now = timezone.now()
    old = {one["code"]: one for one in before.conditions} if before else {}
    told = []
    for condition in conditions:
        one = condition.as_json()
        was = old.get(condition.code)
        same = was is not None and (was["met"], was["reason"]) == (one["met"], one["reason"])
        since = (
            (was.get("since") or before.assessed_at.isoformat())
            if same and was and before
            else now.isoformat()
        )
        told.append(one | {"since": since})
    allowed = clearance.verdict(conditions).allowed
    return Clearance(
        version=version,
        environment=environment,
        allowed=allowed,
        conditions=told,
        assessed_at=now,
        valid_until=clearance.valid_until(conditions) if allowed else None,
    )


def _same(before: Clearance, answer: Clearance) -> bool:
    return (before.allowed, before.conditions, before.valid_until) == (
        answer.allowed,
        answer.conditions,
        answer.valid_until,
    )


def _told(answer: Clearance, verdict: Verdict, by: User) -> Event:
    if answer.allowed:
        return ClearanceGranted(version=answer.version, environment=answer.environment, by=by)
    codes = ", ".join(reason.code for reason in verdict.reasons)
    return ClearanceLapsed(version=answer.version, environment=answer.environment, codes=codes, by=by)
