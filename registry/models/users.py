"""People and service accounts."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

MACHINE = "cardinal"


class User(AbstractUser):  # type: ignore[django-manager-missing]  # guardian's managers carry no types
    """Somebody who acts: a person, or a service account that acts for one."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        SERVICE = "service", "Service account"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)

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
