"""Comments on the fields of cards and datasheets: read, begin, answer, settle."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import threads as verbs
from governance.api.thread_bodies import CommentIn, LastWordIn, ThreadFilter, ThreadIn, ThreadOut
from governance.margin import placed
from governance.models import Comment, Thread
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Dataset, Document, Revision


class Threads(Listing):
    """What card and datasheet have in common."""

    kind = Thread
    needs = ""
    order = "-begun_at"
    serializer_class = ThreadOut

    def listed(self, **about: Any) -> Response:
        """One page of the threads on a document, newest first."""
        chosen = self.chosen(ThreadFilter)
        found = self.get_queryset().filter(**{f"document__{key}": value for key, value in about.items()})
        if state := chosen.get("state"):
            found = found.filter(resolved_at__isnull=state == "open")
        if path := chosen.get("path"):
            found = found.filter(path=path)
        cut = [one.pk for one in self.paginate_queryset(found) or []]
        head = (
            Revision.objects.filter(document__in=Document.objects.filter(**about)).order_by("-number").first()
        )
        rows = Thread.objects.filter(pk__in=cut).order_by("-begun_at", "-pk")
        notes = placed(rows, head) if head else []
        return self.get_paginated_response(self.get_serializer(notes, many=True).data)

    def begun(self, **about: Any) -> Response:
        """A thread on the revision that was read, else on the latest."""
        given = self.given(ThreadIn)
        number = given.pop("revision", None)
        written = Revision.objects.visible_to(self.user).filter(
            **{f"document__{key}": value for key, value in about.items()}
        )
        written = written.filter(number=number) if number else written
        revision = written.select_related("document").order_by("-number").first()
        if revision is None:
            raise Invalid(fields={"revision": ["There is no such revision. Name one that is there."]})
        thread = verbs.begin(revision=revision, **given, by=self.user)
        there = reverse("api-thread", args=[thread.pk])
        return Response(_shown(thread), status=201, headers={"Location": there})


class CardThreads(Threads):
    """The threads on a card."""

    kind = Thread
    needs = ""

    @described(
        "card_threads",
        "List the comments on a card",
        "reviews",
        {200: ThreadOut(many=True)},
        declines=(400, 401, 404),
        parameters=[ThreadFilter],
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Every thread, newest first, with where it stands in the latest revision."""
        return self.listed(version=visible_version(self.user, slug, number))

    @described(
        "card_threads_begin",
        "Comment on a field of a card",
        "reviews",
        {201: ThreadOut},
        declines=WRITE,
        request=ThreadIn,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Begin a thread on a field, or on one of its rows. It follows the field into every later revision."""
        return self.begun(version=visible_version(self.user, slug, number))


class DatasheetThreads(Threads):
    """The threads on a datasheet."""

    kind = Thread
    needs = ""

    @described(
        "datasheet_threads",
        "List the comments on a datasheet",
        "reviews",
        {200: ThreadOut(many=True)},
        declines=(400, 401, 404),
        parameters=[ThreadFilter],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every thread, newest first, with where it stands in the latest revision."""
        return self.listed(dataset=self.one(Dataset.objects.visible_to(self.user), slug=slug))

    @described(
        "datasheet_threads_begin",
        "Comment on a field of a datasheet",
        "reviews",
        {201: ThreadOut},
        declines=WRITE,
        request=ThreadIn,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Begin a thread on a field, or on one of its rows. It follows the field into every later revision."""
        return self.begun(dataset=self.one(Dataset.objects.visible_to(self.user), slug=slug))


class OneThread(Door):
    """A thread by its number."""

    kind = Thread
    needs = ""
    serializer_class = ThreadOut

    @described("threads_read", "Read a thread", "reviews", {200: ThreadOut})
    def get(self, request: Request, pk: int) -> Response:
        """Everything that was said in it."""
        return Response(_shown(_thread(self, pk)))


class Answers(Door):
    """The answers in a thread."""

    kind = Thread
    needs = ""
    serializer_class = ThreadOut

    @described(
        "threads_answer", "Answer in a thread", "reviews", {201: ThreadOut}, declines=WRITE, request=CommentIn
    )
    def post(self, request: Request, pk: int) -> Response:
        """Answer. Refused once it is resolved."""
        one = _thread(self, pk)
        verbs.reply(thread=one, text=self.given(CommentIn)["text"], by=self.user)
        return Response(_shown(one), status=201)


class Resolution(Door):
    """Whether a thread is settled."""

    kind = Thread
    needs = ""
    serializer_class = ThreadOut

    @described(
        "threads_resolve", "Resolve a thread", "reviews", {200: ThreadOut}, declines=WRITE, request=LastWordIn
    )
    def post(self, request: Request, pk: int) -> Response:
        """Settle it, with a last word if there is one."""
        one = _thread(self, pk)
        return Response(_shown(verbs.resolve(thread=one, **self.given(LastWordIn), by=self.user)))


class Reopening(Door):
    """A settled thread, taken up again."""

    kind = Thread
    needs = ""
    serializer_class = ThreadOut

    @described(
        "threads_reopen", "Reopen a thread", "reviews", {200: ThreadOut}, declines=WRITE, request=LastWordIn
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take it up again, saying why if there is something to say."""
        one = _thread(self, pk)
        return Response(_shown(verbs.reopen(thread=one, **self.given(LastWordIn), by=self.user)))


class Withdrawal(Door):
    """A comment, taken back."""

    kind = Thread
    needs = ""
    serializer_class = ThreadOut

    @described(
        "comments_withdraw", "Withdraw a comment", "reviews", {200: ThreadOut}, declines=WRITE, request=None
    )
    def post(self, request: Request, pk: int, comment: int) -> Response:
        """Take back what you said. That you said something stays; what you said is shown to nobody any more."""
        rows = Comment.objects.filter(thread__in=self.get_queryset(), thread=pk)
        said: Comment = self.one(rows.select_related("thread__document"), pk=comment)
        verbs.withdraw(comment=said, by=self.user)
        return Response(_shown(_thread(self, pk)))


def _thread(door: Door, pk: int) -> Thread:
    one: Thread = door.one(door.get_queryset().select_related("document"), pk=pk)
    return one


def _shown(thread: Thread) -> dict[str, Any]:
    """The thread where it stands in the latest revision."""
    head = Revision.objects.filter(document=thread.document_id).order_by("-number").first()
    if head is None:
        raise Http404
    (note,) = placed(Thread.objects.filter(pk=thread.pk), head)
    shown: dict[str, Any] = ThreadOut(note).data
    return shown
