"""The ledger: who held which alias when, and which tags, stages and descriptions came and went. MLflow keeps none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registry.models.model import Model, Version
from registry.models.visibility import visible_models

if TYPE_CHECKING:
    from registry.models.users import User


class LedgerRowQuerySet(models.QuerySet["LedgerRow"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "model"))

    def update(self, **kwargs: Any) -> int:
        raise TypeError("A row of the ledger is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("A row of the ledger is never deleted.")


class LedgerRow(models.Model):
    """One change of one alias, tag, stage or description. The database refuses UPDATE and DELETE.

    For an alias `before` and `after` are version numbers, empty for none. `at` is when it became known here; what was
    moved outside may have moved up to one read earlier.
    """

    class What(models.TextChoices):
        ALIAS = "alias", "Alias"
        TAG = "tag", "Tag"
        STAGE = "stage", "Stage"
        DESCRIPTION = "description", "Description"

    class SeenBy(models.TextChoices):
        FIRST = "first", "First read"
        HOOK = "hook", "Webhook"
        RECONCILE = "reconcile", "Full read"
        HERE = "here", "Moved here"

    CONTROLLED = ("alias", "stage")  # they say what is in production
    FROM_OUTSIDE = ("hook", "reconcile")
    OUTSIDE = Q(what__in=CONTROLLED, seen_by__in=FROM_OUTSIDE)

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="ledger")
    version = models.ForeignKey(
        Version, null=True, blank=True, on_delete=models.PROTECT, related_name="ledger"
    )
    what = models.CharField(max_length=12, choices=What.choices)
    name = models.CharField(max_length=256, blank=True)  # of the alias or tag
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    seen_by = models.CharField(max_length=10, choices=SeenBy.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = LedgerRowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["alias", "tag", "stage", "description"]), name="ledger_what_known"
            ),
            models.CheckConstraint(
                condition=Q(seen_by__in=["first", "hook", "reconcile", "here"]), name="ledger_seen_by_known"
            ),
            models.CheckConstraint(condition=~Q(before=models.F("after")), name="ledger_tells_a_change"),
        ]
        indexes = [models.Index(fields=["model", "-at", "-id"], name="ledger_of_model")]

    def __str__(self) -> str:
        return f"{self.what} {self.name} of {self.model}".replace("  ", " ")

    @property
    def is_outside(self) -> bool:
        """A change outside control."""
        return self.what in self.CONTROLLED and self.seen_by in self.FROM_OUTSIDE


class AliasOrder(models.Model):
    """Somebody asked here for an alias to move; a worker writes it to the tracking server.

    `number` is 0 where the alias is to go. While an order waits, a move that equals it is ours and no change outside.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="alias_orders")
    name = models.CharField(max_length=256)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    problem = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ordered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "name"], condition=Q(state="waiting"), name="alias_order_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "done", "failed"]), name="alias_order_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.name} to {self.number or 'nothing'}"

    def kin(self) -> list[models.Model]:
        return [self.model]
