"""What every operation has by inheritance, told in the schema by inheritance: no view writes it down, none can forget it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.renderers import JSONRenderer

from registry.api import once
from registry.api.doors import Door, Listing
from registry.api.limits import PerAccount
from registry.api.pages import Pages
from registry.api.preconditions import ETAG, IF_NONE_MATCH
from registry.api.problems import MEDIA, documented

KEY = OpenApiParameter(
    once.HEADER,
    {"type": "string", "minLength": 1, "maxLength": once.LONGEST + 2},
    OpenApiParameter.HEADER,
    description=(
        "Makes the request safe to repeat for 24 hours: sent again, it is answered as the first time and nothing is "
        f"done twice. A string in double quotes, or a bare token, of 1 to {once.LONGEST} printable characters; use a "
        "new UUID for each write."
    ),
    examples=[OpenApiExample("A UUID", value='"0192f3c0-7a31-7c55-9f6e-1f0d5b0c7e21"')],
)
REPLAYED = OpenApiParameter(
    once.REPLAYED,
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=[200, 201, 202, 204],
    description="The answer of an earlier request with the same Idempotency-Key; nothing was done this time.",
)
RETRY = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429], description="Seconds until it may work."
)
LIMITS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, response=[429], description=description)
    for name, description in (
        ("RateLimit-Policy", "How many requests an account has (q) in how many seconds (w)."),
        ("RateLimit", "How many are left (r), and in how many seconds they are full again (t)."),
    )
]
ALWAYS = (401, 406)
OF_WRITES = (400, 409, 422)
NOT_MODIFIED = "It is still what you have: `If-None-Match` names its ETag."


class Described(AutoSchema):
    """The schema of a view, with what `Door` does for each."""

    def get_override_parameters(self) -> list[Any]:
        given: list[Any] = super().get_override_parameters()
        if not isinstance(self.view, Door):
            return given
        if any(issubclass(one, PerAccount) for one in self.view.throttle_classes):
            given = [*given, RETRY, *LIMITS]
        if (
            self.method in once.WRITES and self.view.authentication_classes
        ):  # an answer is kept for an account
            given = [*given, KEY, REPLAYED]
        return [*given, ETAG, IF_NONE_MATCH] if self._is_one_object() else given

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        if not isinstance(self.view, Door):
            return answers
        for status in self._declines():
            if str(status) not in answers:
                answers[str(status)] = self._get_response_for_code(
                    documented(status), str(status), [MEDIA], direction
                )
        if self._is_one_object():
            answers["304"] = {"description": NOT_MODIFIED}
        return dict(sorted(answers.items()))

    def _get_pagination_parameters(self) -> list[dict[str, Any]]:
        if not isinstance(self.view, Listing) or self.method != "GET":
            return []
        found: list[dict[str, Any]] = Pages().get_schema_operation_parameters(self.view)
        return found

    def _declines(self) -> tuple[int, ...]:
        limited = (429,) if any(issubclass(one, PerAccount) for one in self.view.throttle_classes) else ()
        return (*ALWAYS, *limited, *(OF_WRITES if self.method in once.WRITES else ()))

    def _is_one_object(self) -> bool:
        """An answer with an ETag: not a list, and not a file."""
        return (
            isinstance(self.view, Door)
            and not isinstance(self.view, Listing)
            and self.method == "GET"
            and self.view.renderer_classes[0] is JSONRenderer
        )
