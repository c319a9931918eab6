"""What every request of the portal passes: an id, a content policy, and one place that answers domain errors."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import Resolver404, resolve

from governance import refusals
from registry.errors import DomainError, Invalid, Refused

Handler = Callable[[HttpRequest], HttpResponse]
NOT_A_PAGE = 405  # where a form sends to, opened like a page
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")

request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Puts the request's id on every log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class RequestId:
    """Takes a plain X-Request-ID from in front, or makes one; hands it back."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        # Not reset afterwards: the framework logs a refusal when the middleware is done. The next request sets its own.
        request_id.set(given if PLAIN_ID.match(given) else uuid.uuid4().hex)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id.get()
        return response


class Compressed(GZipMiddleware):
    """Sends pages, style sheets, scripts and drawings compressed: what a first load weighs is mostly text.

    The interface is left alone: compression would make its ETags weak, and If-Match compares strong ones (RFC 9110,
    13.1.1). Against guessing a secret from the size of an answer (BREACH) Django masks the form token on every page and
    pads each answer with random bytes.
    """

    TEXTS = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the texts of the portal."""
        if request.path.startswith("/api/") or not response.get("Content-Type", "").startswith(self.TEXTS):
            return response
        return super().process_response(request, response)


class OrdinaryRequests:
    """Pages are read with GET and changed with POST; an address with a NUL, which no database takes, is no address."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):  # has methods and errors of its own
            return self.get_response(request)
        if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if "\x00" in request.path or any(
            "\x00" in value for _, values in request.GET.lists() for value in values
        ):
            raise BadRequest("The address holds a NUL character.")
        response = self.get_response(request)
        if response.status_code == NOT_A_PAGE and request.method == "GET":
            return not_a_page(request, response["Allow"])
        return response


def not_a_page(request: HttpRequest, allowed: str) -> HttpResponse:
    """What, why, and the way to the page that the form stands on, where the address tells it."""
    parent = f"{request.path.rstrip('/').rpartition('/')[0]}/"
    try:
        resolve(parent)
    except Resolver404:
        parent = ""
    context = {"next_url": parent if parent != "/" else "", "next_label": "Go to the page with the form"}
    answer = render(request, "errors/405.html", context, status=NOT_A_PAGE)
    answer["Allow"] = allowed
    return answer


class ContentSecurityPolicy:
    """Nothing inline, nothing from elsewhere."""

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response


class DomainErrors:
    """A verb declined: the refusal is kept, and the reader gets what, why and what next."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        if isinstance(error, Refused):
            refusals.keep(error, by=request.user)
        return render(request, f"errors/{error.status}.html", explained(error), status=error.status)


def explained(error: DomainError) -> dict[str, object]:
    """What, why, and what to do next."""
    if isinstance(error, Refused):
        reasons = [reason.sentence for reason in error.verdict.reasons]
        return {"reasons": reasons, "next": error.verdict.reasons[0].remedy, "request_id": request_id.get()}
    if isinstance(error, Invalid) and error.fields:
        return {
            "reasons": [one for many in error.fields.values() for one in many],
            "request_id": request_id.get(),
        }
    return {"reasons": [str(error)], "request_id": request_id.get()}
