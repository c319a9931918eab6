"""Decisions: the gate's answers, written by the gate's journal before the answer leaves."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.db import connection, models
from django.db.models.functions import Cast
from django.urls import reverse

from governance.models.tokens import Token
from registry.models import Model, sees_everything

if TYPE_CHECKING:
    from registry.models import User


VIEW_DECISION = "governance.view_decision"


class Batch(models.Model):
    """The decisions of one group commit. `root` is the Merkle root (RFC 6962 hashing) over their sorted digests."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    writer = models.CharField(max_length=80)  # host and process that wrote it
    count = models.PositiveIntegerField()
    allowed = models.PositiveIntegerField()
    root = models.CharField(max_length=64)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"batch {self.id}"

    def kin(self) -> list[models.Model]:
        return [self]


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user: User) -> Self:
        """Decisions on models one may see. Those on unknown models only for who sees everything."""
        if sees_everything(user):
            return self
        return self.filter(model__in=Model.objects.visible_to(user).values("slug"))

    def visible_one_by_one(self, user: User) -> Self:
        """The same, asked of row after row: for what an index has found by a token or an address, where the planner would
        rather begin with all the models that one sees.
        """
        if sees_everything(user):
            return self
        seen = models.When(model__in=Model.objects.visible_to(user).values("slug"), then=True)
        return self.filter(models.Case(seen, default=False))

    def provable_to(self, user: User) -> Self:
        """Those whose receipt one may have: what one may read as a decision, and the answers to queries of one's own."""
        # By its token, never by its name: another account may be called so later.
        own = Token.objects.visible_to(user).filter(owner=user.pk)
        asked = models.Q(token__in=own.values_list(Cast("pk", models.CharField())))
        if not user.has_perm(VIEW_DECISION):
            return self.filter(asked)
        if sees_everything(user):
            return self
        return self.filter(asked | models.Q(model__in=Model.objects.visible_to(user).values("slug")))


MONTHS_AHEAD = 3


def make_room() -> int:
    """Makes the partitions of the coming months (migration 0078); returns how many were new. Nobody who writes waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinal_decision_partitions(%s)", [MONTHS_AHEAD])
        return int(cursor.fetchone()[0])


class Decision(models.Model):
    """One answer of the gate, allow or deny, with its reason code. Holds names and ids as text, never payloads or
    secrets, and no foreign keys to live rows. Refuses change (migration 0003). Lies in partitions by month; `id` is a UUID of version 7, so in the order of time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="decisions", db_constraint=False)
    decided_at = models.DateTimeField()
    allowed = models.BooleanField()
    reason = models.CharField(max_length=40)
    environment = models.CharField(max_length=12, blank=True)
    model = models.CharField(max_length=120, blank=True)  # the slug that was asked for
    version = models.PositiveIntegerField(null=True)
    action = models.CharField(max_length=20, blank=True)
    caller = models.CharField(max_length=150, blank=True)  # account name, when the token was recognised
    token = models.CharField(max_length=36, blank=True)  # the token's id, never the token
    method = models.CharField(max_length=10, blank=True)
    door = models.CharField(max_length=12)  # check or proxy
    request_id = models.CharField(max_length=64, blank=True)
    network = models.CharField(max_length=45, blank=True)  # the caller's address; empty when not known
    purpose = models.CharField(max_length=80, blank=True)  # as the query named it
    payload_bytes = models.BigIntegerField(null=True)  # as announced
    form = models.PositiveSmallIntegerField(
        default=2
    )  # which fields the digest covers: in 1 none of the three above
    digest = models.CharField(
        max_length=64
    )  # SHA-256 of the RFC 8785 JSON of all the other fields, see `form`

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(form=2)
                | models.Q(form=1, network="", purpose="", payload_bytes__isnull=True),
                name="decision_digest_covers_all",
            )
        ]
        # Each decision pays for each of these before its query is answered: 6 to 10 µs of the database's processor for one
        # of many values, next to nothing for the refusals. So there is none by caller: see `governance.finding.newest`.
        indexes = [
            models.Index(fields=["decided_at", "id"], name="decision_by_time"),
            models.Index(fields=["model", "decided_at"], name="decision_by_model"),
            models.Index(fields=["token", "decided_at"], name="decision_by_token"),
            models.Index(fields=["network", "decided_at"], name="decision_by_network"),
            models.Index(
                fields=["reason", "decided_at"],
                name="decision_by_refusal",
                condition=~models.Q(reason="allowed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{'allowed' if self.allowed else 'refused'} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("decision", args=[self.pk])
