"""Tokens: scoped, expiring credentials. The secret itself is never stored."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models as orm
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from registry.models import Environment, Model

if TYPE_CHECKING:
    from registry.models import User

LONGEST_LIFE = timedelta(days=90)


class TokenQuerySet(orm.QuerySet["Token"]):
    def visible_to(self, user: User) -> Self:
        """One's own tokens, and those that reach a model one may see and whose tokens one manages."""
        if user.has_perm("governance.view_token"):
            return self.filter(Q(owner=user) | Q(models__in=Model.objects.visible_to(user))).distinct()
        return self.filter(Q(owner=user) | Q(issued_by=user))


class Token(orm.Model):
    """A credential of one person or service account for some models, actions and one environment, until a time."""

    class Action(orm.TextChoices):
        """`policies.ACTIONS`, labelled: a token reaches nothing that no policy can speak of (a test compares)."""

        PREDICT = "predict", "Predict"
        EXPLAIN = "explain", "Explain"
        FEEDBACK = "feedback", "Send feedback"
        READ_CARD = "read_card", "Read the card"
        DOWNLOAD_ARTIFACT = "download_artifact", "Download the files"

    id = orm.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = orm.CharField(max_length=80)
    prefix = orm.CharField(max_length=12)  # the visible beginning, to recognise it in a list
    digest = orm.CharField(max_length=64, unique=True)  # HMAC-SHA256 under the pepper, hexadecimal
    environment = orm.CharField(max_length=12, choices=Environment.choices)
    owner = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="tokens")
    models = orm.ManyToManyField("registry.Model", related_name="tokens")
    actions = ArrayField(orm.CharField(max_length=20, choices=Action.choices))
    issued_by = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="+")
    issued_at = orm.DateTimeField()
    expires_at = orm.DateTimeField()
    revoked_at = orm.DateTimeField(null=True, blank=True)
    revoked_by = orm.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=orm.PROTECT, related_name="+"
    )

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            orm.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")) & Q(expires_at__lte=F("issued_at") + LONGEST_LIFE),
                name="token_expires_within_90_days",
            ),
            orm.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="token_revoked_by_somebody",
            ),
            orm.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="token_digest_only"),
        ]
        permissions = [("issue_token", "Can issue tokens"), ("revoke_token", "Can revoke tokens of others")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "active" if self.expires_at > timezone.now() else "expired"

    def get_absolute_url(self) -> str:
        return reverse("token", args=[self.pk])

    def kin(self) -> list[orm.Model]:
        return [self, *self.models.all()]
