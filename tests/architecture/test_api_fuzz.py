"""Whatever is sent to the REST interface, by whomever: never a failure, never an answer that its description does not know.

schemathesis makes requests out of the description, such as fit it and such as break it. The seed is fixed and the number
of requests bounded, so that a run is the same everywhere. They are made once; each role sends the same ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis
import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis.internal.conjecture import engine
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from audit.actions import reports
from governance.actions import absences, glass, service_accounts, stops, threads
from governance.models import Notice
from governance.wsgi import application
from registry.api.limits import PerNetwork
from tests import factories

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    missing_required_header,
    unsupported_method,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
EXAMPLES = 4  # of each operation, in each mode
TRIES = 40  # without one; hypothesis by itself gives up after 458, where nothing can be wrong


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description as it is generated now."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-any-return,no-untyped-call]


@pytest.fixture(scope="module")
def there(lasting: None, kept_files: None) -> dict[str, dict[str, Any]]:
    """One of everything, and where it is: path → values of its parts."""
    owner = factories.member("owner")
    review = factories.submitted_review()
    factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish()])
    version = review.document.version
    broken = glass.ask(version=version, environment="staging", minutes=5, reason="A test.", by=owner)
    policy = factories.policy(version.model)
    token, _ = factories.token(version.model)
    system = version.model.systems.get()
    service = service_accounts.make(
        name="scoring-bot", sponsor=owner, purpose="Scores.", by=factories.member("admin")
    )
    report = reports.order(version=version, by=owner)
    thread = threads.begin(revision=review.revision, path="model_details.overview", text="Why?", by=owner)
    start = timezone.now() + timedelta(days=3)
    absence = absences.announce(
        stand_in=factories.member("reviewer", "deputy"),
        since=start,
        until=start + timedelta(days=1),
        by=factories.member("reviewer"),
    )
    return {
        "models/{slug}/": {
            "slug": version.model.slug,
            "number": version.number,
            "revision": 1,
            "form": "own",
        },
        "datasets/": {"slug": factories.training_data(version).slug, "revision": 1, "form": "own"},
        "imports/": {"id": factories.imported(by=owner).pk},
        "figures/": {"digest": factories.figure().digest},
        "document-rules/": {"rule": "placeholder", "risk_class": "high"},
        "systems/": {"slug": system.slug},
        "policies/": {"slug": version.model.slug, "environment": policy.policy.environment, "number": 1},
        "servers/": {"name": version.model.server.name, "id": str(UUID(int=1))},
        "service-accounts/": {"id": service.pk},
        "access/people/": {"username": owner.username},
        "access/tokens/": {"id": str(token.pk)},
        "tokens/": {"id": str(token.pk)},
        "reviews/": {"id": review.pk, "condition": review.conditions.get().pk},
        "review-rules/": {"risk_class": "high"},
        "break-glass/": {"id": broken.pk},
        "anomalies/": {"id": factories.anomaly(token).pk},
        "stops/": {"id": stops.stop_token(token=token, reason="A test.", by=owner).pk},
        "reports/": {"id": str(report.pk)},
        "threads/": {"id": thread.pk, "comment": thread.comments.get().pk},
        "teams/": {"slug": factories.team(lead=owner).slug, "username": owner.username},
        "accounts/": {"username": factories.member("viewer", "leaver").username},
        "notices/": {"id": Notice.objects.filter(person=factories.member("reviewer")).latest("pk").pk},
        "absences/": {"id": absence.pk},
    }


def place_of(path: str, parameters: list[str], there: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values for the parts of `path`: objects that exist, so that a request gets further than 404."""
    for start, values in there.items():
        if path.startswith(f"/api/v1/{start}"):
            return {name: values.get(name, values.get("id")) for name in parameters}
    return {}


@dataclass(frozen=True)
class Made:
    """A request that was made up, and whether all of it is as the description wants it."""

    case: Any
    fits: bool


@pytest.fixture(scope="module")
def requests(described: dict[str, Any], there: dict[str, dict[str, Any]]) -> list[Made]:
    """A few requests to every operation, right ones to what exists and wrong ones to anything."""
    schema = schemathesis.openapi.from_dict(described)
    schema.app = application
    schema.config.generation.update(with_security_parameters=False)  # who asks is what the test says
    made = []
    for found in schema.get_all_operations():
        operation = found.ok()
        names = [parameter.name for parameter in operation.path_parameters]
        for mode in MODES:
            place = place_of(operation.path, names, there) if mode is MODES[0] else None
            cases = drawn(operation.as_strategy(mode, path_parameters=place or None))
            made += [Made(case, mode is MODES[0]) for case in cases]
    return made


def drawn(strategy: Any) -> list[Any]:
    """The first few of what the strategy makes; none when nothing can be wrong in a request without parameters."""
    cases: list[Any] = []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def keep(case: Any) -> None:
        cases.append(case)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable), pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "INVALID_THRESHOLD_BASE", TRIES)
        keep()
    return cases


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """A request must not end the connection that holds the test's transaction (Django's own test client does this too)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_open_connection")
@pytest.mark.parametrize("role", ["owner", "admin", "auditor", "outsider"])
def test_no_request_breaks_the_interface_or_its_word(
    role: str,
    requests: list[Made],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = Client()
    browser.force_login(request.getfixturevalue(role), backend="registry.backends.GrantedRoles")
    cookies = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    cookies["csrftoken"] = "c" * 32
    monkeypatch.setattr(settings, "API_REQUESTS_PER_MINUTE", 1_000_000)
    monkeypatch.setattr(PerNetwork, "MOST", 1_000_000)

    for made in requests:
        send(made.case, cookies)

    assert len([made for made in requests if made.fits]) > 200
    assert len([made for made in requests if not made.fits]) > 200


@pytest.mark.usefixtures("_open_connection", "db")
def test_nobody_gets_nothing(requests: list[Made]) -> None:
    """Without a session every operation asks who one is, whatever else is right or wrong with the request."""
    open_to_all = "/api/v1/tokens/leaked/"  # whoever has found a token has no account

    answers = {send(made.case, {}) for made in requests if made.fits and made.case.path != open_to_all}

    assert answers == {401}


def send(case: Any, cookies: dict[str, str]) -> int:
    """Send it, with every word of the description checked: the status of the answer."""
    sent = {"X-CSRFToken": cookies["csrftoken"]} if cookies else {}
    case.cookies = dict(cookies)
    case._has_explicit_auth = bool(cookies)  # so that the check of ignored sign-ins leaves the session out
    answer = case.call(headers=sent)
    case.validate_response(answer, checks=CHECKS, headers=sent, transport_kwargs={"headers": sent})
    return int(answer.status_code)
