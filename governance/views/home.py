"""Home: what needs me now."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.models import BreakGlass, Clearance, Review, Standing, Stop, Token
from governance.permissions import may_lift
from registry.models import Alias, Endpoint, Model, TrackingServer, User, Version, visible_models
from registry.request import PortalRequest

SOON = timedelta(days=14)
ROWS = 8
MOST_STOPS = 100  # looked at for those that one may lift


def home(request: PortalRequest) -> HttpResponse:
    """What is used and not governed, reviews that wait for me, what I sent back or was sent back to me, ungoverned models, what ends soon, coverage."""
    user, now = request.user, timezone.now()
    models = Model.objects.visible_to(user)
    ungoverned = models.present().exclude(versions__card__isnull=False).order_by("-created_at")
    production = Clearance.objects.visible_to(user).filter(environment="production")
    standings = Standing.objects.filter(visible_models(user, "model"), environment="production")
    coverage = standings.aggregate(
        cleared=Count("pk", filter=Q(state=Standing.State.CLEARED)), total=Count("pk")
    )
    mine = Review.objects.visible_to(user).filter(submitted_by=user).named()
    mine = mine.exclude(
        document__reviews__submitted_at__gt=F("submitted_at")
    )  # what was sent back and sent again
    context = {
        "stops": stops_seen(user),
        "glasses": BreakGlass.objects.visible_to(user)
        .open()
        .select_related("version__model", "asked_by", "granted_by")
        .order_by("-asked_at")[:ROWS],
        "due": Review.objects.visible_to(user).due_again().named().order_by("closed_at")[:ROWS],
        "awaiting": Review.objects.awaiting(user).named().order_by("submitted_at")[:ROWS]
        if user.has_perm("governance.judge_review")
        else [],
        "mine": mine.filter(state__in=["in_review", "changes_requested"]).order_by("-submitted_at")[:ROWS],
        "in_use": in_use_without_clearance(user)[:ROWS],
        "ungoverned": ungoverned.select_related("server").only("name", "slug", "created_at", "server__name")[
            :ROWS
        ],
        "ending": Token.objects.filter(
            owner=user, revoked_at=None, expires_at__range=(now, now + SOON)
        ).order_by("expires_at")[:ROWS],
        "not_cleared": production.filter(allowed=False, version__card__isnull=False)
        .select_related("version__model")
        .only("conditions", "version__number", "version__model__name", "version__model__slug")
        .order_by("-assessed_at")[:ROWS],
        "coverage": coverage,
        "servers": TrackingServer.objects.visible_to(user).order_by("name"),
    }
    return render(request, "home.html", context)


def stops_seen(user: User) -> list[tuple[Stop, bool]]:
    """What is stopped, and whether one may lift it: those that one may come first. One query."""
    rows = Stop.objects.visible_to(user).in_force().select_related("model", "token__owner__service", "by")
    found = [(one, bool(may_lift(user, one))) for one in rows.order_by("-stopped_at", "-pk")[:MOST_STOPS]]
    # That everything is stopped, the banner of every page tells; here it stands for those who can end it.
    shown = [(one, may) for one, may in found if may or one.reach != Stop.Reach.ALL]
    return sorted(shown, key=lambda pair: not pair[1])[:ROWS]


def in_use_without_clearance(user: User) -> QuerySet[Version]:
    """Versions that hold an alias or serve, and are not cleared for production: somebody may rely on them already."""
    of_this = {"version": OuterRef("pk")}
    used = Exists(Alias.objects.filter(**of_this)) | Exists(Endpoint.objects.filter(**of_this))
    cleared = Exists(Clearance.objects.filter(**of_this, environment="production", allowed=True))
    rows = Version.objects.visible_to(user).present().filter(used, ~cleared)
    rows = rows.select_related("model", "card").prefetch_related("aliases").order_by("-registered_at", "pk")
    return rows.only("number", "registered_at", "model__name", "model__slug", "card__kind")
