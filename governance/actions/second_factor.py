"""One's own second factor for signing: enrol it, take it away."""

from __future__ import annotations

from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from governance import signing
from governance.events import SecondFactorChanged
from governance.signing import Proof
from registry.errors import Conflict, Invalid
from registry.events import publish
from registry.models import User
from registry.permissions import require


@transaction.atomic
def prepare(*, by: User) -> TOTPDevice:
    """A secret that is not in force yet: the one that was prepared before, else a new one."""
    if signing.second_factor(by):
        raise Conflict("You have a second factor already. Take it away first.")
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two open pages show one secret
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=by, confirmed=False).order_by("pk").first()
    return found or TOTPDevice.objects.create(user=by, name="authenticator", confirmed=False)


@transaction.atomic
def enrol(*, device: TOTPDevice, proof: Proof, by: User) -> TOTPDevice:
    """Put a prepared secret in force, once a code has shown that the authenticator knows it.

    Check the code with `signing.verified` first, outside: a wrong try has to stay counted.
    """
    if device.user_id != by.pk or not proof.holds_for(by):
        raise Invalid(fields={"code": ["Prove that it is yours, and try again."]})
    if not TOTPDevice.objects.filter(pk=device.pk, confirmed=False, last_t__gte=0).update(confirmed=True):
        raise Invalid(fields={"code": ["Give the code that your authenticator shows."]})
    publish(SecondFactorChanged(account=by, enrolled=True, by=by))
    return device


@transaction.atomic
def remove(*, proof: Proof, by: User) -> None:
    """Take the second factor away. Needs a proof with both factors."""
    if not proof.holds_for(by) or "totp" not in proof.method:
        raise Invalid(fields={"code": ["Give your password and the code that your authenticator shows."]})
    TOTPDevice.objects.filter(user=by).delete()
    publish(SecondFactorChanged(account=by, enrolled=False, by=by))


@transaction.atomic
def release(*, account: User, by: User) -> None:
    """Take away the second factor of somebody who has lost it. Whoever may change accounts does; never one's own."""
    require(by, "registry.change_user")
    if account.pk == by.pk:
        raise Conflict("Take your own second factor away under your account, with a code that it shows.")
    TOTPDevice.objects.filter(user=account).delete()
    publish(SecondFactorChanged(account=account, enrolled=False, by=by))
