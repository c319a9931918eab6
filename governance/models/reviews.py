"""Reviews: other people's judgement on one revision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Exists, ExpressionWrapper, F, Func, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now
from django.urls import reverse

from governance import reviews as course
from governance.reviews import APPROVED_ONCE, Rule
from registry import canonical
from registry.models import Document, Revision, groups_of

if TYPE_CHECKING:
    from django.contrib.auth.models import Group

    from registry.models import User

# What reviews of before the rules stand under: one judge of any role, as it was then.
BEFORE_RULES = Rule("undecided", 1, (), (), 1_095, 1_000, step_up=False).as_json()
JUDGES = "judge_review"  # the permission by which a role judges
JUDGING = """
SELECT m.user_id, array_agg(DISTINCT g.name::text ORDER BY g.name::text)
FROM registry_membership m JOIN auth_group g ON g.id = m.group_id
JOIN auth_group_permissions h ON h.group_id = g.id JOIN auth_permission p ON p.id = h.permission_id
JOIN django_content_type t ON t.id = p.content_type_id
WHERE m.user_id = ANY(%s) AND t.app_label = 'governance' AND p.codename = %s GROUP BY m.user_id
"""


def judging_groups(user: User) -> models.QuerySet[Group]:
    """The roles that `user` holds and that judge reviews."""
    return groups_of(user.pk).filter(
        permissions__codename=JUDGES, permissions__content_type__app_label="governance"
    )


def judging_roles(user: User) -> list[str]:
    """Their names."""
    return sorted(judging_groups(user).values_list("name", flat=True))


def judging_roles_of(people: Iterable[int]) -> dict[int, list[str]]:
    """The same for many accounts, by key; without those that hold none. One query."""
    with connection.cursor() as cursor:
        cursor.execute(JUDGING, [list(people), JUDGES])
        return dict(cursor.fetchall())


def with_authors(reviews: Iterable[Review]) -> None:
    """Put who wrote any revision on the document of each review, as `written`. One query, none where it stands there."""
    rows = Revision.objects.order_by("document", "by").distinct("document", "by").select_related("by")
    wrote = models.Prefetch("document__revisions", rows.only("document", "by"), to_attr="written")
    models.prefetch_related_objects(list(reviews), wrote)


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(document__in=Document.objects.visible_to(user))

    def open(self) -> Self:
        """Reviews that wait for a judgement."""
        return self.filter(state=Review.State.IN_REVIEW)

    def approved_once(self) -> Self:
        """Reviews that were approved, whatever became of that since."""
        return self.filter(state__in=APPROVED_ONCE)

    def due_again(self) -> Self:
        """Approvals that go on counting, and whose next review is due."""
        days = Cast(KeyTextTransform("again_after_days", "rule"), models.IntegerField())
        due = F("closed_at") + Func(
            days, function="make_interval", template="%(function)s(days => %(expressions)s)"
        )
        rows = self.filter(state=Review.State.APPROVED)
        return rows.alias(due=ExpressionWrapper(due, models.DateTimeField())).filter(due__lte=Now())

    def wanting(self, user: User) -> Self:
        """Reviews in which a sign-off under a role of `user` still counts."""
        wants = Func(
            F("rule"),
            F("pk"),
            function="cardinal_review_wants",
            output_field=ArrayField(models.TextField()),
        )
        roles = judging_groups(user).annotate(role=Cast("name", models.TextField())).values("role")
        counts = Q(wants__overlap=ArraySubquery(roles)) | Q(Exists(roles), wants__contains=[course.ANY])
        return self.alias(wants=wants).filter(counts)

    def awaiting(self, user: User) -> Self:
        """Open reviews that wait for `user`: visible, neither submitted, written nor judged by them, and in need of a role of theirs."""
        own = Document.objects.filter(revisions__by=user)
        judged = Judgement.objects.filter(by=user)
        rows = self.visible_to(user).open().exclude(submitted_by=user).exclude(document__in=own)
        return rows.exclude(judgements__in=judged).wanting(user)

    def with_subject(self) -> Self:
        """Everything a row or a page about a review names, in one query."""
        return self.select_related(
            "submitted_by", "revision__by", "document__version__model", "document__dataset"
        )

    def named(self) -> Self:
        """What a line about a review names, and nothing else: a hundred columns take longer to ask for than to find."""
        about = ("document__kind", "document__version__number", "document__version__model__name")
        return self.select_related(
            "submitted_by", "revision", "document__version__model", "document__dataset"
        ).only(
            *("state", "rule", "submitted_at", "closed_at", "submitted_by__username", "revision__number"),
            *(*about, "document__version__model__slug", "document__dataset__name"),
        )


class Review(models.Model):
    """A judgement asked for on exactly one revision, by digest, together with the `basis` it stands on.

    `basis` is canonical JSON of what else was true when the review was asked for: the artifact's digest, the digests
    of the training data's datasheets, the risk class. An approval holds only while all of it is still so.
    `rule` is the rule of its risk class as it was in force then; it is nobody's to choose and never changes.
    Triggers (migrations 0003 and 0040) refuse a step that is not among `reviews.TRANSITIONS`, an approval without the
    judgements that the rule asks for, and any change of what was judged.
    """

    class State(models.TextChoices):
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        WITHDRAWN = "withdrawn", "Withdrawn"
        STALE = "stale", "Stale"
        RETIRED = "retired", "Retired"

    document = models.ForeignKey("registry.Document", on_delete=models.PROTECT, related_name="reviews")
    revision = models.ForeignKey("registry.Revision", on_delete=models.PROTECT, related_name="reviews")
    digest = models.CharField(max_length=64)
    basis = models.BinaryField()
    rule = models.JSONField(db_default=BEFORE_RULES)
    state = models.CharField(max_length=20, choices=State.choices, default=State.IN_REVIEW)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)  # judged or taken back
    stale_codes = models.CharField(max_length=200, blank=True, default="", db_default="")  # comma-separated
    retired_because = models.TextField(blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True, blank=True)  # when an approval ceased to count

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(state="in_review"), name="review_one_open_per_document"
            ),
            models.UniqueConstraint(
                fields=["document"], condition=Q(state="approved"), name="review_one_approved_per_document"
            ),
            models.CheckConstraint(condition=Q(state__in=course.STORED), name="review_state_known"),
            models.CheckConstraint(
                condition=Q(state="in_review", closed_at__isnull=True)
                | (~Q(state="in_review") & Q(closed_at__isnull=False)),
                name="review_closed_with_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["stale", "retired"], ended_at__isnull=False)
                | (~Q(state__in=["stale", "retired"]) & Q(ended_at__isnull=True)),
                name="review_ended_with_a_time",
            ),
            models.CheckConstraint(
                condition=(~Q(state="stale") | ~Q(stale_codes=""))
                & (Q(retired_because="") | Q(state="retired"))
                & (~Q(state="retired") | ~Q(retired_because="")),
                name="review_ended_with_a_reason",
            ),
        ]
        permissions = [
            ("submit_review", "Can ask for a review"),
            ("judge_review", "Can judge a revision"),
        ]

    def __str__(self) -> str:
        return f"review of {self.revision}"

    @property
    def basis_facts(self) -> dict[str, Any]:
        """What the judgement stands on."""
        facts: dict[str, Any] = canonical.parse(self.basis)
        return facts

    @property
    def frozen_rule(self) -> Rule:
        """The rule under which it is judged."""
        return Rule.of(self.rule)

    @property
    def ends_at(self) -> datetime | None:
        """When age alone ends the approval; None when it is not approved."""
        return self.frozen_rule.ends_at(self.closed_at) if self.is_approved and self.closed_at else None

    @property
    def due_at(self) -> datetime | None:
        """When the next review of the document is due; None when it is not approved."""
        return self.frozen_rule.due_at(self.closed_at) if self.is_approved and self.closed_at else None

    @property
    def is_approved(self) -> bool:
        return self.state == Review.State.APPROVED

    def get_absolute_url(self) -> str:
        return reverse("review", args=[self.pk])

    def kin(self) -> list[models.Model]:
        return [self, *self.revision.kin()]


class Judgement(models.Model):
    """One person's judgement in a review, under one role they hold. Made once, never changed; never by an author or the
    submitter.

    Where the rule asks for it, it is signed: `signed_digest` binds the sentence `meaning` to what was judged, by whom,
    when and how they proved who they are (see `governance.signing`).
    """

    class Outcome(models.TextChoices):
        APPROVE = "approve", "Approve"
        REQUEST_CHANGES = "request_changes", "Request changes"

    class Method(models.TextChoices):
        NONE = "", "By being logged in"
        PASSWORD = "password", "Password"
        BOTH = "password+totp", "Password and one-time code"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="judgements")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    role = models.CharField(max_length=150, default="", db_default="")
    checked = ArrayField(models.CharField(max_length=40), default=list, db_default=[])
    comment = models.TextField(blank=True)
    digest = models.CharField(max_length=64)  # what the judge saw; must equal the review's
    meaning = models.TextField(blank=True, default="", db_default="")
    method = models.CharField(
        max_length=20, choices=Method.choices, blank=True, default=Method.NONE, db_default=""
    )
    signed_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    signed_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    in_place_of = models.ForeignKey(  # who was asked and is away: `by` stands in, in a role of their own
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "by"], name="judgement_once_per_person"),
            models.CheckConstraint(
                condition=Q(outcome="approve") | (Q(outcome="request_changes") & ~Q(comment="")),
                name="judgement_against_says_why",
            ),
            models.CheckConstraint(
                condition=Q(method="", meaning="", signed_digest="", signed_at__isnull=True)
                | (
                    Q(method__in=["password", "password+totp"], signed_at__isnull=False)
                    & Q(signed_digest__regex=r"^[0-9a-f]{64}$")
                    & ~Q(meaning="")
                ),
                name="judgement_signed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} by {self.by}"


class ReviewCondition(models.Model):
    """Something that has to be done by a time for an approval to go on counting. A judge sets it with the approval.

    A judge confirms that it is fulfilled, and never its owner, an author or the submitter: a promise is not confirmed by
    whoever gave it. From `due_at` on an unfulfilled one suspends the clearance. More time is a judge's to grant, with a
    reason.
    """

    judgement = models.ForeignKey(Judgement, on_delete=models.PROTECT, related_name="conditions")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="conditions")
    text = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    extended_because = models.TextField(blank=True, default="")
    extended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    fulfilled_at = models.DateTimeField(null=True, blank=True)
    fulfilled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="review_condition_says_what"),
            models.CheckConstraint(
                condition=Q(fulfilled_at__isnull=True, fulfilled_by__isnull=True, note="")
                | (Q(fulfilled_at__isnull=False, fulfilled_by__isnull=False) & ~Q(note="")),
                name="review_condition_fulfilled_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(fulfilled_by__isnull=True) | ~Q(fulfilled_by=F("owner")),
                name="review_condition_not_confirmed_by_its_owner",
            ),
            models.CheckConstraint(
                condition=Q(extended_by__isnull=True, extended_because="")
                | (Q(extended_by__isnull=False) & ~Q(extended_because="") & ~Q(extended_by=F("owner"))),
                name="review_condition_extended_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["review", "due_at"],
                condition=Q(fulfilled_at__isnull=True),
                name="review_condition_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"condition of {self.review}"

    def kin(self) -> list[models.Model]:
        return self.review.kin()
