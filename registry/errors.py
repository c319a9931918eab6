"""The few ways in which a verb can decline. One middleware and one API handler turn them into answers."""

from __future__ import annotations

from registry.verdict import Verdict


class DomainError(Exception):
    """A verb declined. Nothing was changed; the message is a sentence for the reader."""

    status = 400
    title = "This could not be done."


class Invalid(DomainError):
    """What was given cannot be accepted. `fields` maps a field's name to the sentences about it (400)."""

    status = 400
    title = "Some of what was given cannot be accepted."

    def __init__(self, message: str = "", *, fields: dict[str, list[str]] | None = None) -> None:
        self.fields = fields or {}
        super().__init__(message or "; ".join(m for ms in self.fields.values() for m in ms))


class Missing(DomainError):
    """The object does not exist, or not for this person (404)."""

    status = 404
    title = "There is nothing here."


class Conflict(DomainError):
    """Somebody else was faster, or the object is no longer in a state that allows this (409)."""

    status = 409
    title = "This has changed in the meantime."


class Refused(DomainError):
    """A rule forbids it. Carries the verdict with every reason; the refusal itself is kept in the trail (403)."""

    status = 403
    title = "This is not allowed."

    def __init__(self, verdict: Verdict, *, action: str = "", subject: object = None) -> None:
        self.verdict = verdict
        self.action = action
        self.subject = subject
        super().__init__(" ".join(reason.sentence for reason in verdict.reasons))
