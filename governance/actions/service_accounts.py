"""Service accounts: make one, pass it on to another sponsor, end it."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction

from governance.actions import revocations
from governance.events import ServiceAccountEnded, ServiceAccountMade, ServiceAccountPassedOn
from governance.models import ServiceAccount
from registry.errors import Conflict, Invalid, Missing
from registry.events import publish
from registry.models import User
from registry.permissions import require
from registry.wording import required

# What it takes to pass on one that somebody else answers for.
PASSING_ON = ("governance.revoke_token", "governance.make_serviceaccount")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,79}\Z", re.ASCII)


@transaction.atomic
def make(*, name: str, sponsor: User, purpose: str, by: User) -> ServiceAccount:
    """Make an account for a program. It has no password and no role; share with it what it shall reach."""
    require(by, "governance.make_serviceaccount")
    if not NAME.match(name):
        raise Invalid(fields={"name": ["Use 2 to 80 small letters, digits, dots, hyphens and underscores."]})
    _check_sponsor(sponsor)
    said = required(purpose, field="purpose", missing="Say what it is for.", longest=200)
    account = User(username=name, kind=User.Kind.SERVICE)
    account.set_unusable_password()
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise Conflict(f"The name {name} is taken.") from error
    made = ServiceAccount.objects.create(account=account, sponsor=sponsor, purpose=said, made_by=by)
    publish(ServiceAccountMade(account=account, sponsor=str(sponsor), purpose=said, by=by))
    return made


@transaction.atomic
def pass_on(*, account: ServiceAccount, sponsor: User, by: User) -> ServiceAccount:
    """From now on `sponsor` answers for it. Its tokens reach what the new sponsor sees, within a second."""
    one = _own(account, by)
    if one.sponsor_id != by.pk:  # whoever may only stop things gives none to anybody
        require(by, "governance.make_serviceaccount")
    _check_sponsor(sponsor)
    previous, one.sponsor = str(one.sponsor), sponsor
    one.save(update_fields=["sponsor"])
    publish(ServiceAccountPassedOn(account=one.account, sponsor=str(sponsor), previous=previous, by=by))
    return one


@transaction.atomic
def end(*, account: ServiceAccount, by: User) -> ServiceAccount:
    """Switch the account off and revoke its tokens. Its name stays taken: it stands in decisions and in the trail."""
    one = _own(account, by)
    changed = User.objects.filter(pk=one.account_id, is_active=True).update(is_active=False)
    if not changed:
        raise Conflict(f"{one.account} is switched off already.")
    one.account.refresh_from_db()
    count = revocations.revoke_all_of(account=one.account, by=by)
    publish(ServiceAccountEnded(account=one.account, count=count, by=by))
    return one


def _own(account: ServiceAccount, by: User) -> ServiceAccount:
    ServiceAccount.objects.select_for_update().filter(
        pk=account.pk
    ).first()  # then read: the sponsor may have changed
    rows = ServiceAccount.objects.visible_to(by).select_related("account", "sponsor")
    one = rows.filter(pk=account.pk).first()
    if one is None:
        raise Missing("There is no such service account, or it is not yours.")
    if one.sponsor_id != by.pk:
        require(by, "governance.revoke_token")
    return one


def _check_sponsor(sponsor: User) -> None:
    if sponsor.kind != User.Kind.PERSON or not sponsor.is_active:
        raise Invalid(fields={"sponsor": ["A sponsor is a person whose account is active."]})
