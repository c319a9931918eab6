"""What is said about a field of a revision. The words stay with the comment: the trail holds their SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Thread
    from registry.models import Document, Revision


@dataclass(frozen=True, kw_only=True)
class ThreadBegun(Event):
    """The first comment of a thread. `path` names the field, `comment` is the key of the comment, `digest` that of its words."""

    name: ClassVar[str] = "thread.begun"
    thread: Thread
    document: Document
    revision: Revision
    path: str
    comment: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class CommentWritten(Event):
    """An answer in a thread. `revision` is the one on which the thread was begun."""

    name: ClassVar[str] = "comment.written"
    thread: Thread
    document: Document
    revision: Revision
    path: str
    comment: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class CommentWithdrawn(Event):
    """Its author took a comment back; it is shown to nobody any more."""

    name: ClassVar[str] = "comment.withdrawn"
    thread: Thread
    document: Document
    revision: Revision
    path: str
    comment: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class ThreadResolved(Event):
    name: ClassVar[str] = "thread.resolved"
    thread: Thread
    document: Document
    revision: Revision
    path: str


@dataclass(frozen=True, kw_only=True)
class ThreadReopened(Event):
    name: ClassVar[str] = "thread.reopened"
    thread: Thread
    document: Document
    revision: Revision
    path: str
