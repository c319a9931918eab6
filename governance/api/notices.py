"""The inbox: what waits, what one was told, and what one wants to be told."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import notices as verbs
from governance.inbox import counts, tasks
from governance.models import MailRhythm, Notice, Switch
from governance.notices import KINDS
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import WRITE, described
from registry.errors import Invalid

KEYS = [(one.key, one.title) for one in KINDS]
TASK = {
    "key": "review:12",
    "what": "Judge",
    "name": "Card of credit-scorer v2",
    "note": "revision 3, submitted by owner",
    "page": "/reviews/12/",
    "since": "2026-11-21T09:30:00Z",
    "due": None,
    "in_place_of": ["anna"],
}
NOTICE = {
    "id": 41,
    "kind": "review.asked",
    "title": "A review waits for you",
    "text": "owner asks for a judgement on revision 3 of the card of credit-scorer v2.",
    "page": "/reviews/12/",
    "by": "owner",
    "made_at": "2026-11-21T09:30:00Z",
    "read_at": None,
}
CHOICE = {
    "kind": "review.approved",
    "title": "A review is approved",
    "why": "you wrote or submitted what was reviewed",
    "in_app": True,
    "by_mail": False,
}


@extend_schema_serializer(examples=[OpenApiExample("A task", value=TASK, response_only=True)])
class TaskOut(serializers.Serializer[Any]):
    """One thing to do, derived from the facts at this moment."""

    key = serializers.CharField(help_text="What it is about; stable while it waits.")
    what = serializers.CharField()
    name = serializers.CharField()
    note = serializers.CharField()
    page = serializers.CharField(source="url", help_text="The address of the page where it is done.")
    since = serializers.DateTimeField()
    due = serializers.DateTimeField(allow_null=True)
    in_place_of = serializers.ListField(
        child=serializers.CharField(), help_text="Who is away and has named you to be asked in their place."
    )


@extend_schema_serializer(
    many=False,
    examples=[OpenApiExample("Inbox", value={"tasks": [TASK], "unread": 3}, response_only=True)],
)
class InboxOut(serializers.Serializer[Any]):
    """What waits for you."""

    tasks = TaskOut(many=True)
    unread = serializers.IntegerField(help_text="Unread notices; counted up to 100.")


class NoticeFilter(serializers.Serializer[Any]):
    """Which notices."""

    unread = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only unread ones."
    )
    kind = serializers.ChoiceField(choices=KEYS, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("A notice", value=NOTICE, response_only=True)])
class NoticeOut(serializers.ModelSerializer[Notice]):
    """Something that you were told, once."""

    kind = serializers.ChoiceField(choices=KEYS)
    title = serializers.CharField(source="sort.title")
    page = serializers.CharField(source="path", help_text="The address of the page where you see it, or act.")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = Notice
        fields = list(NOTICE)


@extend_schema_serializer(examples=[OpenApiExample("All of a kind", value={"kind": "review.approved"})])
class ReadIn(In):
    """Which to mark as read."""

    kind = serializers.ChoiceField(
        choices=KEYS, required=False, allow_blank=True, default="", help_text="All, if left out."
    )


@extend_schema_serializer(examples=[OpenApiExample("Read", value={"count": 3}, response_only=True)])
class ReadOut(serializers.Serializer[Any]):
    """How many were marked."""

    count = serializers.IntegerField()


@extend_schema_serializer(
    examples=[OpenApiExample("A choice", value={"kind": "review.approved", "in_app": True, "by_mail": True})]
)
class ChoiceIn(In):
    """One kind of notice, as you want it."""

    kind = serializers.ChoiceField(choices=KEYS)
    in_app = serializers.BooleanField(help_text="In the inbox.")
    by_mail = serializers.BooleanField(help_text="By mail as well.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Choose",
            value={"daily": True, "kinds": [{"kind": "review.approved", "in_app": True, "by_mail": True}]},
        )
    ]
)
class NoticeSettingsIn(In):
    """What you want otherwise; what is left out stays as it is."""

    daily = serializers.BooleanField(
        required=False, help_text="All mail of a day in one letter, at 7:00 UTC."
    )
    kinds = ChoiceIn(many=True, required=False)


@extend_schema_serializer(examples=[OpenApiExample("A kind", value=CHOICE, response_only=True)])
class ChoiceOut(serializers.Serializer[Any]):
    """One kind of notice, and what holds for it."""

    kind = serializers.ChoiceField(choices=KEYS)
    title = serializers.CharField()
    why = serializers.CharField(help_text="Ends the sentence “You get this because”.")
    in_app = serializers.BooleanField()
    by_mail = serializers.BooleanField()


@extend_schema_serializer(
    many=False,
    examples=[
        OpenApiExample(
            "Settings", value={"daily": False, "mail": True, "kinds": [CHOICE]}, response_only=True
        )
    ],
)
class NoticeSettingsOut(serializers.Serializer[Any]):
    """What you are told of, and how."""

    daily = serializers.BooleanField()
    mail = serializers.BooleanField(help_text="Whether this installation has a mail server at all.")
    kinds = ChoiceOut(many=True)


class Inbox(Door):
    """What waits for you."""

    kind = Notice
    needs = ""
    serializer_class = InboxOut

    @described("inbox", "See what waits for you", "inbox", {200: InboxOut}, declines=(401,))
    def get(self, request: Request) -> Response:
        """Reviews, conditions, tokens and requests that you could act on now; what ends soonest first."""
        found = {"tasks": tasks(self.user), "unread": counts(self.user).unread}
        return Response(InboxOut(found).data)


class Notices(Listing):
    """What you were told."""

    kind = Notice
    needs = ""
    order = "-made_at"
    serializer_class = NoticeOut

    @described(
        "notices_list",
        "List notices",
        "inbox",
        {200: NoticeOut(many=True)},
        declines=(400, 401),
        parameters=[NoticeFilter],
    )
    def get(self, request: Request) -> Response:
        """Newest first, about what you may see now."""
        asked = self.chosen(NoticeFilter)
        rows = self.get_queryset().filter(in_app=True).select_related("by")
        if asked.get("unread") is not None:
            rows = rows.filter(read_at__isnull=asked["unread"])
        if "kind" in asked:
            rows = rows.filter(kind=asked["kind"])
        return self.rows(rows)


class ReadAll(Door):
    """All notices at once."""

    kind = Notice
    needs = ""
    serializer_class = ReadOut

    @described(
        "notices_read",
        "Mark all as read",
        "inbox",
        {200: ReadOut},
        declines=(400, 401, 403, 413, 415),
        request=ReadIn,
    )
    def post(self, request: Request) -> Response:
        """Mark all notices as read, or all of one kind."""
        count, _ = verbs.read_all(**self.given(ReadIn), by=self.user)
        return Response({"count": count})


class ReadOne(Door):
    """Whether a notice is read."""

    kind = Notice
    needs = ""
    serializer_class = NoticeOut

    @described("notice_read", "Mark as read", "inbox", {200: NoticeOut}, declines=(401, 404), request=None)
    def put(self, request: Request, pk: int) -> Response:
        """Mark a notice as read."""
        return Response(NoticeOut(verbs.read(notice=self._own(pk), by=self.user)).data)

    @described("notice_unread", "Mark as unread", "inbox", {200: NoticeOut}, declines=(401, 404))
    def delete(self, request: Request, pk: int) -> Response:
        """Take that back."""
        return Response(NoticeOut(verbs.unread(notice=self._own(pk), by=self.user)).data)

    def _own(self, pk: int) -> Notice:
        found: Notice = self.one(self.get_queryset().select_related("by"), pk=pk)
        return found


class NoticeSettings(Door):
    """What you are told of."""

    kind = Notice
    needs = ""
    serializer_class = NoticeSettingsOut

    @described(
        "notice_settings", "See what you are told of", "inbox", {200: NoticeSettingsOut}, declines=(401,)
    )
    def get(self, request: Request) -> Response:
        """Each kind of notice, why you get it, and whether it comes into the inbox and by mail."""
        return Response(self._held())

    @described(
        "notice_settings_choose",
        "Choose what you are told of",
        "inbox",
        {200: NoticeSettingsOut},
        declines=WRITE,
        request=NoticeSettingsIn,
    )
    def put(self, request: Request) -> Response:
        """Switch kinds on and off for yourself. What waits for you stands in the inbox all the same."""
        given = self.given(NoticeSettingsIn)
        if len(given.get("kinds", [])) > len(KINDS):
            raise Invalid(fields={"kinds": [f"There are {len(KINDS)} kinds; name each once."]})
        with transaction.atomic():
            for one in given.get("kinds", []):
                verbs.switch(**one, by=self.user)
            if "daily" in given:
                verbs.set_rhythm(daily=given["daily"], by=self.user)
        return Response(self._held())

    def _held(self) -> dict[str, Any]:
        made = {one.kind: (one.in_app, one.by_mail) for one in Switch.objects.filter(person=self.user)}
        kinds = []
        for one in KINDS:
            in_app, by_mail = made.get(one.key, (True, one.is_mailed))
            row = {"kind": one.key, "title": one.title, "why": one.why, "in_app": in_app, "by_mail": by_mail}
            kinds.append(row)
        daily = MailRhythm.objects.filter(person=self.user, daily=True).exists()
        return {"daily": daily, "mail": settings.MAIL_ENABLED, "kinds": kinds}
