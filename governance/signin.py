"""Whose token this is, for the REST interface: the account, with the limit that the token puts on it.

By the database's clock and the rules of the gate: revoked, expired, waiting, stopped, or an account that is switched off
is nobody. A token without a scope of the portal is for the gate alone, and is nobody here as well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from governance import scopes, tokens
from governance.gate.origin import Origins
from governance.models import Stop, Token, TokenUse
from registry.models import Model, User
from registry.models.limits import Limit

EVERY = timedelta(minutes=1)  # how often a last use is written down


def known(text: str, peer: str = "", via: str = "") -> User | None:
    """The account that may go in with this token from there, or None."""
    token = in_force(text)
    if token is None or not token.portal:
        return None
    said = via.encode("latin-1", "replace")
    address = Origins(settings.TRUSTED_PROXIES).network(peer, said, False)
    if not scopes.from_there(tuple(token.networks), address):
        return None
    user = token.owner
    user.limit = limit_of(token)
    _note(token)
    return user


def in_force(text: str) -> Token | None:
    """The token, if it works now: known, not over, not waiting, not stopped, its owner and whoever answers for it active."""
    if not tokens.is_well_formed(text):
        return None
    rows = Token.objects.select_related("owner__service__sponsor", "issued_by", "use")
    found = rows.filter(
        Q(overlap_ends_at=None) | Q(overlap_ends_at__gt=Now()),
        Q(needs_second=False) | Q(countersigned_at__isnull=False),
        ~Exists(Stop.objects.in_force().filter(reach="token", token=OuterRef("pk"))),
        digest__in=tokens.digests(text, settings.TOKEN_PEPPERS),
        revoked_at=None,
        expires_at__gt=Now(),
        owner__is_active=True,
    ).first()
    if found is None or (found.owner.kind == User.Kind.SERVICE and not _sponsor(found).is_active):
        return None
    return found


def limit_of(token: Token) -> Limit:
    """What the token lets its owner do here. With models or a tag it sees those and no others; of a service account, only
    what its sponsor sees as well.
    """
    models: dict[str, Any] | None = None
    seen = token.reach() if token.actions or token.tag_key or token.models.exists() else None
    if token.owner.kind == User.Kind.SERVICE:
        both = Model.objects.visible_to(_sponsor(token)).values("pk")
        seen = (seen if seen is not None else Model.objects.all()).filter(pk__in=both)
    if seen is not None:
        models = {"in": seen.values("pk")}
    permissions = scopes.permitted(token.portal)
    return Limit(str(token.pk), frozenset(token.portal), permissions, models, token)


def _sponsor(token: Token) -> User:
    service = getattr(token.owner, "service", None)
    return service.sponsor if service else token.issued_by


def _note(token: Token) -> None:
    use, now = getattr(token, "use", None), timezone.now()
    if use is None or use.portal_at is None or use.portal_at < now - EVERY:
        TokenUse.objects.update_or_create(token=token, defaults={"portal_at": now})
