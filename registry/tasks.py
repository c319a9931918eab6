"""What workers do for the registry. MLflow is loaded here and nowhere in the portal."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from registry import passes
from registry.actions import hooks, roles
from registry.mlflow.deliveries import waiting_key
from registry.models import AliasOrder, KeptAnswer, TrackingServer, User, Version

log = logging.getLogger(__name__)
SLICE = 20  # versions that one task reads whole
BATCHES = 20  # of deliveries that one task deletes
LOST = timedelta(minutes=2)  # an order that waits longer than this has lost its task


@shared_task(name="registry.sync_all")
def sync_all() -> int:
    """Read every tracking server that is followed; returns how many."""
    servers = list(TrackingServer.objects.filter(paused_at=None).values_list("pk", flat=True))
    for pk in servers:
        sync_server.delay(pk, User.machine().pk)
    lost = AliasOrder.objects.filter(
        state=AliasOrder.State.WAITING, ordered_at__lt=timezone.now() - LOST, model__server__in=servers
    )
    for pk in lost.values_list("pk", flat=True):
        write_alias.delay(pk)
    return len(servers)


@shared_task(name="registry.tidy_roles")
def tidy_roles() -> int:
    """Tell of roles whose time is over; returns how many."""
    return roles.tidy(by=User.machine())


@shared_task(name="registry.sync_server")
def sync_server(server_id: int, by_id: int, order: str = "") -> list[str]:
    """Read one tracking server; returns what could not be read. Whoever has ordered it can follow `order`."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    passes.begun(order)
    try:
        outcome = sync.read(TrackingServer.objects.get(pk=server_id), by=User.objects.get(pk=by_id))
    except Exception:
        passes.ended(order, problems=["The worker failed. Its log says why."])
        raise
    busy = ["Another worker reads this server now; what it finds is shown too."] if outcome.busy else []
    passes.ended(
        order,
        problems=outcome.problems + busy,
        models_added=outcome.models_added,
        versions_added=outcome.versions_added,
    )
    for start in range(0, len(outcome.waiting), SLICE):
        read_versions.delay(server_id, outcome.waiting[start : start + SLICE], by_id)
    _hash_again(outcome.moved)
    return _told(server_id, outcome.problems)


@shared_task(name="registry.read_versions")
def read_versions(server_id: int, version_ids: Sequence[int], by_id: int) -> list[str]:
    """Read versions whole: run, MLmodel, files; returns what could not be read."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    server, by = TrackingServer.objects.get(pk=server_id), User.objects.get(pk=by_id)
    return _told(server_id, sync.read_contents(server, version_ids, by=by))


@shared_task(name="registry.reread_model")
def reread_model(server_id: int, name: str) -> list[str]:
    """Read one model again because the tracking server said so; hooks that came meanwhile need no task of their own."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    cache.delete(waiting_key(server_id, name))  # first: a hook that comes while we read is read again
    outcome = sync.reread(TrackingServer.objects.get(pk=server_id), name, by=User.machine())
    _hash_again(outcome.moved)
    return _told(server_id, outcome.problems)


@shared_task(name="registry.write_alias")
def write_alias(order_id: int) -> str:
    """Carry out an order for an alias; returns how it ended."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    order = AliasOrder.objects.select_related("model__server", "by").get(pk=order_id)
    if order.state == AliasOrder.State.WAITING:
        order = sync.write_alias(order, by=order.by)
    return str(order.state)


@shared_task(name="registry.create_hook")
def create_hook(server_id: int, by_id: int) -> str:
    """Create the webhook on a tracking server; returns its state."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    server = TrackingServer.objects.get(pk=server_id)
    address = settings.SITE_URL + reverse("mlflow-hook", args=[server.name])
    return str(sync.create_hook(server, address, by=User.objects.get(pk=by_id)).hook)


@shared_task(name="registry.rehash_all")
def rehash_all() -> int:
    """Hash every version's files again, one after another; returns how many. A changed byte ends the clearance."""
    present = Version.objects.present().filter(model__server__paused_at=None, manifests__isnull=False)
    versions = list(present.distinct().values_list("pk", flat=True))
    _hash_again(versions)
    return len(versions)


@shared_task(name="registry.rehash_version")
def rehash_version(version_id: int, by_id: int) -> str:
    """Hash the files of one version again; returns the digest."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    version = Version.objects.select_related("model__server", "run").get(pk=version_id)
    return sync.rehash(version, by=User.objects.get(pk=by_id))


@shared_task(name="registry.forget_answers")
def forget_answers() -> int:
    """Delete the answers whose day is over; returns how many. Until then an expired one counts as not there."""
    return KeptAnswer.objects.filter(expires_at__lte=timezone.now()).delete()[0]


@shared_task(name="registry.forget_deliveries")
def forget_deliveries() -> int:
    """Delete the deliveries that are older than is kept, in bounded batches; returns how many. The rest comes next time."""
    before = timezone.now() - timedelta(days=settings.DELIVERY_DAYS)
    count = 0
    for _ in range(BATCHES):
        forgotten = hooks.forget_deliveries(before=before, by=User.machine())
        count += forgotten
        if forgotten < hooks.BATCH:
            break
    return count


def _hash_again(version_ids: Sequence[int]) -> None:
    for pk in version_ids:
        rehash_version.delay(pk, User.machine().pk)


def _told(server_id: int, problems: list[str]) -> list[str]:
    for problem in problems:
        log.warning("tracking server %s: %s", server_id, problem)
    return problems
