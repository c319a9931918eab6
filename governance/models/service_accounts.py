"""Service accounts: programs that ask in their own name, each with a person who answers for it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from registry.models import User

SEES_ALL = ("governance.issue_token", "governance.view_token", "registry.view_user")


class ServiceAccountQuerySet(models.QuerySet["ServiceAccount"]):
    def visible_to(self, user: User) -> Self:
        """One's own, and all for those who issue or watch tokens or look after accounts: a token may act for any of them."""
        if not user.is_active:
            return self.none()
        if any(user.has_perm(one) for one in SEES_ALL):
            return self
        return self.filter(Q(sponsor=user.pk) | Q(account=user.pk))


class ServiceAccount(models.Model):
    """An account without a password, and its sponsor: the person who answers for it.

    Its tokens work while both are active, and reach only what both see. Without such a row, whoever issued the token is
    the sponsor. The database holds that a sponsor is a person and that a service account has no password.
    """

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="service")
    sponsor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sponsored")
    purpose = models.CharField(max_length=200)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = ServiceAccountQuerySet.as_manager()

    class Meta:
        permissions = [("make_serviceaccount", "Can make and end service accounts")]

    def __str__(self) -> str:
        return self.account.get_username()

    def kin(self) -> list[models.Model]:
        return [self.account]
