"""What a token reaches, beside its models: read, checked, compared, and said in a sentence. Pure.

Each limit has a function of its own, so that the gate, the portal and the form judge it alike. What cannot be read does
not allow. A token never gives a right: policies and clearance still decide each query, and in the portal the role does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from governance.policies import ACTION_WORDS, ACTIONS, PURPOSE, Charge, Query
from governance.policies.conditions import Quota, Rate
from governance.policies.networks import Networks
from governance.policies.reading import Unreadable, listed

ALIAS = re.compile(r"[A-Za-z0-9_-]{1,255}\Z", re.ASCII)
MOST_MODELS, MOST_VERSIONS, MOST_NETWORKS = 100, 100, 100
LONGEST_TAG = 250

# What a token may do in the portal itself: scope → the permissions that the owner's role must hold anyway, and that
# pass. Whatever stands in no row is never done by token: to judge, to share, to publish a policy, to decide a risk
# class, to lift, to manage accounts.
PORTAL: dict[str, tuple[str, ...]] = {
    "read": (
        "registry.view_model",
        "registry.view_dataset",
        "registry.view_system",
        "governance.view_decision",
        "governance.view_token",
        "audit.view_entry",
    ),
    "sync": ("registry.sync_trackingserver",),
    "report": ("audit.order_report",),
    "token": ("governance.issue_token", "governance.revoke_token"),
    "introspect": (),
}
PORTAL_WORDS = {
    "read": "read in the portal",
    "sync": "read tracking servers anew",
    "report": "order reports",
    "token": "issue, rotate and revoke tokens",
    "introspect": "ask whether tokens are active",
}


@dataclass(frozen=True)
class Scope:
    """The limits of a token. Empty means no limit of this kind, but for actions and portal: there it means none."""

    actions: tuple[str, ...] = ()
    portal: tuple[str, ...] = ()
    tag: tuple[str, str] = ("", "")
    versions: tuple[int, ...] = ()
    alias: str = ""
    purpose: str = ""
    networks: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)


def problems(scope: Scope, models: int) -> dict[str, list[str]]:
    """What is wrong with a scope that names so many models: field → sentences; empty when a token may have it."""
    found: dict[str, list[str]] = {}
    if not scope.actions and not scope.portal:
        found["actions"] = [f"Choose from {', '.join(ACTIONS)}, or what it may do in the portal."]
    if not set(scope.actions) <= set(ACTIONS):
        found["actions"] = [f"Choose from {', '.join(ACTIONS)}."]
    if not set(scope.portal) <= set(PORTAL):
        found["portal"] = [f"Choose from {', '.join(PORTAL)}."]
    found |= _models(scope, models)
    found |= _versions(scope, models)
    if scope.purpose and not PURPOSE.match(scope.purpose):
        found["purpose"] = ["A purpose is written in small letters, digits and hyphens, at most 80."]
    if sentence := _unreadable_networks(scope.networks):
        found["networks"] = [sentence]
    try:
        charge("", scope.limits)
    except Unreadable as error:
        found["limits"] = [f"{str(error)[0].upper()}{str(error)[1:]}"]
    return found


def _models(scope: Scope, models: int) -> dict[str, list[str]]:
    key, value = scope.tag
    if key and models:
        return {"tag": ["Name models or a tag, not both."]}
    if (
        bool(key) != bool(value)
        or len(key) > LONGEST_TAG
        or len(value) > LONGEST_TAG
        or "\x00" in key + value
    ):
        return {"tag": [f"A tag is written key=value, each at most {LONGEST_TAG} characters."]}
    if scope.actions and not models and not key:
        return {"models": ["Choose at least one model, or a tag."]}
    if models > MOST_MODELS:
        return {"models": [f"A token names at most {MOST_MODELS} models; use a tag for more."]}
    return {}


def _versions(scope: Scope, models: int) -> dict[str, list[str]]:
    if scope.versions and scope.alias:
        return {"versions": ["Name versions or an alias, not both."]}
    if scope.versions and models != 1:
        return {"versions": ["Numbers of versions need exactly one model; use an alias for several."]}
    if len(scope.versions) > MOST_VERSIONS or not all(0 < n < 2**31 for n in scope.versions):
        return {"versions": [f"Name at most {MOST_VERSIONS} versions by their numbers, from 1 on."]}
    if scope.alias and not ALIAS.match(scope.alias):
        return {"alias": ["An alias has letters, digits, hyphens and underscores."]}
    return {}


def _unreadable_networks(networks: Sequence[str]) -> str:
    try:
        if networks:
            Networks.read(list(networks))
    except Unreadable as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}"
    return ""


def from_there(networks: tuple[str, ...], address: str) -> bool:
    """Whether a query from `address` is within the networks of a token. Nobody knows from where: it is not."""
    if not networks:
        return True
    ranges = _ranges(networks)
    return ranges is not None and bool(ranges.holds(Query("", frozenset(), "", _NEVER, network=address)))


def for_that(own: str, named: str) -> bool:
    """Whether a query that names this purpose, or none, is within the purpose of a token."""
    return not own or named in ("", own)


@lru_cache(maxsize=4096)
def _ranges(networks: tuple[str, ...]) -> Networks | None:
    try:
        return Networks.read(list(networks))
    except Unreadable:
        return None


_NEVER = datetime.min.replace(tzinfo=UTC)


def charge(token: str, limits: Mapping[str, Any]) -> Charge | None:
    """What has to be counted for each query of the token with this id; None without limits."""
    if set(limits) - {"rate", "quota"}:
        raise Unreadable("the limits of a token are its rate and its quota.")
    key = f"token:{token}"
    rate = Rate.read(limits["rate"], key) if limits.get("rate") else None
    quota = Quota.read(limits["quota"], key) if limits.get("quota") else None
    return Charge(key, rate, quota) if rate or quota else None


def beyond(new: Scope, own: Scope) -> list[str]:
    """In which words `new` reaches further than `own`: a token never gives more than it has. Models are compared elsewhere."""
    found = [
        word
        for word, given, held in (
            ("actions", new.actions, own.actions),
            ("what it may do in the portal", new.portal, own.portal),
        )
        if not set(given) <= set(held)
    ]
    for word, given, held in (
        ("versions", new.versions, own.versions),
        ("networks", new.networks, own.networks),
    ):
        if held and (not given or not set(given) <= set(held)):
            found.append(word)
    for word, one, other in (
        ("alias", new.alias, own.alias),
        ("purpose", new.purpose, own.purpose),
        ("limits", dict(new.limits), dict(own.limits)),
        ("tag", new.tag, own.tag),
    ):
        if other and other not in (("", ""), one):
            found.append(word)
    return found


def permitted(portal: Iterable[str]) -> frozenset[str]:
    """The permissions that pass with these scopes of the portal."""
    return frozenset(permission for scope in portal for permission in PORTAL.get(scope, ()))


def sentence(
    scope: Scope, *, owner: str, models: Sequence[str], environment: str, ends: datetime, over: bool = False
) -> str:
    """What the token can do and until when, in one sentence."""
    deeds = []
    if scope.actions:
        deeds.append(
            f"{listed((ACTION_WORDS.get(a, a) for a in scope.actions), 'and')} {_what(scope, models)} in {environment}"
        )
    if scope.portal:
        deeds.append(listed((PORTAL_WORDS.get(p, p) for p in scope.portal), "and"))
    text = f"{owner} {'could' if over else 'may'} {', and '.join(deeds) or 'do nothing'}"
    if scope.purpose:
        text += f", for the purpose {scope.purpose}"
    if scope.networks:
        text += f", from the network {listed(scope.networks, 'or')}"
    for one in _counted(scope):
        text += f", {one}"
    return f"{text}, until {ends.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def _what(scope: Scope, models: Sequence[str]) -> str:
    if scope.tag[0]:
        what = f"with every model tagged {scope.tag[0]}={scope.tag[1]}"
    elif models:
        what = f"with {listed(models, 'and')}"
    else:
        what = "with no model"
    if scope.versions:
        what += f" (version {listed(map(str, scope.versions), 'or')})"
    return f"{what} (the version called {scope.alias})" if scope.alias else what


def _counted(scope: Scope) -> list[str]:
    try:
        counted = charge("", scope.limits)
    except Unreadable:
        return ["within limits that cannot be read, so never"]
    return [one.words for one in (counted.rate, counted.quota) if one] if counted else []
