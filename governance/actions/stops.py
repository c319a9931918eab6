"""Stop all queries, those to one model or those with one token, at once; and lift that."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.events import StopLifted, StopMade
from governance.models import Stop, Token
from governance.permissions import LIFT_STOP, STOP_ALL, STOP_MODEL, may_end_token, may_lift
from registry.errors import Conflict, Missing, Refused
from registry.events import publish
from registry.models import Model, User
from registry.permissions import require
from registry.wording import required

LONGEST = 500


@transaction.atomic
def stop_all(*, reason: str, by: User) -> Stop:
    """Stop every query to every model, from the next one on. Compliance and administrators."""
    require(by, STOP_ALL)
    return _made(Stop(reach=Stop.Reach.ALL), reason, by)


@transaction.atomic
def stop_model(*, model: Model, reason: str, by: User) -> Stop:
    """Stop every query to `model`, all its versions in every environment. Its owners, compliance and administrators."""
    require(by, STOP_MODEL, on=model)
    return _made(Stop(reach=Stop.Reach.MODEL, model=model), reason, by)


@transaction.atomic
def stop_token(*, token: Token, reason: str, by: User) -> Stop:
    """Stop every query with `token`, and its use in the portal. Whoever may revoke it; unlike that, it can be lifted."""
    if not Token.objects.visible_to(by).filter(pk=token.pk).exists():
        raise Missing("There is no such token, or it is not yours.")
    if not (verdict := may_end_token(by, token)):
        raise Refused(verdict, action="governance.revoke_token", subject=token)
    if token.state in ("revoked", "expired"):
        raise Conflict(f"This token is {token.state} already.")
    return _made(Stop(reach=Stop.Reach.TOKEN, token=token), reason, by)


@transaction.atomic
def lift(*, stop: Stop, reason: str, by: User) -> Stop:
    """Let policy and clearance decide again. Whoever made the stop and still may, or who lifts those of others."""
    if not Stop.objects.visible_to(by).filter(pk=stop.pk).exists():
        raise Missing("There is no such stop, or it is not about anything that you see.")
    if not (verdict := may_lift(by, stop)):
        raise Refused(verdict, action=LIFT_STOP, subject=stop.target)
    said = required(reason, field="reason", missing="Say why queries may pass again.", longest=LONGEST)
    changed = Stop.objects.in_force().filter(pk=stop.pk)
    if not changed.update(lifted_by=by, lifted_at=timezone.now(), lifted_because=said):
        raise Conflict("This is lifted already.")
    stop.refresh_from_db()
    publish(StopLifted(stop=stop, what=stop.what, made_by=stop.by.get_username(), reason=said, by=by))
    return stop


def _made(stop: Stop, reason: str, by: User) -> Stop:
    stop.reason = required(reason, field="reason", missing="Say why they are stopped.", longest=LONGEST)
    stop.by = by
    try:
        with transaction.atomic():
            stop.save()
    except IntegrityError as error:
        raise Conflict(f"{stop.what.capitalize()}: stopped already.") from error
    stop.refresh_from_db(fields=["stopped_at"])  # by the database's clock
    publish(StopMade(stop=stop, what=stop.what, reason=stop.reason, by=by))
    return stop
