"""Access policies: who may do what with which model. Published versions never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.urls import reverse

from registry import canonical
from registry.models import Environment, visible_models

if TYPE_CHECKING:
    from registry.models import Model, User


class PolicyQuerySet(models.QuerySet["Policy"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "model"))


class Policy(models.Model):
    """The policy of one model in one environment. Its latest published version is in force."""

    model = models.ForeignKey("registry.Model", on_delete=models.PROTECT, related_name="policies")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    in_force = models.ForeignKey(
        "governance.PolicyVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "environment"], name="policy_once_per_environment")
        ]
        permissions = [("publish_policy", "Can publish an access policy")]

    def __str__(self) -> str:
        return f"policy of {self.model} in {self.environment}"

    def get_absolute_url(self) -> str:
        return reverse("policy", args=[self.model.slug, self.environment])

    def kin(self) -> list[models.Model]:
        return [self, self.model]


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "policy__model"))


class PolicyVersion(models.Model):
    """One published state of a policy: canonical JSON and its SHA-256. Refuses change (migration 0003)."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(auto_now_add=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy}, version {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        """The rules, parsed from the stored bytes."""
        content: dict[str, Any] = canonical.parse(self.body)
        return content

    def kin(self) -> list[models.Model]:
        return [self, *self.policy.kin()]


class PolicyDraftQuerySet(models.QuerySet["PolicyDraft"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(visible_models(user, "policy__model"))

    def latest_of(self, model: Model, environment: str) -> PolicyDraft | None:
        """The draft that everybody edits, if there is one."""
        found = self.filter(policy__model=model, policy__environment=environment)
        return found.select_related("policy__model", "policy__in_force", "by").order_by("-number").first()


class PolicyDraft(models.Model):
    """One saved state of the draft of a policy; the one with the highest number is the draft that everybody edits.

    `based_on` is the number of the version in force that it was begun from. Earlier states stay until the draft is
    published or discarded: two who edit at once are put together from the state that both began with. It decides nothing.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="drafts")
    number = models.PositiveIntegerField()
    based_on = models.PositiveIntegerField()
    body = models.BinaryField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    objects = PolicyDraftQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_draft_once")]

    def __str__(self) -> str:
        return f"draft of {self.policy}, state {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        """Rules and tests as they were typed; they need not be publishable."""
        content: dict[str, Any] = canonical.parse(self.body)
        return content

    def kin(self) -> list[models.Model]:
        return self.policy.kin()
