"""What comes from elsewhere: files that others wrote, and the tracking server's word that something has changed.

The files lie in imports/. One waits to be used; the others are used at once, and what they propose is left for
somebody to accept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from governance.actions import filters
from governance.demo import FILTER, README, SKETCHED
from governance.embedded.places import replace
from governance.models import SavedFilter
from registry import canonical
from registry.actions import imports, servers
from registry.models import Dataset, Import, TrackingServer, User, Version

HERE = Path(__file__).parent / "imports"
PIPELINE, CROISSANT = "dvc.lock", f"{SKETCHED}.croissant.json"
PATIENCE = 60.0
Account = Mapping[str, User]


def files(people: Account) -> None:
    """A supplier's README waits; a pipeline goes into a lineage, and a description of data into a first datasheet."""
    _take(README, None, people["owner"])
    _take(PIPELINE, Version.objects.get(model__name="credit-scorer", number=1), people["owner"])
    _take(CROISSANT, Dataset.objects.get(name=SKETCHED), people["owner"])


def saved_filter(people: Account) -> None:
    """What compliance looks at every morning, as a tab above the list of models."""
    if not SavedFilter.objects.visible_to(people["compliance"]).filter(name=FILTER).exists():
        filters.save(page="models", name=FILTER, query="risk=high&state=not-cleared", by=people["compliance"])


def wants_hook(folder: Path) -> bool:
    """No webhook was set up yet, or the portal had another address then."""
    return not _told(folder).exists() or _told(folder).read_text() != settings.SITE_URL


def order_hook(server: TrackingServer, people: Account) -> None:
    """Let the worker create the webhook on the tracking server, which has to answer."""
    servers.order_hook(server=server, by=people["admin"])


def wait_for_hook(folder: Path, server: TrackingServer) -> str:
    """Wait for the worker; returns what went wrong, or nothing."""
    deadline = time.monotonic() + PATIENCE
    while server.hook == TrackingServer.Hook.ORDERED and time.monotonic() < deadline:
        time.sleep(0.2)
        server.refresh_from_db()
    if server.hook != TrackingServer.Hook.ACTIVE:
        return server.hook_problem or "The worker did not set it up in time; see its log."
    replace(_told(folder), settings.SITE_URL)
    return ""


def _take(name: str, about: Version | Dataset | None, by: User) -> None:
    raw = (HERE / name).read_bytes()
    if not Import.objects.filter(digest=canonical.digest(raw), by=by).exists():
        imports.take(name=name, raw=raw, about=about, by=by)


def _told(folder: Path) -> Path:
    """Holds the address that the tracking server delivers to."""
    return folder / "webhook"
