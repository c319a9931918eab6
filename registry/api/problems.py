"""How the schema tells what can go wrong: RFC 9457 problem details, one documented answer for each status."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

MEDIA = "application/problem+json"


class ReasonOut(serializers.Serializer[Any]):
    """One reason against it."""

    code = serializers.CharField(help_text="Stable; build on this.")
    sentence = serializers.CharField(help_text="What is wrong.")
    remedy = serializers.CharField(allow_blank=True, help_text="What to do next.")


class Problem(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(
        help_text="Also in the header X-Request-ID and in every line of the log."
    )
    reasons = ReasonOut(many=True, required=False, help_text="With 403: every reason of the refusal.")
    errors = serializers.DictField(required=False, help_text="With 400: field → sentences.")  # type: ignore[assignment]


# status: title, what it means, what the body holds besides
MEANINGS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: (
        "Some of what was given cannot be accepted.",
        "Something that was given cannot be accepted; `errors` names the fields.",
        {"errors": {"name": ["This field may not be blank."]}},
    ),
    401: ("Unauthorized", "Nobody is signed in.", {}),
    403: (
        "This is not allowed.",
        "You may see it, but your role or a rule forbids this. The refusal is kept in the trail.",
        {
            "reasons": [
                {
                    "code": "role_missing",
                    "sentence": "Your role does not allow this.",
                    "remedy": "Ask an administrator.",
                }
            ]
        },
    ),
    404: ("There is nothing here.", "It does not exist, or it is not shared with you.", {}),
    406: ("Not Acceptable", "The answer is JSON; accept application/json.", {}),
    409: (
        "This has changed in the meantime.",
        "Somebody else was faster, or its state no longer allows this.",
        {},
    ),
    412: ("Precondition Failed", "It has changed since you read it.", {}),
    413: ("Request Entity Too Large", "The body is too large.", {}),
    415: ("Unsupported Media Type", "Send JSON, as application/json.", {}),
    422: ("Unprocessable Entity", "This Idempotency-Key was used for another request.", {}),
    428: ("Precondition Required", "There is something to overwrite: send If-Match.", {}),
    429: ("Too Many Requests", "This account has asked too often; wait as long as Retry-After says.", {}),
}
READ = (401, 404)
WRITE = (400, 401, 403, 404, 409, 413, 415)


def described(
    operation: str,
    summary: str,
    tag: str,
    answers: dict[Any, Any],
    *,
    declines: tuple[int, ...] = READ,
    **rest: Any,
) -> Any:
    """Describe an operation: its id, its summary, what it answers, and how it can decline."""
    problems = {(status, MEDIA): documented(status) for status in sorted(declines)}
    responses = {**answers, **problems}
    return extend_schema(operation_id=operation, summary=summary, tags=[tag], responses=responses, **rest)


def documented(status: int) -> OpenApiResponse:
    """The answer with this status, its meaning, and an example."""
    title, meaning, more = MEANINGS[status]
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": meaning,
        "request_id": "7f0c9b6e",
    } | more
    example = OpenApiExample(
        "Problem", summary=title, value=body, response_only=True, status_codes=[str(status)], media_type=MEDIA
    )
    return OpenApiResponse(Problem, description=meaning, examples=[example])
