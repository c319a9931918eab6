"""Nobody overwrites what they have not read, or reads what they know: ETag out, If-Match and If-None-Match in.

RFC 9110, 8.8.3 and 13; RFC 6585, 3.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="SHA-256 of the stored bytes, in quotes.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you have read. Needed as soon as there is something to overwrite.",
)


IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you have: if it still holds, the answer is 304 without a body.",
)
SAME = ("ETag", "Cache-Control", "Vary", "RateLimit", "RateLimit-Policy")  # what a 304 says of the object


class PreconditionRequired(APIException):
    """There is something already, and the client did not say what it has read."""

    status_code = 428
    default_detail = "There is something here already: read it, and send its ETag as If-Match."


class PreconditionFailed(APIException):
    """It is no longer what the client has read."""

    status_code = 412
    default_detail = (
        "This has changed since you read it: read it again, compare, and send its ETag as If-Match."
    )


def agree(request: Any, digest: str) -> None:
    """Go on only if the client has read what is here: `digest`, or "" for nothing."""
    wanted, none = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if none is not None and digest and ("*" in parse_etags(none) or f'"{digest}"' in parse_etags(none)):
        raise PreconditionFailed
    if wanted is None:
        if digest and none is None:
            raise PreconditionRequired
        return
    tags = parse_etags(wanted)  # a weak tag does not compare equal, as If-Match wants it
    if not digest or (f'"{digest}"' not in tags and tags != ["*"]):
        raise PreconditionFailed


def tagged(data: Any, digest: str, *, status: int = 200) -> Response:
    """An answer with its ETag."""
    return Response(data, status=status, headers={"ETag": f'"{digest}"'})


def fingerprint(data: Any) -> str:
    """The ETag of an object that has no digest of its own: the SHA-256 of its JSON as it is answered."""
    return hashlib.sha256(JSONRenderer().render(data)).hexdigest()


def unless_known(request: Any, answer: Response) -> Response | HttpResponse:
    """`answer` with an ETag, or 304 when the client has it already."""
    if request.method not in ("GET", "HEAD") or answer.status_code != 200:
        return answer
    answer.headers.setdefault("ETag", f'"{fingerprint(answer.data)}"')
    tags = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    if answer.headers["ETag"] not in tags and tags != ["*"]:
        return answer
    same = HttpResponse(
        status=304, headers={name: answer.headers[name] for name in SAME if name in answer.headers}
    )
    del same.headers["Content-Type"]  # there is no content
    return same
