"""Where tracking servers deliver their webhooks. A hook means "go and re-read", and is never data."""

from __future__ import annotations

import logging
import time

from celery import current_app
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from registry import ciphers
from registry.actions import hooks
from registry.errors import Conflict
from registry.mlflow import deliveries
from registry.models import TrackingServer, User

log = logging.getLogger(__name__)
GATHERING_SECONDS = 1  # hooks of one model that come meanwhile are read with it
LONGEST_LENGTH = 12  # digits
FORGET_SECONDS = 60  # a task that was lost is not waited for longer than this


@login_not_required
@csrf_exempt
def mlflow(request: HttpRequest, server: str) -> HttpResponse:
    """Verify, keep, answer; a worker reads the model again. Unknown servers and wrong signatures look alike."""
    if request.method != "POST":
        return _problem(401, "Webhooks are delivered by POST, with a signature.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or len(length) > LONGEST_LENGTH or int(length) > deliveries.LARGEST_BYTES:
        return _problem(413, f"A delivery has at most {deliveries.LARGEST_BYTES} bytes.")
    body = request.read(deliveries.LARGEST_BYTES + 1)
    if len(body) > deliveries.LARGEST_BYTES:
        return _problem(413, f"A delivery has at most {deliveries.LARGEST_BYTES} bytes.")
    followed = TrackingServer.objects.filter(name=server, paused_at=None).first()
    delivery_id = request.headers.get("X-MLflow-Delivery-Id", "")
    try:
        deliveries.verify(
            body,
            delivery_id=delivery_id,
            timestamp=request.headers.get("X-MLflow-Timestamp", ""),
            signature=request.headers.get("X-MLflow-Signature", ""),
            secret=ciphers.unseal(followed.sealed_hook_secret) if followed else "",
            now=time.time(),
        )
    except (deliveries.Unsigned, Conflict) as problem:
        log.warning("webhook for %s refused: %s", server, problem)
        return _problem(401, "The delivery is not signed as agreed.")
    assert followed is not None  # noqa: S101 - nothing verifies without its secret
    try:
        told = deliveries.about(body)
    except (ValueError, RecursionError):
        return _problem(400, "The delivery is no event of MLflow about a model.")
    if hooks.keep_delivery(
        server=followed,
        delivery_id=delivery_id,
        event=told.event,
        model=told.model,
        body=body,
        by=User.machine(),
    ):
        _read_again(followed, told.model)
    return HttpResponse(status=202)


def _read_again(server: TrackingServer, model: str) -> None:
    """One task for all hooks of one model that come within a second. A lost task is repaired by the next full read."""
    if cache.add(deliveries.waiting_key(server.pk, model), 1, FORGET_SECONDS):
        transaction.on_commit(
            lambda: current_app.send_task(
                "registry.reread_model", [server.pk, model], countdown=GATHERING_SECONDS, retry=False
            ),
            robust=True,  # kept is kept: a broker that is away must not make the tracking server send again
        )


def _problem(status: int, detail: str) -> HttpResponse:
    titles = {400: "Bad Request", 401: "Unauthorized", 413: "Content Too Large"}
    body = {"type": "about:blank", "title": titles[status], "status": status, "detail": detail}
    answer = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == 401:
        answer["WWW-Authenticate"] = 'HMAC realm="Cardinal"'
    return answer
