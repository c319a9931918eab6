"""Every route of the portal, who calls it, and about what: what the matrix of routes and roles is walked with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from registry.actions import catalogue, roles
from registry.models import User
from tests import factories
from tests.pages.stand import Stand, furnished

CALLERS = ("anonymous", "outsider", "viewer", "owner", "reviewer", "compliance", "auditor", "admin")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAKERS = ("owner", "reviewer", "compliance", "auditor", "admin")

# The parts of an address of the REST interface: start of the path → name of the part → its value. The longest start
# that has the part wins. A new noun needs a line here.
PARTS: dict[str, dict[str, Any]] = {
    "models/": {"slug": lambda s: s.model.slug, "number": 1, "revision": 1, "environment": "production",
                "form": "own", "name": "champion", "audience": "group:owner"},
    "datasets/": {"slug": lambda s: s.dataset.slug, "revision": 1, "form": "croissant-1.1"},
    "imports/": {"pk": lambda s: s.imported.pk},
    "figures/": {"digest": lambda s: s.figure.pk},
    "reports/": {"pk": lambda s: s.ready.pk},
    "reviews/": {"pk": lambda s: s.review.pk},
    "reviews/<int:pk>/conditions/": {"pk": lambda s: s.condition.review_id, "condition": lambda s: s.condition.pk},
    "notices/": {"pk": lambda s: s.notice.pk},
    "absences/": {"pk": lambda s: s.absence.pk},
    "review-rules/": {"risk_class": "high"},
    "threads/": {"pk": lambda s: s.thread.pk, "comment": lambda s: s.comment.pk},
    "break-glass/": {"pk": lambda s: s.glass.pk},
    "stops/": {"pk": lambda s: s.stop.pk},
    "anomalies/": {"pk": lambda s: s.anomaly.pk},
    "access/people/": {"username": "owner"},
    "access/tokens/": {"pk": lambda s: s.token.pk},
    "systems/": {"slug": lambda s: s.system.slug, "model": lambda s: s.model.slug},
    "document-rules/": {"rule": "placeholder", "risk_class": "high"},
    "policies/": {"slug": lambda s: s.model.slug, "environment": "production", "number": 1},
    "servers/": {"name": lambda s: s.model.server.name, "pk": UUID(int=1)},
    "service-accounts/": {"pk": lambda s: s.service.pk},
    "tokens/": {"pk": lambda s: s.token.pk},
    "decisions/": {"pk": lambda s: s.decision.pk},
    "accounts/": {"username": "another"},
    "teams/": {"slug": lambda s: s.team.slug, "username": "another"},
    "roles/": {"pk": lambda s: s.token.owner.grants.get().pk},
    "saved-filters/": {"pk": lambda s: s.saved.pk},
}  # fmt: skip
# Where an empty body would be refused before anybody asks whether the caller may: a body that goes through.
BODIES: dict[str, Any] = {
    "GET api-affected": {"base": "models:/none/1"},
    "GET api-search": {"q": "words"},
    "GET api-card-compare": {"before": 1, "after": 2},
    "GET api-datasheet-compare": {"before": 1, "after": 1},
    "POST api-alias": {"version": 1},
    "POST api-figures": b"no picture",
    "POST api-roles": {"account": "viewer", "role": "owner", "reason": "She joins."},
    "POST role-give": {"account": "viewer", "role": "owner", "reason": "She joins."},
    "POST api-import-use": lambda world: {"into": f"{world.shared.model.slug}/1"},
    "POST api-imports": b"# Card",
    "POST api-judgement": {"outcome": "approve", "digest": "0" * 64},
    "POST api-risk": {"risk_class": "limited", "rationale": "Annex III."},
    "POST api-saved-filters": {"page": "models", "name": "Mine", "query": "q=a"},
    "POST api-system-retirement": {"reason": "Replaced."},
    "POST api-systems": {"name": "Another", "intended_purpose": "Sort.", "operator_role": "provider"},
    "PUT api-severity": {"severity": "warning", "rationale": "For now."},
    "POST filter-save": {"page": "models", "name": "Mine", "query": "q=a"},
    "POST model-alias": {"name": "champion", "version": "1"},
    "POST review-judge": {"approve": "", "digest": "0" * 64, "comment": ""},
    "POST system-risk": {"risk_class": "limited", "rationale": "Annex III."},
    "POST version-suspend": {"reason": "A test."},
    "POST version-endpoint": {"environment": "production", "url": "http://127.0.0.1:9"},
}
LATER = {"due_at": "2099-01-01T00:00:00Z", "reason": "The supplier is late."}
GLASS = {"environment": "production", "minutes": 10, "reason": "At a standstill."}
BODIES |= {
    "POST api-break-glass": GLASS,
    "POST api-confirmation": {"note": "Measured."},
    "POST api-card-threads": {"path": "model_details.overview", "text": "Which?"},
    "POST api-datasheet-threads": {"path": "motivation.mot_purpose", "text": "Which?"},
    "POST api-thread-comments": {"text": "These."},
    "POST thread-new": {"about": "model_details.overview", "path": "model_details.overview", "text": "Which?"},
    "POST thread-answer": {"text": "These."},
    "POST api-extension": LATER,
    "POST api-decide": {"token": "none", "model": "any"},
    "POST api-introspect": {"token": "none"},
    "POST api-retirement": {"reason": "Mistaken."},
    "POST api-service-accounts": {"name": "another-bot", "purpose": "Scores."},
    "PUT api-service-account-sponsor": {"sponsor": "admin"},
    "PUT api-policy-draft": {"rules": []},
    "POST api-token-countersignature": {"accept": True},
    "POST api-token-revocations": {"of": "account", "name": "owner"},
    "POST api-token-rotation": {"overlap_hours": 1},
    "PUT api-review-rule": {
        "approvers": 1, "roles": [], "checklist": [], "max_age_days": 30, "again_after_days": 20, "step_up": True,
        "rationale": "For now.",
    },
    "GET api-why": {"caller": "owner", "model": "none"},
    "PATCH api-account": {"active": False, "reason": "She left."},
    "POST person-off": {"reason": "She left."},
    "POST api-teams": {"handle": "fraud", "name": "Fraud"},
    "POST api-team-archive": {"reason": "Over."},
    "PATCH api-team": {"description": "Scores."},
    "PUT api-team-member": {"lead": False},
    "POST teams": {"handle": "fraud", "name": "Fraud"},
    "POST team-edit": {"name": "Fraud"},
    "POST team-add": {"account": "viewer"},
    "POST team-archive": {"reason": "Over."},
    "POST condition-extend": {"due_at": "2099-01-01T00:00", "reason": "The supplier is late."},
    "POST condition-fulfil": {"note": "Measured."},
    "POST review-retire": {"reason": "Mistaken."},
    "POST token-countersign": {"accept": "1"},
    "POST token-revocations": lambda world: {"account": world.shared.token.owner.username},
    "POST version-glass": GLASS,
}  # fmt: skip
BODIES |= {
    "POST api-stops": {"reach": "all", "reason": "A test."},
    "POST api-stop-lifting": {"reason": "Mended."},
    "POST api-anomaly-dismissal": {"reason": "It moved."},
    "POST anomaly-dismiss": {"reason": "It moved."},
    "POST stop-all": {"reason": "A test."},
    "POST stop-lift": {"reason": "Mended."},
    "POST token-stop": {"reason": "A test."},
    "POST model-stop": {"reason": "A test."},
    "POST absence": {"stand_in": "deputy", "since": "2099-01-01T00:00", "until": "2099-01-02T00:00"},
    "POST api-absences": {"stand_in": "deputy", "since": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z"},
    "POST inbox-undo": {"at": "2026-11-21T09:30:00+00:00"},
    "POST reminders": {
        "remind_after_days": 2, "escalate_after_days": 4, "escalate_to": ["admin"], "rationale": "For now.",
    },
    "PUT api-reminders": {
        "remind_after_days": 2, "escalate_after_days": 4, "escalate_to": ["admin"], "working_days": True,
        "rationale": "For now.",
    },
}  # fmt: skip
CONTENT = {"POST api-figures": "image/png", "POST api-imports": "application/octet-stream"}
# Parts of an address that are words of the project and no objects.
WORDS = {"environment", "form", "kind", "rule", "risk_class", "audience", "name", "number", "revision",
         "before", "after", "digest", "username"}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """An address of the portal, as it stands in the table."""

    name: str
    path: str
    parts: tuple[str, ...]
    methods: tuple[str, ...]  # () where the view does not say
    is_api: bool

    @property
    def is_about_something(self) -> bool:
        """Whether there is one of it that is shared and one that is not; a figure is the same for equal pictures."""
        return bool(set(self.parts) - WORDS) and not self.name.startswith(
            (
                "/",
                "admin:",
                "server",
                "api-server",
                "api-sync",
                "api-one-sync",
                "service-account",
                "api-service-account",
                "mlflow-",
            )
        )

    def address(self, stand: Stand) -> str:
        """Where the route leads for what `stand` holds."""
        if self.name.startswith("/"):
            return self.name
        if self.name.startswith("admin:"):
            return f"/{self.path}" if not self.parts else reverse(self.name, kwargs=_admin(self, stand))
        if self.is_api:
            return reverse(self.name, kwargs=dict(self._given(stand)))
        return stand.address(self.name)

    def _given(self, stand: Stand) -> Iterator[tuple[str, Any]]:
        place = self.path.removeprefix("api/v1/")
        for part in self.parts:
            starts = [start for start, known in PARTS.items() if place.startswith(start) and part in known]
            if not starts:
                raise KeyError(f'{self.name}: say in PARTS of {__name__} what "{part}" is in {self.path}')
            value = PARTS[max(starts, key=len)][part]
            yield part, value(stand) if callable(value) else value


def _admin(route: Route, stand: Stand) -> dict[str, Any]:
    known = {"object_id": stand.token.owner.pk, "id": stand.token.owner.pk, "app_label": "registry",
             "url": "x", "content_type_id": 1}  # fmt: skip
    return {part: known[part] for part in route.parts}


def routes() -> list[Route]:
    """Every route of pages, interface and administration, each once."""
    found = {route.name: route for route in _routes(get_resolver(), "", "")}
    return [found[name] for name in sorted(found)]


def _routes(resolver: URLResolver, start: str, space: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = start + re.sub(r"\\Z$|\$$|^\^", "", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, path, f"{pattern.namespace}:" if pattern.namespace else space)
            continue
        yield _route(pattern, path, space)


def _route(pattern: URLPattern, path: str, space: str) -> Route:
    view = getattr(pattern.callback, "cls", None)
    methods = tuple(m for m in METHODS if view and hasattr(view, m.lower()))
    parts = tuple(pattern.pattern.converters) or tuple(pattern.pattern.regex.groupindex)
    name = f"{space}{pattern.name}" if pattern.name else f"/{path}"
    return Route(name, path, parts, methods, path.startswith("api/v1/"))


@dataclass
class World:
    """One of everything that the callers see, and one of everything that only those see who see everything."""

    shared: Stand
    hidden: Stand
    browsers: dict[str, Client]
    people: dict[str, User]
    answered: dict[tuple[str, str, str, bool], int] = field(default_factory=dict)
    addresses: dict[tuple[str, bool], str] = field(default_factory=dict)

    def status(self, caller: str, method: str, route: Route, stand: Stand) -> int:
        """What the caller is answered. Whatever it changed is undone, so the same question is asked once."""
        asked = caller, method, route.name, stand is self.shared
        if asked not in self.answered:
            answer = self.answer(caller, method, route, self.address(route, stand))
            self.answered[asked] = int(answer.status_code)
        return self.answered[asked]

    def address(self, route: Route, stand: Stand) -> str:
        """Where the route leads for one of the two stands."""
        place = route.name, stand is self.shared
        if place not in self.addresses:
            self.addresses[place] = route.address(stand)
        return self.addresses[place]

    def answer(self, caller: str, method: str, route: Route, address: str) -> Any:
        """The answer itself, of the route at this address."""
        browser, key = self.browsers[caller], f"{method} {route.name}"
        body = BODIES.get(key, {})
        sent = {"data": body(self) if callable(body) else body}
        if method != "GET" and route.is_api:
            sent["content_type"] = CONTENT.get(key, "application/json")
        session = str(browser.cookies.get(settings.SESSION_COOKIE_NAME))
        with transaction.atomic():
            answer = getattr(browser, method.lower())(address, **sent)
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        if caller in self.people and str(browser.cookies.get(settings.SESSION_COOKIE_NAME)) != session:
            _enter(browser, self.people[caller])  # the request has ended the session
        return answer


def _enter(browser: Client, person: User) -> None:
    browser.force_login(person, backend="registry.backends.GrantedRoles")


def world() -> World:
    """Two of everything. The hidden one was made by others, and is shared with nobody any more."""
    hidden = furnished()
    for role in ("owner", "reviewer"):
        catalogue.unshare_model(
            model=hidden.model, audience=Group.objects.get(name=role), by=factories.member("admin")
        )
    for name in (*MAKERS, "scoring-bot", "deputy"):
        User.objects.filter(username=name).update(username=f"another-{name}")
    shared = furnished()
    people = {name: factories.member(name) for name in MAKERS}
    people["outsider"] = User.objects.create(username="outsider")
    people["viewer"] = factories.member("viewer")
    people["lapsed"] = User.objects.create(username="lapsed")
    soon = timezone.now() + timedelta(seconds=0.3)
    roles.give(user=people["lapsed"], role="auditor", reason="Over.", until=soon, by=User.machine())
    factories.share(shared.model, people["viewer"])
    User.objects.filter(username="admin").update(is_staff=True)
    browsers = {name: Client() for name in (*CALLERS, "lapsed")}
    for name, person in people.items():
        _enter(browsers[name], person)
    return World(shared, hidden, browsers, people)


def elsewhere(route: Route, stand: Stand) -> str:
    """The address of the route for something that does not exist."""
    address = route.address(stand)
    keys = [
        stand.model.slug,
        stand.dataset.slug,
        stand.system.slug,
        stand.model.server.name,
        stand.figure.pk,
        stand.team.slug,
    ]
    uuids = [stand.token.pk, stand.decision.pk, stand.ready.pk, stand.ordered.pk]
    numbers = [
        stand.token.owner.grants.get().pk,
        stand.review.pk,
        stand.imported.pk,
        stand.saved.pk,
        stand.review.document.pk,
        stand.condition.pk,
        stand.glass.pk,
        stand.service.pk,
        stand.thread.pk,
        stand.comment.pk,
        stand.notice.pk,
        stand.absence.pk,
    ]
    pieces = address.split("/")
    for place, piece in enumerate(pieces):
        if piece in {str(key) for key in uuids} or (route.name == "entry" and len(piece) == 36):
            pieces[place] = str(UUID(int=1))
        elif piece in keys:
            pieces[place] = "0" * 64 if piece == stand.figure.pk else "there-is-none"
        elif piece in {str(key) for key in numbers} and pieces[place - 1] in (
            "reviews",
            "imports",
            "saved-filters",
            "filters",
            "documents",
            "roles",
            "conditions",
            "break-glass",
            "service-accounts",
            "threads",
            "comments",
            "inbox",
            "notices",
            "absences",
            "absence",
        ):
            pieces[place] = "987654321"
    return "/".join(pieces)
