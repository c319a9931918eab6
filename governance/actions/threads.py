"""Threads: say something about a field, answer, settle it. The same for cards and datasheets."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.events import CommentWithdrawn, CommentWritten, ThreadBegun, ThreadReopened, ThreadResolved
from governance.models import Comment, Thread
from governance.permissions import COMMENT, may_comment
from registry.documents import anchors
from registry.errors import Conflict, Refused
from registry.events import publish
from registry.models import Document, Revision, User
from registry.permissions import require
from registry.verdict import denied
from registry.wording import required

MOST_THREADS = 200  # of one document
MOST_COMMENTS = 200  # of one thread
TWICE = "You have said exactly this here already."  # sent twice, heard once


@transaction.atomic
def begin(*, revision: Revision, path: str, text: str, by: User, row: int | None = None) -> Thread:
    """Say something about the field at `path` of `revision`, or about one row of it, counted from 0.

    Whoever sees the document and writes or judges documents may. It stays at the field in every later revision.
    """
    document = revision.document
    _require(by, document)
    said = _words(text)
    anchors.point(document.kind, revision.content, path, row)
    Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
    if Thread.objects.filter(document=document).count() >= MOST_THREADS:
        raise Conflict(f"There are {MOST_THREADS} threads here already. Answer in one of them.")
    same = Thread.objects.open().filter(revision=revision, path=path, row=row)
    if same.filter(comments__text=said, comments__by=by, comments__withdrawn_at__isnull=True).exists():
        raise Conflict(TWICE)
    thread = Thread.objects.create(document=document, revision=revision, path=path, row=row, begun_by=by)
    comment = Comment.objects.create(thread=thread, text=said, by=by)
    publish(ThreadBegun(**_told(thread), comment=comment.pk, digest=_digest(said), by=by))
    return thread


@transaction.atomic
def reply(*, thread: Thread, text: str, by: User) -> Comment:
    """Answer in a thread that is open. A correction of what one has said is another comment."""
    locked, said = _lock(thread, by), _words(text)
    if not locked.is_open:
        raise Conflict(f"{locked.resolved_by} has resolved this thread. Reopen it to go on.")
    return _write(locked, said, by)


@transaction.atomic
def resolve(*, thread: Thread, by: User, text: str = "") -> Thread:
    """Settle a thread, with a last word if there is one. Anybody who may comment on it does."""
    locked = _lock(thread, by)
    said = _words(text) if text.strip() else ""
    if not locked.is_open:
        raise Conflict(f"{locked.resolved_by} has resolved this thread already.")
    if said:
        _write(locked, said, by)
    return _settle(locked, by)


@transaction.atomic
def reopen(*, thread: Thread, by: User, text: str = "") -> Thread:
    """Take a settled thread up again, saying why if there is something to say."""
    locked = _lock(thread, by)
    said = _words(text) if text.strip() else ""
    if locked.is_open:
        raise Conflict("This thread is open already.")
    locked.resolved_at = locked.resolved_by = None
    locked.reopened_at, locked.reopened_by = timezone.now(), by
    locked.save(update_fields=["resolved_at", "resolved_by", "reopened_at", "reopened_by"])
    publish(ThreadReopened(**_told(locked), by=by))
    if said:
        _write(locked, said, by)
    return locked


@transaction.atomic
def withdraw(*, comment: Comment, by: User) -> Comment:
    """Take back what one has said oneself. That something was said stays; a thread in which nothing is left is resolved."""
    thread = _lock(comment.thread, by)
    one = Comment.objects.select_for_update(of=("self",)).select_related("by").get(pk=comment.pk)
    if one.by_id != by.pk:
        verdict = denied("not_your_comment", "Somebody else wrote this.", "Answer to it instead.")
        raise Refused(verdict, action=COMMENT, subject=thread.document)
    if one.is_withdrawn:
        raise Conflict("This comment was withdrawn already.")
    one.withdrawn_at = timezone.now()
    one.save(update_fields=["withdrawn_at"])
    publish(CommentWithdrawn(**_told(thread), comment=one.pk, digest=_digest(one.text), by=by))
    if thread.is_open and not thread.comments.filter(withdrawn_at__isnull=True).exists():
        _settle(thread, by)
    return one


def _require(by: User, document: Document) -> None:
    require(by, COMMENT, on=document)
    if not (verdict := may_comment(by)):
        raise Refused(verdict, action=COMMENT, subject=document)


def _lock(thread: Thread, by: User) -> Thread:
    """The thread as it is, locked: of two who answer and resolve at once, the later one sees what the earlier one did.

    Read again once it is locked: what is joined to a row that was waited for is as old as the question was.
    """
    _require(by, thread.document)
    Thread.objects.select_for_update().get(pk=thread.pk)
    return Thread.objects.whole().get(pk=thread.pk)


def _words(text: str) -> str:
    return required(text, field="text", missing="Write something.")


def _write(thread: Thread, said: str, by: User) -> Comment:
    if thread.comments.count() >= MOST_COMMENTS:
        raise Conflict(f"There are {MOST_COMMENTS} comments here already. Begin another thread.")
    last = thread.comments.order_by("pk").last()
    if last and (last.by_id, last.text, last.is_withdrawn) == (by.pk, said, False):
        raise Conflict(TWICE)
    comment = Comment.objects.create(thread=thread, text=said, by=by)
    publish(CommentWritten(**_told(thread), comment=comment.pk, digest=_digest(said), by=by))
    return comment


def _settle(thread: Thread, by: User) -> Thread:
    thread.resolved_at, thread.resolved_by = timezone.now(), by
    thread.save(update_fields=["resolved_at", "resolved_by"])
    publish(ThreadResolved(**_told(thread), by=by))
    return thread


def _told(thread: Thread) -> dict[str, Any]:
    """What every event about a thread carries."""
    return {
        "thread": thread,
        "document": thread.document,
        "revision": thread.revision,
        "path": thread.path,
    }


def _digest(said: str) -> str:
    return sha256(said.encode()).hexdigest()
