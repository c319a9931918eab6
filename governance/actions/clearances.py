"""Recompute stored clearances in the transaction of whatever they depend on; suspend a version by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import clearance
from governance.clearance import OUTDATED
from governance.events import ClearanceGranted, ClearanceLapsed, SuspensionLifted, VersionSuspended
from governance.models import Clearance, Review, RiskDecision, Suspension
from registry.errors import Conflict
from registry.events import Event, publish, publish_together
from registry.models import Environment, Manifest, RunInput, System, User, Version
from registry.permissions import require
from registry.verdict import Verdict
from registry.wording import required


@transaction.atomic
def recompute(*, versions: Iterable[Version], by: User) -> list[Clearance]:
    """Assess `versions` in every environment, store the answers, and tell of each one that flipped.

    An answer that did not change is not written again, so `assessed_at` says since when it stands as it stands.
    """
    # Lock before looking: of two transactions that each change a fact, the later one sees what the earlier one did.
    keys = [version.pk for version in versions]
    rows = list(Version.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))
    facts = gather(rows)
    stored = {(row.version_id, row.environment): row for row in Clearance.objects.filter(version__in=rows)}
    answers, changed, flipped = [], [], []
    for version in rows:
        conditions = clearance.assess(facts[version.pk])
        for environment in Environment.values:
            before = stored.get((version.pk, environment))
            answer = _answer(version, environment, conditions)
            if before and (before.allowed, before.conditions) == (answer.allowed, answer.conditions):
                answers.append(before)
                continue
            changed.append(answer)
            if answer.allowed != bool(before and before.allowed):
                flipped.append((answer, clearance.verdict(conditions)))
    kept = Clearance.objects.bulk_create(
        changed,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["version", "environment"],
        update_fields=["allowed", "conditions", "assessed_at"],
    )
    publish_together([_told(answer, verdict, by) for answer, verdict in flipped])
    return [*answers, *kept]


def gather(versions: list[Version]) -> dict[int, clearance.Facts]:
    """The facts of each version, in seven queries for any number of versions."""
    ids = [version.pk for version in versions]
    cards = {v.pk: v for v in Version.objects.filter(pk__in=ids).select_related("card__head", "model")}
    now = _bases(cards)
    suspended = dict(
        Suspension.objects.filter(version__in=ids, lifted_at=None).values_list("version_id", "reason")
    )
    approved: dict[int, Review] = {}
    open_reviews: set[int] = set()
    reviews = (
        Review.objects.filter(document__version__in=ids)
        .select_related("document")
        .order_by("submitted_at", "pk")
    )
    for review in reviews:
        version_id = review.document.version_id or 0
        if review.state == Review.State.APPROVED:
            approved[version_id] = review
        elif review.state == Review.State.IN_REVIEW:
            open_reviews.add(version_id)
    found = {}
    for pk, version in cards.items():
        head = version.card.head if hasattr(version, "card") else None
        judged = approved.get(pk)
        found[pk] = clearance.Facts(
            now=now[pk],
            card=head.digest if head else "",
            in_review=pk in open_reviews,
            approved=judged.digest if judged else "",
            approved_basis=clearance.Basis.of(judged.basis_facts) if judged else None,
            suspended_because=suspended.get(pk, ""),
            gone="model" if version.model.gone_at else "version" if version.gone_at else "",
            files_gone=version.files_gone_at is not None,
            moved=version.moved_at is not None,
        )
    return found


@transaction.atomic
def suspend(*, version: Version, reason: str, by: User) -> Suspension:
    """Stop `version` everywhere with the next query."""
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


def _answer(version: Version, environment: str, conditions: tuple[clearance.Condition, ...]) -> Clearance:
    return Clearance(
        version=version,
        environment=environment,
        allowed=clearance.verdict(conditions).allowed,
        conditions=[condition.as_json() for condition in conditions],
        assessed_at=timezone.now(),
    )


def _told(answer: Clearance, verdict: Verdict, by: User) -> Event:
    if answer.allowed:
        return ClearanceGranted(version=answer.version, environment=answer.environment, by=by)
    codes = ", ".join(reason.code for reason in verdict.reasons)
    return ClearanceLapsed(version=answer.version, environment=answer.environment, codes=codes, by=by)
