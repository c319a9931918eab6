"""The REST interface keeps its own word: the committed description, what each view asks, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from audit.actions import reports
from governance.api.schema import Nowhere, Schema
from governance.wsgi import application
from registry.api.doors import Door, Listing, Session
from registry.models import User
from tests import factories

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
EXAMPLES = 4  # of each operation, in each mode, by each role: about 700 requests
NO_BODY = {"get", "delete"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description as it is generated now."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-any-return,no-untyped-call]


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def views(resolver: URLResolver | None = None, start: str = "") -> Iterator[type[APIView]]:
    """Every view class under /api/v1/."""
    for pattern in (resolver or get_resolver()).url_patterns:
        place = start + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, place)
        elif (
            isinstance(pattern, URLPattern)
            and place.startswith("api/v1/")
            and hasattr(pattern.callback, "cls")
        ):
            yield pattern.callback.cls


def test_the_committed_description_is_the_generated_one(described: dict[str, Any]) -> None:
    generated = OpenApiYamlRenderer().render(described).decode()

    assert COMMITTED.read_text() == generated, (
        "Write it again: manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml"
    )


def test_the_description_is_valid_openapi_3_1(described: dict[str, Any]) -> None:
    validate_schema(described)

    assert described["openapi"].startswith("3.1")


def test_every_operation_has_an_id_a_summary_and_a_tag(described: dict[str, Any]) -> None:
    found = [operation for _, _, operation in operations(described)]
    names = [operation["operationId"] for operation in found]

    assert len(found) >= 29
    assert len(set(names)) == len(names)
    assert all(operation.get("summary") and operation.get("description") for operation in found)
    assert all(len(operation.get("tags", [])) == 1 for operation in found)


def test_every_operation_says_that_it_asks_who_one_is_and_shows_an_example(described: dict[str, Any]) -> None:
    for path, method, operation in operations(described):
        assert operation["security"] == [{"session": []}], path
        for status, answer in operation["responses"].items():
            kinds = answer.get("content", {})
            if int(status) >= 400:
                assert set(kinds) == {"application/problem+json"}, (path, status)
            if set(kinds) & {"application/json", "application/problem+json"}:
                assert all(kind.get("examples") for kind in kinds.values()), (path, method, status)
        assert "401" in operation["responses"], path
        if method not in NO_BODY and "requestBody" in operation:
            assert {"400", "403", "415"} <= set(operation["responses"]), path
            body = operation["requestBody"]["content"]
            assert set(body) in ({"application/json"}, {"image/png", "image/jpeg"}), path


@pytest.mark.parametrize("view", sorted(set(views()) - {Schema, Nowhere}, key=lambda view: view.__name__))
def test_every_view_says_what_it_starts_from_and_what_it_asks(view: type[Door]) -> None:
    """`kind` and `needs` stand in the class itself: what one forgets is a failure and not a default."""
    assert issubclass(view, Door)
    assert {"kind", "needs"} <= set(vars(view))
    assert hasattr(view.kind.objects, "visible_to")
    assert view.authentication_classes == [Session]
    assert view.permission_classes == [IsAuthenticated]
    if issubclass(view, Listing):
        assert view.order


@pytest.mark.parametrize("view", [Schema, Nowhere])
def test_the_views_without_rows_ask_who_one_is(view: type[APIView]) -> None:
    assert view.authentication_classes == [Session]
    assert view.permission_classes == [IsAuthenticated]


@pytest.fixture
def there(owner: User) -> dict[str, dict[str, Any]]:
    """One of everything, and where it is: path → values of its parts."""
    version = factories.approved_version()
    policy = factories.policy(version.model)
    token, _ = factories.token(version.model)
    system = version.model.systems.get()
    report = reports.order(version=version, by=owner)
    return {
        "models/{slug}/": {"slug": version.model.slug, "number": version.number, "revision": 1},
        "datasets/": {"slug": factories.training_data(version).slug, "revision": 1},
        "figures/": {"digest": factories.figure().digest},
        "document-rules/": {"rule": "placeholder", "risk_class": "high"},
        "systems/": {"slug": system.slug},
        "policies/": {"slug": version.model.slug, "environment": policy.policy.environment},
        "tokens/": {"id": str(token.pk)},
        "reviews/": {"id": version.card.reviews.get().pk},
        "reports/": {"id": str(report.pk)},
    }


def place_of(path: str, parameters: list[str], there: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values for the parts of `path`: objects that exist, so that a request gets further than 404."""
    for start, values in there.items():
        if path.startswith(f"/api/v1/{start}"):
            return {name: values.get(name, values.get("id")) for name in parameters}
    return {}


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """A request must not end the connection that holds the test's transaction (Django's own test client does this too)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_open_connection")
@pytest.mark.parametrize("role", ["owner", "auditor", "outsider"])
def test_no_request_breaks_the_interface_or_its_word(
    role: str, described: dict[str, Any], there: dict[str, dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """Whatever is sent, by whomever: never a server error, never an answer that the description does not know."""
    browser = Client()
    browser.force_login(request.getfixturevalue(role), backend="django.contrib.auth.backends.ModelBackend")
    cookies = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    cookies["csrftoken"] = "c" * 32
    schema = schemathesis.openapi.from_dict(described)
    schema.app = application
    tried = 0

    for found in schema.get_all_operations():
        operation = found.ok()
        names = [parameter.name for parameter in operation.path_parameters]
        for mode in MODES:
            place = place_of(operation.path, names, there) if mode is MODES[0] else None
            tried += _probe(operation.as_strategy(mode, path_parameters=place or None), cookies)

    assert tried > 200


def _probe(strategy: Any, cookies: dict[str, str]) -> int:
    count = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def sends(case: Any) -> None:
        nonlocal count
        count += 1
        answer = case.call(headers={"X-CSRFToken": cookies["csrftoken"]}, cookies=cookies)
        case.validate_response(answer, checks=CHECKS)

    try:
        sends()
    except hypothesis.errors.Unsatisfiable:
        return 0  # nothing can be wrong in a request without parameters
    return count
