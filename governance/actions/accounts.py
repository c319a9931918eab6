"""Accounts: switch one off, with a hand-over of what it answers for, and on again."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from governance.actions import revocations, service_accounts
from governance.events import ConditionPassedOn
from governance.models import ReviewCondition, ServiceAccount
from registry.errors import Conflict, Invalid
from registry.events import AccountOff, AccountOn, publish
from registry.models import User
from registry.models.roles import administrators
from registry.permissions import require
from registry.wording import required

CHANGES = "registry.change_user"


@dataclass(frozen=True)
class Owed:
    """What somebody answers for, and would leave behind."""

    services: tuple[ServiceAccount, ...]
    conditions: tuple[ReviewCondition, ...]

    def __bool__(self) -> bool:
        return bool(self.services or self.conditions)


def owed_by(account: User) -> Owed:
    """The active service accounts and the open conditions that `account` answers for. Two queries."""
    services = ServiceAccount.objects.filter(sponsor=account, account__is_active=True)
    conditions = ReviewCondition.objects.filter(owner=account, fulfilled_at=None)
    return Owed(
        tuple(services.select_related("account", "sponsor").order_by("account__username")),
        tuple(
            conditions.select_related(
                "review__document__version__model", "review__document__dataset"
            ).order_by("due_at", "pk")
        ),
    )


@transaction.atomic
def switch_off(*, account: User, reason: str, successor: User | None = None, by: User) -> User:
    """With the next request nobody is signed in as `account`, nothing asks for it, and its tokens are over.

    Its sessions end for good, its roles and teams count for nothing while it is off. `successor` takes over the service
    accounts and open conditions that it answers for; nothing is left without somebody. The last administrator stays.
    """
    require(by, CHANGES)
    said = required(reason, field="reason", missing="Say why.", longest=300)
    # This lock before that of the row, as whoever takes a role has it: else each of two could wait for the other.
    is_last = administrators() == {account.pk}
    one = User.objects.select_for_update().get(pk=account.pk)
    if one.pk == by.pk or one == User.machine():
        raise Invalid(
            fields={"account": ["Nobody switches off themselves or the portal; ask another administrator."]}
        )
    if not one.is_active:
        raise Conflict(f"{one} is switched off already.")
    if is_last:
        raise Conflict(
            "This is the last administrator. Make somebody else an administrator first, without an end."
        )
    owed = owed_by(one)
    if problem := _problem(owed, one, successor):
        raise Invalid(fields={"successor": [problem]})
    User.objects.filter(pk=one.pk).update(is_active=False, sessions_ended=F("sessions_ended") + 1)
    one.refresh_from_db()
    if successor and owed:
        _hand_over(owed, successor, by)
    count = revocations.revoke_all_of(account=one, by=by)
    publish(
        AccountOff(
            account=one,
            reason=said,
            successor=str(successor) if successor and owed else "",
            count=count,
            by=by,
        )
    )
    return one


@transaction.atomic
def switch_on(*, account: User, reason: str, by: User) -> User:
    """The account may sign in again, and its roles and teams count. Its tokens stay revoked, its sessions ended."""
    require(by, CHANGES)
    said = required(reason, field="reason", missing="Say why.", longest=300)
    if not User.objects.filter(pk=account.pk, is_active=False).update(is_active=True):
        raise Conflict(f"{account} is switched on already.")
    one = User.objects.get(pk=account.pk)
    publish(AccountOn(account=one, reason=said, by=by))
    return one


def _hand_over(owed: Owed, successor: User, by: User) -> None:
    for service in owed.services:
        service_accounts.pass_on(account=service, sponsor=successor, by=by)
    for condition in owed.conditions:
        previous, condition.owner = condition.owner, successor
        condition.save(update_fields=["owner"])
        publish(
            ConditionPassedOn(
                condition=condition, text=condition.text, previous=str(previous), owner=str(successor), by=by
            )
        )


def _problem(owed: Owed, account: User, successor: User | None) -> str:
    if not owed:
        return ""
    if successor is None:
        names = [str(one) for one in owed.services]
        names += [f"“{one.text[:60]}”" for one in owed.conditions]
        return f"Choose who takes over {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}."
    if successor.pk == account.pk or successor.kind != User.Kind.PERSON or not successor.is_active:
        return "Choose another person whose account is active."
    if any(one.extended_by_id == successor.pk for one in owed.conditions):
        return f"{successor} gave one of the conditions more time, and cannot own it; choose somebody else."
    return ""
