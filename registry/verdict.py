"""An answer with all of its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """Why not. `code` is stable and documented; `sentence` says what is wrong; `remedy` what to do next."""

    code: str
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """Allowed exactly when there is no reason against it; truthy when allowed."""

    reasons: tuple[Reason, ...] = field(default=())

    def __bool__(self) -> bool:
        return not self.reasons

    @property
    def allowed(self) -> bool:
        return not self.reasons


ALLOWED = Verdict()


def denied(code: str, sentence: str, remedy: str = "") -> Verdict:
    """A verdict with one reason."""
    return Verdict((Reason(code, sentence, remedy),))
