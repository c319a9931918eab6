"""Home: what needs me now."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.models import Clearance, Review, Token
from registry.models import Model, TrackingServer, Version
from registry.request import PortalRequest

SOON = timedelta(days=14)
ROWS = 8


def home(request: PortalRequest) -> HttpResponse:
    """Reviews that wait for me, what I sent back or was sent back to me, ungoverned models, what ends soon, coverage."""
    user, now = request.user, timezone.now()
    models = Model.objects.visible_to(user)
    ungoverned = models.exclude(versions__card__isnull=False).order_by("-created_at")
    production = Clearance.objects.visible_to(user).filter(environment="production")
    coverage = production.aggregate(cleared=Count("pk", filter=Q(allowed=True)), total=Count("pk"))
    mine = Review.objects.visible_to(user).filter(submitted_by=user).with_subject()
    mine = mine.exclude(
        document__reviews__submitted_at__gt=F("submitted_at")
    )  # what was sent back and sent again
    context = {
        "awaiting": Review.objects.awaiting(user).with_subject().order_by("submitted_at")[:ROWS]
        if user.has_perm("governance.judge_review")
        else [],
        "mine": mine.filter(state__in=["in_review", "changes_requested"]).order_by("-submitted_at")[:ROWS],
        "ungoverned": ungoverned.select_related("server")[:ROWS],
        "ending": Token.objects.filter(
            owner=user, revoked_at=None, expires_at__range=(now, now + SOON)
        ).order_by("expires_at")[:ROWS],
        "not_cleared": production.filter(allowed=False, version__card__isnull=False)
        .select_related("version__model")
        .order_by("-assessed_at")[:ROWS],
        "coverage": coverage,
        "servers": TrackingServer.objects.order_by("name")
        if user.has_perm("registry.sync_trackingserver")
        else [],
        "version_count": Version.objects.visible_to(user).count(),
    }
    return render(request, "home.html", context)
