"""Notices: what somebody is told, in their inbox and by mail; and what they want to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value

from governance.models.tokens import Token
from governance.notices import KIND, KINDS, Kind
from registry.models import Document, Version

if TYPE_CHECKING:
    from registry.models import User

KEYS = [one.key for one in KINDS]
MOST_COUNTED = 100


class MayBeTold(Func):
    """Whether an account without a limit may see what a notice is about (migration 0071), asked row by row."""

    function = "cardinal_told"
    output_field = models.BooleanField()


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, user: User) -> Self:
        """One's own, about what one may see now: what was unshared since is no longer told."""
        if not user.is_active:
            return self.none()
        own = self.filter(person=user.pk)
        if user.limit is None:
            return own.filter(MayBeTold(Value(user.pk), F("document"), F("version"), F("token")))
        seen = (
            Exists(Document.objects.visible_to(user).filter(pk=OuterRef("document")))
            | Exists(Version.objects.visible_to(user).filter(pk=OuterRef("version")))
            | Exists(Token.objects.visible_to(user).filter(pk=OuterRef("token")))
            | Q(document=None, version=None, token=None)
        )
        return own.filter(seen)

    def shown(self) -> Self:
        """Those of the inbox; the others were only mailed."""
        return self.filter(in_app=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notice(models.Model):
    """One person is told one thing, once: `cause` names what it is about, and of each kind there is one per cause.

    About a document, a version or a token, which decides who may read it, or about nothing that could be hidden. Nobody
    is told what they did themselves. Written once; only `read_at` changes (trigger, migration 0056).
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=120)
    about = models.CharField(
        max_length=80
    )  # its beginning, the object: what is done about that settles all of them
    text = models.CharField(max_length=400)
    path = models.CharField(max_length=300)  # of the page where one sees it, or acts
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(
        "registry.Document", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.ForeignKey(
        "registry.Version", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    token = models.ForeignKey(Token, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    in_app = models.BooleanField(default=True)
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "cause"], name="notice_once"),
            models.CheckConstraint(condition=Q(kind__in=KEYS), name="notice_kind_known"),
            models.CheckConstraint(condition=~Q(person=F("by")), name="notice_not_of_ones_own_act"),
            models.CheckConstraint(
                condition=~Q(text="") & Q(path__startswith="/"), name="notice_says_something"
            ),
            models.CheckConstraint(
                condition=Q(document__isnull=True, version__isnull=True)
                | Q(document__isnull=True, token__isnull=True)
                | Q(version__isnull=True, token__isnull=True),
                name="notice_about_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-made_at", "-id"], name="notice_newest"),
            models.Index(
                fields=["person"], condition=Q(read_at__isnull=True, in_app=True), name="notice_unread"
            ),
            models.Index(fields=["about"], condition=Q(read_at__isnull=True), name="notice_open_about"),
        ]

    def __str__(self) -> str:
        return f"{self.sort.title} ({self.person})"

    @property
    def sort(self) -> Kind:
        """The kind, as the table has it."""
        return KIND[self.kind]

    def get_absolute_url(self) -> str:
        return self.path


class Letter(models.Model):
    """A notice that is mailed as well: what waits, what became of it. Sent at most once (trigger, migration 0056).

    `problem` names the kind of failure and holds no address. A letter whose notice was read, or whose object is no
    longer visible when it would be sent, is dropped.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        DROPPED = "dropped", "Dropped"
        GIVEN_UP = "given_up", "Given up"

    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="letter")
    daily = models.BooleanField(default=False)  # goes with the others of the day
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=80, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", done_at__isnull=True)
                | Q(state__in=["sent", "dropped", "given_up"], done_at__isnull=False),
                name="letter_done_with_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="letter_waiting"),
        ]

    def __str__(self) -> str:
        return f"letter about {self.notice}"


class Switch(models.Model):
    """Somebody wants a kind of notice otherwise than it is by default."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="switches")
    kind = models.CharField(max_length=40)
    in_app = models.BooleanField()
    by_mail = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="switch_once"),
            models.CheckConstraint(condition=Q(kind__in=KEYS), name="switch_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person}"


class MailRhythm(models.Model):
    """Somebody wants all their mail of a day in one letter, at 7:00 UTC."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="mail_rhythm"
    )
    daily = models.BooleanField()

    def __str__(self) -> str:
        return f"mail to {self.person}: {'daily' if self.daily else 'at once'}"
