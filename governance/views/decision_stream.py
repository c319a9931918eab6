"""Decisions as they are made: server-sent events, a bounded number of them, and the same asked once.

A stream holds a thread of the portal. So it ends by itself and is taken up again where it ended (Last-Event-ID), there
are at most `MOST` at once, and whoever finds no place asks every few seconds instead.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from governance.finding.decisions import Chosen, chosen
from governance.models import Decision
from registry.models import User
from registry.permissions import require
from registry.request import PortalRequest

log = logging.getLogger(__name__)

SECONDS = 25.0  # then the browser comes again
TICK = 1.0  # one look a second
MOST, MOST_EACH = 16, 3  # streams of one process; of one account
MOST_ROWS = 50  # told at once; of more only the newest
# A decision is stored a moment after it was made, so one that is older than the last may come later.
OVERLAP = timedelta(seconds=3)
LONGEST_GAP = timedelta(minutes=10)  # who was away longer reads the list
PERMISSION = "governance.view_decision"


class Places:
    """Who streams. A place is given back, or falls free when its stream must be over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, tuple[int, float]] = {}
        self._next = 0

    def take(self, user: int) -> int | None:
        """A place, or None."""
        with self._lock:
            now = time.monotonic()
            self._taken = {key: one for key, one in self._taken.items() if one[1] > now}
            mine = sum(owner == user for owner, _ in self._taken.values())
            if len(self._taken) >= MOST or mine >= MOST_EACH:
                return None
            self._next += 1
            self._taken[self._next] = user, now + 2 * SECONDS
            return self._next

    def leave(self, place: int) -> None:
        """Give it back."""
        with self._lock:
            self._taken.pop(place, None)


PLACES = Places()


class Look:
    """Looks for decisions since the last look: each is told once, in the order of their arrival."""

    def __init__(self, asked: Chosen, since: datetime) -> None:
        self._asked, self.newest = asked, since
        self._floor = since - OVERLAP
        self._told: dict[str, datetime] = {}

    def again(self, user: User) -> dict[str, Any] | None:
        """What is new for `user`, or None. One query."""
        self._floor = max(self._floor, self.newest - OVERLAP)
        self._told = {key: at for key, at in self._told.items() if at >= self._floor}
        rows = self._asked.of(Decision.objects.visible_to(user).filter(decided_at__gte=self._floor))
        rows = rows.exclude(pk__in=list(self._told)) if self._told else rows
        found = list(rows.order_by("-decided_at", "-pk")[: MOST_ROWS + 1])
        more, found = len(found) > MOST_ROWS, found[:MOST_ROWS]
        if not found:
            return None
        if more:  # what was passed over is not brought up later
            self._floor = found[-1].decided_at
        self._told |= {str(one.pk): one.decided_at for one in found}
        self.newest = max(self.newest, found[0].decided_at)
        return {
            "rows": render_to_string("governance/decision_rows.html", {"rows": found}),
            "count": len(found),
            "refused": sum(not one.allowed for one in found),
            "more": more,
            "after": self.newest.isoformat(),
        }


class Events:
    """The stream of one browser. Closed by whoever serves it, also when the browser is gone."""

    def __init__(self, request: PortalRequest, look: Look, place: int) -> None:
        self._request, self._look, self._place = request, look, place
        self._events = self._run()

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """Gives the place back."""
        self._events.close()
        PLACES.leave(self._place)

    def _run(self) -> Generator[bytes, None, None]:
        end = time.monotonic() + SECONDS
        yield b"retry: 1000\n\n"
        try:
            while time.monotonic() < end:
                user = _still(self._request)
                if user is None:
                    yield b"event: over\ndata: {}\n\n"
                    return
                found = self._look.again(user)
                yield _event(found) if found else b": nothing new\n\n"
                time.sleep(TICK)
        except DatabaseError as error:  # the browser comes again; half an event is none
            log.warning("decisions.stream_broken", extra={"error": type(error).__name__})


def stream(request: PortalRequest) -> HttpResponseBase:
    """Decisions that fit the filters, as they are made."""
    require(request.user, PERMISSION)
    place = PLACES.take(request.user.pk)
    if place is None:
        busy = HttpResponse(
            "All places are taken; ask again in a moment.\n", content_type="text/plain", status=429
        )
        busy["Retry-After"] = "10"
        return busy
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    events = Events(request, Look(chosen(request.GET), _moment(after)), place)
    answer = StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # nginx hands each event on at once
    return answer


def newer(request: PortalRequest) -> JsonResponse:
    """The same, asked once."""
    require(request.user, PERMISSION)
    since = _moment(request.GET.get("after", ""))
    found = Look(chosen(request.GET), since).again(request.user)
    answer = JsonResponse(
        found or {"rows": "", "count": 0, "refused": 0, "more": False, "after": since.isoformat()}
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _still(request: PortalRequest) -> User | None:
    """Who asks, looked at anew: signed in, switched on, and still allowed to."""
    if not request.session.exists(request.session.session_key or ""):
        return None
    user = User.objects.filter(pk=request.user.pk, is_active=True).first()
    return user if user and user.has_perm(PERMISSION) else None


def _event(found: dict[str, Any]) -> bytes:
    return f"id: {found['after']}\nevent: decisions\ndata: {json.dumps(found)}\n\n".encode()


def _moment(text: str) -> datetime:
    """Since when to look. Whatever cannot be read is now; a long absence is cut short."""
    now = timezone.now()
    try:
        found = parse_datetime(text[:40])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        return now
    return min(max(found, now - LONGEST_GAP), now + LONGEST_GAP)
