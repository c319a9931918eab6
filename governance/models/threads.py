"""What people say to each other about a field of a card or a datasheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Length
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse

from registry.documents.outline import outline
from registry.models import Document

if TYPE_CHECKING:
    from registry.models import Revision, User

LONGEST = 5_000  # characters of a comment
PATH = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"


class ThreadQuerySet(models.QuerySet["Thread"]):
    def visible_to(self, user: User) -> Self:
        """Whoever sees a document reads what is said about it; for everybody else there is nothing."""
        return self.filter(document__in=Document.objects.visible_to(user))

    def open(self) -> Self:
        """Threads that nobody has resolved."""
        return self.filter(resolved_at__isnull=True)

    def up_to(self, revision: Revision) -> Self:
        """What was said about this revision and those before it."""
        return self.filter(document=revision.document_id, revision__number__lte=revision.number)

    def whole(self) -> Self:
        """Everything a page about a thread names, in one query."""
        return self.select_related(
            "begun_by", "resolved_by", "reopened_by", "document__version__model", "document__dataset",
            "revision",
        ).defer("revision__body")  # fmt: skip


class Thread(models.Model):
    """Comments on one field, or one row of it, begun on one revision and shown on every later one.

    `row` counts from 0 in the revision on which the thread was begun; `registry.documents.anchors` finds it in others.
    Triggers (migration 0050) keep what was begun as it was, and let only those resolve and reopen who may comment.
    """

    document = models.ForeignKey("registry.Document", on_delete=models.PROTECT, related_name="threads")
    revision = models.ForeignKey("registry.Revision", on_delete=models.PROTECT, related_name="threads")
    path = models.CharField(max_length=80)
    row = models.PositiveIntegerField(null=True, blank=True)
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(auto_now_add=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reopened_at = models.DateTimeField(null=True, blank=True)  # the last time; the trail holds each

    objects = ThreadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(path__regex=PATH), name="thread_path_names_a_field"),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="thread_resolved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(reopened_at__isnull=True, reopened_by__isnull=True)
                | Q(reopened_at__isnull=False, reopened_by__isnull=False),
                name="thread_reopened_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["document"], condition=Q(resolved_at__isnull=True), name="thread_open_of_document"
            )
        ]

    def __str__(self) -> str:
        return f"thread on {self.label} of {self.document}"

    @property
    def label(self) -> str:
        """What the field is called; its path where the outline has it no more."""
        plan = outline(self.document.kind)
        field = plan.field(self.path)
        return plan.name_of(field) if field else self.path

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    def get_absolute_url(self) -> str:
        return reverse("thread", args=[self.pk])

    def kin(self) -> list[models.Model]:
        return [self, *self.revision.kin()]


class Comment(models.Model):
    """What one person said in a thread, in Markdown. Never changed: a correction is another comment.

    Its author may withdraw it. The words stay in this row, as a record that was kept, and are shown to nobody.
    """

    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(text__regex=r"\S"), name="comment_says_something"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("text"), LONGEST), name="comment_not_too_long"
            ),
        ]
        permissions = [("write_comment", "Can comment on cards and datasheets")]

    def __str__(self) -> str:
        return f"comment in {self.thread}"

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


def open_threads_of(revision: str) -> Coalesce:
    """The number of open threads up to the revision in the column `revision` of a row, as a subquery."""
    rows = Thread.objects.open().filter(
        document=OuterRef(f"{revision}__document"), revision__number__lte=OuterRef(f"{revision}__number")
    )
    counted = rows.order_by().values("document").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=models.IntegerField())
