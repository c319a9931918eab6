"""Many tokens at once: all of an account, all that reach a model, all there are, and those that have leaked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance import tokens
from governance.events import TokenExpiring, TokenLeaked, TokenRevoked, TokensRevoked
from governance.models import ServiceAccount, Token, TokenUse
from governance.models.tokens import TokenQuerySet
from governance.notices import TOKEN_STAGES, token_stage
from registry.errors import Invalid
from registry.events import publish, publish_together
from registry.models import Model, User
from registry.permissions import require

ANSWERING = ("issued_by", "owner__service__sponsor")  # whom it is told
EVERYTHING = "revoke everything"  # what has to be typed


@transaction.atomic
def revoke_all_of(*, account: User, by: User) -> int:
    """End every token of a person or a service account within a second; returns how many."""
    sponsored = ServiceAccount.objects.filter(account=account, sponsor=by).exists()
    if account.pk != by.pk and not sponsored:
        require(by, "governance.revoke_token")
    count = _end(Token.objects.filter(owner=account), by)
    publish(TokensRevoked(reach=f"all of {account}", target=account, count=count, by=by))
    return count


@transaction.atomic
def revoke_reaching(*, model: Model, by: User) -> int:
    """End every token that reaches `model` within a second, whatever else it reaches; returns how many."""
    require(by, "governance.revoke_token", on=model)
    count = _end(Token.objects.reaching(model), by)
    publish(TokensRevoked(reach=f"all that reach {model}", target=model, count=count, by=by))
    return count


@transaction.atomic
def revoke_everything(*, confirmed: str, by: User) -> int:
    """End every token there is within a second; returns how many. `confirmed` is the sentence that was typed."""
    require(by, "governance.revoke_every_token")
    if confirmed.strip().lower() != EVERYTHING:
        raise Invalid(fields={"confirmed": [f"Type “{EVERYTHING}” to confirm."]})
    count = _end(Token.objects.all(), by)
    publish(TokensRevoked(reach="all there are", target=None, count=count, by=by))
    return count


@transaction.atomic
def end_leaked(*, found: Sequence[tuple[str, str]], by: User) -> list[Token]:
    """End the tokens that somebody has found where they should not be: pairs of the token's text and the place.

    Whoever holds a token may end it; nobody else learns whether it was known.
    """
    places = {
        digest: place for text, place in found for digest in tokens.digests(text, settings.TOKEN_PEPPERS)
    }
    rows = Token.objects.select_for_update(of=("self",)).select_related(*ANSWERING)
    ended = list(rows.filter(digest__in=places, revoked_at=None).order_by("pk"))
    Token.objects.filter(pk__in=[one.pk for one in ended]).update(
        revoked_at=timezone.now(), revoked_by=by, ended_as=Token.End.LEAKED
    )
    publish_together(
        [
            TokenLeaked(token=one, owner=str(one.owner), place=_place(places[one.digest]), by=by)
            for one in ended
        ]
    )
    return ended


@transaction.atomic
def announce_ends(*, by: User) -> int:
    """Tell of each token that it ends within 14 days, and again within 3; returns of how many. Replaced ones are silent,
    and those that never lived longer than that.
    """
    now = timezone.now()
    soon = Token.objects.open(now).filter(expires_at__lte=now + timedelta(days=max(TOKEN_STAGES)))
    soon = soon.filter(overlap_ends_at=None).exclude(use__announced_stage=min(TOKEN_STAGES))
    rows = soon.select_for_update(of=("self",)).select_related(*ANSWERING, "use").order_by("expires_at", "pk")
    due = [(one, stage) for one in rows if (stage := _stage(one, now))][:500]
    TokenUse.objects.bulk_create(
        [TokenUse(token=one, announced_at=now, announced_stage=stage) for one, stage in due],
        update_conflicts=True, unique_fields=["token"], update_fields=["announced_at", "announced_stage"],
    )  # fmt: skip
    publish_together(
        [
            TokenExpiring(
                token=one, owner=str(one.owner), expires_at=one.expires_at.isoformat(), days=stage, by=by
            )
            for one, stage in due
        ]
    )
    return len(due)


def _stage(token: Token, now: datetime) -> int:
    """The announcement that is due and was not made; 0 for none."""
    stage = token_stage(token.expires_at - now, token.expires_at - token.issued_at)
    use = getattr(token, "use", None)
    return 0 if use and use.announced_stage and use.announced_stage <= stage else stage


def _end(found: TokenQuerySet, by: User) -> int:
    now = timezone.now()
    rows = found.open(now).select_for_update(of=("self",)).select_related(*ANSWERING)
    ended = list(rows.prefetch_related("models").order_by("pk"))
    Token.objects.filter(pk__in=[one.pk for one in ended]).update(
        revoked_at=now, revoked_by=by, ended_as=Token.End.REVOKED
    )
    publish_together([TokenRevoked(token=one, owner=str(one.owner), by=by) for one in ended])
    return len(ended)


def _place(text: str) -> str:
    """Where it was found, without any token in it and short enough for the trail."""
    return tokens.masked(text)[:300]
