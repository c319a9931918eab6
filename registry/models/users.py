"""People and service accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from registry.models.limits import Limit

MACHINE = "cardinal"


class User(AbstractUser):  # type: ignore[django-manager-missing]  # guardian's managers carry no types
    """Somebody who acts: a person, or a service account that acts for one."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        SERVICE = "service", "Service account"

    limit: Limit | None = None  # of this request, when it came by token; never stored

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    sessions_ended = models.PositiveIntegerField(default=0, editable=False)  # how often all at once

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """As the role says, within the limit of the request."""
        within = self.limit is None or perm in self.limit.permissions
        return within and super().has_perm(perm, obj)

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Each of them."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """No module is open to a token."""
        return self.limit is None and super().has_module_perms(app_label)

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """As `has_perm` says, one by one."""
        held: set[str] = super().get_all_permissions(obj)
        return held if self.limit is None else held & self.limit.permissions

    def get_session_auth_hash(self) -> str:
        """What every session of the account carries; another one, and none of them is valid any more."""
        return f"{super().get_session_auth_hash()}{self._era()}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same under keys that were rotated out."""
        for one in super().get_session_auth_fallback_hash():
            yield f"{one}{self._era()}"

    def _era(self) -> str:
        return f".{self.sessions_ended}" if self.sessions_ended else ""

    @classmethod
    def machine(cls) -> User:
        """The account under which the portal itself acts: scheduled reads and sweeps."""
        return cls.objects.get(username=MACHINE)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["person", "service"]), name="user_kind_known"
            ),
        ]

    def kin(self) -> list[models.Model]:
        """The objects whose history this belongs to."""
        return [self]
