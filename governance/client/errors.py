"""What can come of a question besides its answer. No message ever holds a token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any


class CardinalError(Exception):
    """Everything that the client raises by itself."""


class Misconfigured(CardinalError):
    """It was not asked: address, token or certificate are missing or not fit to be used."""


class Unreachable(CardinalError):
    """No answer: no connection, no valid certificate, or it took too long."""


class Unexpected(CardinalError):
    """An answer that no portal gives: no JSON, too large, a redirect, or a part of it is missing."""


@dataclass(frozen=True)
class Reason:
    """One reason of a refusal. Build on `code`: it is stable."""

    code: str
    sentence: str
    remedy: str = ""


class Declined(CardinalError):
    """The portal answered with a problem (RFC 9457). `request_id` finds it in the portal's log."""

    def __init__(
        self,
        *,
        status: int,
        title: str,
        detail: str = "",
        request_id: str = "",
        reasons: tuple[Reason, ...] = (),
        fields: dict[str, tuple[str, ...]] | None = None,
        retry_after: float | None = None,
        place: str = "",
    ) -> None:
        self.status, self.title, self.detail, self.request_id = status, title, detail, request_id
        self.reasons, self.fields = reasons, fields or {}
        self.retry_after, self.place = retry_after, place
        super().__init__(self.sentence)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors of a pool of processes travel pickled."""
        return partial(type(self), **vars(self)), ()

    @property
    def sentence(self) -> str:
        """What went wrong, for people: every reason, or every field, or what the title says."""
        said = [f"{one.sentence} {one.remedy}".strip() for one in self.reasons]
        said += [f"{name}: {text}" for name, texts in self.fields.items() for text in texts]
        return " ".join(said) or self.detail or self.title or f"The portal answered {self.status}."

    @property
    def codes(self) -> tuple[str, ...]:
        """The reason codes of a refusal."""
        return tuple(one.code for one in self.reasons)


class Invalid(Declined):
    """Something that was sent cannot be accepted; `fields` says what (400, 413, 415, 422)."""


class NotSignedIn(Declined):
    """The token is unknown, over, waiting for its second person, or for the gate only (401)."""


class Refused(Declined):
    """A role, a rule or the token's scope forbids it; `reasons` says why (403)."""


class NotThere(Declined):
    """It does not exist, or it is not shared with whoever asks (404)."""


class Conflict(Declined):
    """Its state does not allow this (409). With `place`: it was done before, and its secret was told then."""


class Changed(Declined):
    """It is no longer what was read, or nobody said what was read (412, 428). Read again, then decide."""


class TooMany(Declined):
    """Asked too often (429); in `retry_after` seconds there is room again."""


class Failed(Declined):
    """The portal itself failed (5xx)."""


BY_STATUS: dict[int, type[Declined]] = {
    401: NotSignedIn,
    403: Refused,
    404: NotThere,
    409: Conflict,
    412: Changed,
    428: Changed,
    429: TooMany,
}


def of_status(status: int) -> type[Declined]:
    """The kind of problem that goes with a status."""
    return BY_STATUS.get(status, Failed if status >= 500 else Invalid)
