"""Tokens: scoped, expiring credentials. The secret itself is never stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models as orm
from django.db.models import Exists, F, Func, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from governance.models.risk import RiskClass, RiskDecision
from governance.scopes import LONGEST_TAG, Scope, sentence
from registry.models import Environment, Model, System, narrowed_to, sees_everything

if TYPE_CHECKING:
    from registry.models import User

LONGEST_LIFE = timedelta(days=90)
LIVES = {"high": 30, "prohibited": 30}  # days, by the class of the strictest system; 90 where none stands
CLASSES = ("undecided", *RiskClass.values)


class TokenQuerySet(orm.QuerySet["Token"]):
    def visible_to(self, user: User) -> Self:
        """One's own tokens, and those that reach a model one may see and whose tokens one manages."""
        own = Q(owner=user.pk) | Q(issued_by=user.pk) | Q(owner__service__sponsor=user.pk)
        if not user.is_active:
            return self.none()
        # A token for some models knows itself and its successor.
        if user.limit and narrowed_to(user) is not None:
            return self.filter(Q(pk=user.limit.key) | Q(replaces=user.limit.key))
        if not user.has_perm("governance.view_token"):
            return self.filter(own)
        if sees_everything(user):
            return self
        return self.filter(own | self._reaches(Model.objects.visible_to(user)))

    def reaching(self, model: Model) -> Self:
        """Those that name the model, or its tag."""
        return self.filter(self._reaches(Model.objects.filter(pk=model.pk)))

    def in_force(self, now: datetime | None = None) -> Self:
        """Neither over nor waiting."""
        return self.open(now).filter(Q(needs_second=False) | Q(countersigned_at__isnull=False))

    def open(self, now: datetime | None = None) -> Self:
        """Not over: what could still be used, or still waits for its second person."""
        at = now or timezone.now()
        not_replaced = Q(overlap_ends_at__isnull=True) | Q(overlap_ends_at__gt=at)
        return self.filter(not_replaced, revoked_at=None, expires_at__gt=at)

    def in_state(self, state: str) -> Self:
        """Those of one state of `Token.state`."""
        revoked, at = Q(revoked_at__isnull=False), timezone.now()
        over = Q(expires_at__lte=at) | Q(overlap_ends_at__lte=at)
        waits = Q(needs_second=True, countersigned_at__isnull=True)
        return self.filter(
            {
                "revoked": revoked,
                "expired": ~revoked & over,
                "waiting": ~revoked & ~over & waits,
                "active": ~revoked & ~over & ~waits,
            }[state]
        )

    def _reaches(self, models: orm.QuerySet[Model]) -> Q:
        tag = Func(OuterRef("tag_key"), OuterRef("tag_value"), function="jsonb_build_object")
        tagged = models.annotate(asked=tag).filter(tags__contains=F("asked"))
        named = Token.models.through.objects.filter(token=OuterRef("pk"), model__in=models.values("pk"))
        return Exists(named) | (Q(tag_key__gt="") & Exists(tagged))


