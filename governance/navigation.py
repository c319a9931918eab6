"""The side bar: which pages there are for this person, how many reviews wait, how many notices are unread, and whether everything is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from governance.inbox import counts
from governance.models.notices import MOST_COUNTED

PLACES = (
    # label, url name, icon, path prefix, permission that shows it ("" for everybody), group it stands in
    ("Home", "home", "home", "/", "", ""),
    ("Inbox", "inbox", "bell", "/inbox/", "", ""),
    ("Models", "models", "model", "/models/", "", "Registry"),
    ("Datasets", "datasets", "dataset", "/datasets/", "", "Registry"),
    ("Systems", "systems", "system", "/systems/", "", "Registry"),
    ("What is affected", "affected", "lineage", "/lineage/", "", "Registry"),
    ("Imports", "imports", "upload", "/imports/", "", "Registry"),
    ("Tracking servers", "servers", "service", "/servers/", "registry.sync_trackingserver", "Registry"),
    ("Reviews", "reviews", "review", "/reviews/", "", "Control"),
    ("Policies", "policies", "policy", "/policies/", "", "Control"),
    ("Tokens", "tokens", "token", "/tokens/", "", "Control"),
    ("Anomalies", "anomalies", "health", "/anomalies/", "", "Control"),
    ("Stops", "stops", "stop", "/stops/", "", "Control"),
    ("Review rules", "review-rules", "certificate", "/review-rules/", "", "Control"),
    ("Document rules", "severities", "datasheet", "/document-rules/", "", "Control"),
    ("People", "people", "user", "/people/", "registry.view_rolegrant", "Control"),
    ("Teams", "teams", "users", "/teams/", "", "Control"),
    ("Duties", "duties", "audit", "/duties/", "registry.view_rolegrant", "Control"),
    ("Decisions", "decisions", "decision", "/decisions/", "governance.view_decision", "Proof"),
    ("Reports", "reports", "report", "/reports/", "", "Proof"),
    ("Trail", "trail", "trail", "/trail/", "", "Proof"),
)


SHOWN = 120  # of the reason


@dataclass(frozen=True)
class Place:
    """An item of the side bar."""

    label: str
    url: str
    icon: str
    group: str
    current: bool
    count: int = 0


def context(request: HttpRequest) -> dict[str, Any]:
    """What every page needs besides its content. One query, for what waits, what is unread and what is stopped."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or _is_part(request):
        return {"navigation": []}
    waiting, unread, stopped = counts(user)
    places = []
    for label, name, icon, prefix, permission, group in PLACES:
        if permission and not user.has_perm(permission):
            continue
        current = request.path == "/" if prefix == "/" else request.path.startswith(prefix)
        count = {"reviews": waiting, "inbox": unread}.get(name, 0)
        places.append(Place(label, reverse(name), icon, group, current, count))
    told = {"navigation": places, "unread": unread, "unread_most": MOST_COUNTED}
    if stopped:
        text = f"All queries are stopped: {stopped if len(stopped) <= SHOWN else f'{stopped[:SHOWN]}…'}"
        told["banner"] = {"state": "critical", "label": "Emergency", "text": text, "url": reverse("stops")}
    return told


def _is_part(request: HttpRequest) -> bool:
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted
