"""Health, metrics, errors and the design reference."""

from __future__ import annotations

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from governance import showcase
from governance.models import Clearance, Letter, Review, Token
from registry.models import Model, Version

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Database and Redis answer; 503 names the one that does not."""
    found = {"database": _database(), "redis": _redis()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts for Prometheus: no names, nothing that a stranger may not know."""
    counts = {
        "cardinal_models": Model.objects.count(),
        "cardinal_versions": Version.objects.count(),
        "cardinal_versions_cleared": Clearance.objects.filter(allowed=True, environment="production").count(),
        "cardinal_reviews_open": Review.objects.open().count(),
        "cardinal_tokens_unrevoked": Token.objects.filter(revoked_at=None).count(),
        "cardinal_letters_waiting": Letter.objects.filter(state=Letter.State.WAITING).count(),
        "cardinal_letters_given_up": Letter.objects.filter(state=Letter.State.GIVEN_UP).count(),
    }
    lines = [f"# TYPE {name} gauge\n{name} {value}" for name, value in counts.items()]
    return HttpResponse("\n".join(lines) + "\n", content_type=PLAIN)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except DatabaseError:
        return False


def _redis() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1).ping())
    except redis.RedisError:
        return False


def gallery(request: HttpRequest) -> HttpResponse:
    """Every component of the design system on one page, for administrators."""
    if not request.user.is_staff:
        raise Http404
    return render(request, "gallery.html", showcase.context())
