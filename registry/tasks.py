"""What workers do for the registry. MLflow is loaded here and nowhere in the portal."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from registry.models import KeptAnswer, TrackingServer, User, Version

log = logging.getLogger(__name__)


@shared_task(name="registry.sync_all")
def sync_all() -> int:
    """Read every tracking server; returns how many."""
    servers = list(TrackingServer.objects.values_list("pk", flat=True))
    for pk in servers:
        sync_server.delay(pk, User.machine().pk)
    return len(servers)


@shared_task(name="registry.sync_server")
def sync_server(server_id: int, by_id: int) -> list[str]:
    """Read one tracking server; returns what could not be read."""
    from registry import sync  # noqa: PLC0415 - MLflow loads in the worker only

    outcome = sync.read(TrackingServer.objects.get(pk=server_id), by=User.objects.get(pk=by_id))
    for problem in outcome.problems:
        log.warning("tracking server %s: %s", server_id, problem)
    return outcome.problems


@shared_task(name="registry.rehash_all")
def rehash_all() -> int:
    """Hash every version's files again, one after another; returns how many. A changed byte ends the clearance."""
    versions = list(Version.objects.filter(manifests__isnull=False).distinct().values_list("pk", flat=True))
    for pk in versions:
        rehash_version.delay(pk, User.machine().pk)
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