class Token(orm.Model):
    """A credential of one person or service account: for what, where, how often, and until when (`scopes.Scope`).

    Written once. Only three things happen to it afterwards, each once and each held by the database (migration 0045):
    it is countersigned, replaced, revoked.
    """

    class Action(orm.TextChoices):
        """`policies.ACTIONS`, labelled: a token reaches nothing that no policy can speak of (a test compares)."""

        PREDICT = "predict", "Predict"
        EXPLAIN = "explain", "Explain"
        FEEDBACK = "feedback", "Send feedback"
        READ_CARD = "read_card", "Read the card"
        DOWNLOAD_ARTIFACT = "download_artifact", "Download the files"

    class Portal(orm.TextChoices):
        """`scopes.PORTAL`, labelled: what it may do in the portal (a test compares)."""

        READ = "read", "Read"
        SYNC = "sync", "Read tracking servers anew"
        REPORT = "report", "Order reports"
        TOKEN = "token", "Issue, rotate and revoke tokens"
        INTROSPECT = "introspect", "Ask whether tokens are active"

    class End(orm.TextChoices):
        """Why it was revoked. Empty for those of before this was asked."""

        REVOKED = "revoked", "Revoked"
        DECLINED = "declined", "Declined by the second person"
        LEAKED = "leaked", "Seen where it should not be"

    id = orm.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = orm.CharField(max_length=80)
    prefix = orm.CharField(max_length=12)  # the visible beginning, to recognise it in a list
    digest = orm.CharField(max_length=64, unique=True)  # HMAC-SHA256 under the pepper, hexadecimal
    pepper = orm.CharField(max_length=8, blank=True)  # which pepper (`tokens.pepper_id`); empty for old ones
    environment = orm.CharField(max_length=12, choices=Environment.choices)
    owner = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="tokens")
    models = orm.ManyToManyField("registry.Model", related_name="tokens")
    tag_key = orm.CharField(
        max_length=LONGEST_TAG, blank=True
    )  # instead of models: matched when the query comes
    tag_value = orm.CharField(max_length=LONGEST_TAG, blank=True)
    actions = ArrayField(orm.CharField(max_length=20, choices=Action.choices))
    portal = ArrayField(orm.CharField(max_length=12, choices=Portal.choices), default=list, blank=True)
    versions = ArrayField(orm.PositiveIntegerField(), default=list, blank=True)
    alias = orm.CharField(max_length=255, blank=True)
    purpose = orm.CharField(max_length=80, blank=True)
    networks = ArrayField(orm.CharField(max_length=49), default=list, blank=True)
    limits = orm.JSONField(default=dict, blank=True)  # rate and quota, as in a policy
    issued_by = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="+")
    issued_at = orm.DateTimeField()
    expires_at = orm.DateTimeField()
    needs_second = orm.BooleanField(default=False)  # it reaches a model of a high-risk system
    countersigned_at = orm.DateTimeField(null=True, blank=True)
    countersigned_by = orm.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=orm.PROTECT, related_name="+"
    )
    replaces = orm.OneToOneField(
        "self", null=True, blank=True, on_delete=orm.PROTECT, related_name="replaced_by"
    )
    overlap_ends_at = orm.DateTimeField(null=True, blank=True)  # replaced: until then it still works
    revoked_at = orm.DateTimeField(null=True, blank=True)
    revoked_by = orm.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=orm.PROTECT, related_name="+"
    )
    ended_as = orm.CharField(max_length=10, choices=End.choices, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            orm.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")) & Q(expires_at__lte=F("issued_at") + LONGEST_LIFE),
                name="token_expires_within_90_days",
            ),
            orm.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True, ended_as="")
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="token_revoked_by_somebody",
            ),
            orm.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="token_digest_only"),
            orm.CheckConstraint(
                condition=Q(countersigned_at__isnull=True, countersigned_by__isnull=True)
                | Q(countersigned_at__isnull=False, countersigned_by__isnull=False),
                name="token_countersigned_by_somebody",
            ),
            orm.CheckConstraint(
                condition=Q(overlap_ends_at__isnull=True) | Q(overlap_ends_at__lte=F("expires_at")),
                name="token_overlap_within_its_life",
            ),
            orm.CheckConstraint(
                condition=Q(tag_key="", tag_value="") | Q(tag_key__gt="", tag_value__gt=""),
                name="token_tag_is_whole",
            ),
            orm.CheckConstraint(condition=Q(alias="") | Q(versions=[]), name="token_versions_or_alias"),
        ]
        # While somebody tries token after token, every gate looks for new ones twice a second.
        indexes = [orm.Index(fields=["issued_at"], name="token_issued")]
        permissions = [
            ("issue_token", "Can issue tokens"),
            ("revoke_token", "Can revoke tokens of others"),
            ("revoke_every_token", "Can revoke every token at once"),
            ("decide_token_life", "Can decide how long tokens live"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def scope(self) -> Scope:
        """Its limits, beside the models."""
        return Scope(
            actions=tuple(self.actions),
            portal=tuple(self.portal),
            tag=(self.tag_key, self.tag_value),
            versions=tuple(self.versions),
            alias=self.alias,
            purpose=self.purpose,
            networks=tuple(self.networks),
            limits=self.limits,
        )

    @property
    def ends_at(self) -> datetime:
        """When it is over by time alone."""
        return min(self.expires_at, self.overlap_ends_at or self.expires_at)

    @property
    def state(self) -> str:
        """waiting (for a second person), active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        if self.ends_at <= timezone.now():
            return "expired"
        return "waiting" if self.needs_second and not self.countersigned_at else "active"

    def said(self, models: Sequence[str]) -> str:
        """What it can do and until when, with these names of models."""
        return sentence(
            self.scope, owner=self.owner.get_username(), models=models, environment=self.environment, ends=self.ends_at,
            over=self.state in ("expired", "revoked"),
        )  # fmt: skip

    def reach(self) -> orm.QuerySet[Model]:
        """The models it reaches now: those it names or whose tag it names, as far as its owner sees them."""
        named = Q(tags__contains={self.tag_key: self.tag_value}) if self.tag_key else Q(tokens=self.pk)
        return Model.objects.visible_to(self.owner).filter(named)

    def get_absolute_url(self) -> str:
        return reverse("token", args=[self.pk])

    def kin(self) -> list[orm.Model]:
        return [self, *self.models.all()]


class TokenUse(orm.Model):
    """What happens around a token and is no part of it: its last use in the portal, and that its end was announced.

    `announced_stage` is how many days before its end that was, the last time (`notices.TOKEN_STAGES`).
    """

    token = orm.OneToOneField(Token, on_delete=orm.CASCADE, primary_key=True, related_name="use")
    portal_at = orm.DateTimeField(null=True)
    announced_at = orm.DateTimeField(null=True)
    announced_stage = orm.PositiveSmallIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"use of {self.token}"


class TokenLifeQuerySet(orm.QuerySet["TokenLife"]):
    def visible_to(self, user: User) -> Self:
        """Rules are for everybody who works here."""
        return self if user.is_active else self.none()


class TokenLife(orm.Model):
    """Compliance decided how long a token may live that reaches models of this risk class. The latest decision holds for
    every token, also for those that are older: at the gate a token ends for a model when it is older than that.
    """

    risk_class = orm.CharField(max_length=12)
    days = orm.PositiveSmallIntegerField()
    rationale = orm.TextField()
    by = orm.ForeignKey(settings.AUTH_USER_MODEL, on_delete=orm.PROTECT, related_name="+")
    decided_at = orm.DateTimeField(auto_now_add=True)

    objects = TokenLifeQuerySet.as_manager()

    class Meta:
        constraints = [
            orm.CheckConstraint(condition=Q(risk_class__in=CLASSES), name="token_life_class_known"),
            orm.CheckConstraint(condition=Q(days__gte=1, days__lte=90), name="token_life_within_90_days"),
            orm.CheckConstraint(condition=~Q(rationale=""), name="token_life_says_why"),
        ]
        indexes = [orm.Index(fields=["risk_class", "-id"], name="token_life_latest")]

    def __str__(self) -> str:
        return f"{self.risk_class}: {self.days} days"


def lives() -> dict[str, int]:
    """Risk class → days that a token for its models may live. One query."""
    rows = TokenLife.objects.order_by("risk_class", "-pk").distinct("risk_class")
    decided = dict(rows.values_list("risk_class", "days"))
    return {one: decided.get(one, LIVES.get(one, LONGEST_LIFE.days)) for one in CLASSES}


def classes_of(models: Iterable[Model]) -> set[str]:
    """The risk classes of all systems in service that use these models; "undecided" among them where one is. One query."""
    latest = RiskDecision.objects.filter(system=OuterRef("pk")).order_by("-decided_at", "-pk")
    found = System.objects.filter(models__in=[m.pk for m in models], retired_at=None)
    return {
        one or "undecided"
        for one in found.annotate(now=orm.Subquery(latest.values("risk_class")[:1])).values_list(
            "now", flat=True
        )
    }


def longest_life(classes: Iterable[str]) -> int:
    """Days that a token may live whose models are of these risk classes: the shortest of them."""
    known = lives()
    return min((known[one] for one in {*classes} or {"undecided"}), default=LONGEST_LIFE.days)
