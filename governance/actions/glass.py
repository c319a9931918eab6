"""Breaking the glass: one person asks, another grants, and it ends by itself within the hour."""

from __future__ import annotations

from datetime import UTC, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.actions.clearances import gather
from governance.events import BreakGlassAsked, BreakGlassEnded, BreakGlassGranted
from governance.models import BreakGlass
from governance.models.break_glass import LONGEST
from registry.errors import Conflict, Invalid, Refused
from registry.events import publish
from registry.models import Environment, User, Version
from registry.permissions import require
from registry.verdict import denied
from registry.wording import required

ASK, GRANT = "governance.ask_break_glass", "governance.break_glass"


@transaction.atomic
def ask(*, version: Version, environment: str, minutes: int, reason: str, by: User) -> BreakGlass:
    """Ask that `version` may answer in `environment` for some minutes although it is not cleared. Nothing opens yet."""
    require(by, ASK, on=version)
    said = required(reason, field="reason", missing="Say what is at stake.", longest=1_000)
    if environment not in Environment.values:
        raise Invalid(fields={"environment": [f"Choose one of {', '.join(Environment.values)}."]})
    if not 1 <= minutes <= LONGEST:
        raise Invalid(fields={"minutes": [f"Choose 1 to {LONGEST} minutes."]})
    _refuse_prohibited(version, ASK)
    for over in BreakGlass.objects.filter(version=version, environment=environment, ended_at=None):
        if _is_over(over):
            _end(over, by, by_time=True)
    try:
        with transaction.atomic():
            glass = BreakGlass.objects.create(
                version=version, environment=environment, minutes=minutes, reason=said, asked_by=by
            )
    except IntegrityError as error:
        raise Conflict(f"The glass for {version} in {environment} is asked for or broken already.") from error
    publish(
        BreakGlassAsked(
            glass=glass, version=version, environment=environment, minutes=minutes, reason=said, by=by
        )
    )
    return glass


@transaction.atomic
def grant(*, glass: BreakGlass, by: User) -> BreakGlass:
    """Let the gate pass queries to the version, from the next one on and for the minutes that were asked for.

    Refused to whoever asked: two people take it upon themselves.
    """
    require(by, GRANT, on=glass.version)
    locked = _lock(glass)
    if locked.asked_by_id == by.pk or by.kind != User.Kind.PERSON:
        verdict = denied("glass_two_people", "You asked for this yourself.", "Somebody else has to grant it.")
        raise Refused(verdict, action=GRANT, subject=locked.version)
    if locked.granted_at or locked.ended_at or _is_over(locked):
        raise Conflict("This waits no longer: it was granted, has ended, or was asked more than an hour ago.")
    _refuse_prohibited(locked.version, GRANT)
    locked.granted_by, locked.granted_at = by, timezone.now()
    locked.ends_at = locked.granted_at + timedelta(minutes=locked.minutes)
    locked.save(update_fields=["granted_by", "granted_at", "ends_at"])
    locked.refresh_from_db(fields=["granted_at", "ends_at"])  # by the database's clock
    publish(
        BreakGlassGranted(
            glass=locked,
            version=locked.version,
            environment=locked.environment,
            asked_by=locked.asked_by.get_username(),
            reason=locked.reason,
            ends_at=locked.ends_at.astimezone(UTC).isoformat(),
            by=by,
        )
    )
    return locked


@transaction.atomic
def end(*, glass: BreakGlass, by: User) -> BreakGlass:
    """End it before its time, or turn down what was asked. Whoever asked may, and whoever may grant."""
    if glass.asked_by_id != by.pk:
        require(by, GRANT, on=glass.version)
    locked = _lock(glass)
    if locked.ended_at:
        raise Conflict("This has ended already.")
    _end(locked, by, by_time=_is_over(locked))
    return locked


@transaction.atomic
def sweep(*, by: User) -> int:
    """Record the end of what time has ended. The gate did not wait for this."""
    hour_ago = timezone.now() - timedelta(minutes=LONGEST)
    rows = BreakGlass.objects.select_for_update(of=("self",), skip_locked=True).select_related(
        "version__model"
    )
    open_rows = rows.filter(ended_at=None)
    over = open_rows.filter(ends_at__lte=timezone.now()) | open_rows.filter(
        granted_at=None, asked_at__lte=hour_ago
    )
    found = list(over.order_by("pk")[:500])
    for glass in found:
        _end(glass, by, by_time=True)
    return len(found)


def _lock(glass: BreakGlass) -> BreakGlass:
    rows = BreakGlass.objects.select_for_update(of=("self",)).select_related("version__model", "asked_by")
    return rows.get(pk=glass.pk)


def _is_over(glass: BreakGlass) -> bool:
    return (glass.ends_at or glass.asked_at + timedelta(minutes=LONGEST)) <= timezone.now()


def _end(glass: BreakGlass, by: User, *, by_time: bool) -> None:
    glass.ended_by, glass.ended_at = by, timezone.now()
    glass.save(update_fields=["ended_by", "ended_at"])
    glass.refresh_from_db(fields=["ended_at"])
    publish(
        BreakGlassEnded(
            glass=glass,
            version=glass.version,
            environment=glass.environment,
            unused=glass.granted_at is None,
            by_time=by_time,
            by=by,
        )
    )


def _refuse_prohibited(version: Version, action: str) -> None:
    """Art. 5: what is prohibited is not done in an emergency either. The gate holds the same."""
    if "prohibited" in gather([version])[version.pk].now.risk_classes.values():
        verdict = denied(
            "risk_prohibited",
            "A system that uses this model is a prohibited practice.",
            "Take it out of service; nothing overrides this.",
        )
        raise Refused(verdict, action=action, subject=version)
