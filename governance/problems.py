"""RFC 9457 problem details for every error of the API."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from governance import refusals
from governance.middleware import request_id
from registry.canonical import NotCanonical
from registry.errors import DomainError, Invalid, Refused


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a verb or the framework raised; anything else is a bug and stays one."""
    request = context["request"]  # a problem is JSON also where the answer would have been a file or YAML
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    if isinstance(error, NotCanonical):
        error = Invalid(str(error))
    if isinstance(error, (SuspiciousOperation, MultiPartParserError)):
        status = 413 if isinstance(error, RequestDataTooBig) else 400
        return _problem(status, Invalid.title, "The request cannot be read.")
    if isinstance(error, DomainError):
        if isinstance(error, Refused):
            refusals.keep(error, by=context["request"].user)
        return _problem(error.status, error.title, str(error), **_extras(error))
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        problem = _problem(400, Invalid.title, "See the fields.", errors=error.detail)
    elif isinstance(error, (Http404, exceptions.NotFound)):
        problem = _problem(
            404, "There is nothing here.", "There is no such object, or it is not shared with you."
        )
    else:
        detail = str(getattr(error, "detail", error))
        problem = _problem(answer.status_code, answer.status_text, detail)
    for name, value in {**answer.headers, "Location": getattr(error, "place", "")}.items():
        if value and name.lower() in ("www-authenticate", "retry-after", "allow", "location"):
            problem[name] = value
    return problem


def _extras(error: DomainError) -> dict[str, Any]:
    if isinstance(error, Refused):
        return {"reasons": [vars(reason) for reason in error.verdict.reasons]}
    if isinstance(error, Invalid) and error.fields:
        return {"errors": error.fields}
    return {}


def _problem(status: int, title: str, detail: str, **extras: Any) -> Response:
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id.get(),
    }
    return Response(body | extras, status=status, content_type="application/problem+json")
