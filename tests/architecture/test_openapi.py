"""The REST interface keeps its own word: the committed description, what each view asks, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from governance.api.leaks import Leaked
from governance.api.schema import Nowhere, Schema
from registry.api.bearer import Bearer
from registry.api.doors import Door, Listing, Session

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.yaml"
FILES = {  # take files, not JSON: bytes need no example
    "imports_take": {"multipart/form-data", "application/octet-stream"},
    "figures_attach": {"image/png", "image/jpeg"},
    "decide": {"application/x-www-form-urlencoded"},
    "tokens_introspect": {"application/x-www-form-urlencoded"},
}
OPEN = {"/api/v1/tokens/leaked/"}  # whoever has found a token has no account
NO_BODY = {"get", "delete"}
# Answers of a form that is not ours: their formats have schemas of their own.
FOREIGN = {"card_export", "datasheet_export", "versions_prov"}
# Bytes that every download tells the trail: nobody may answer "not modified" in its place.
TOLD = {"reports_download"}
# No list, and yet with a size: so many of each kind are found, and there is no next page.
SIZED = {"search": 50}


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
        signed_in = [{"token": []}, {"session": []}]
        assert operation.get("security", []) == ([] if path in OPEN else signed_in), path
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
            name = operation["operationId"]
            assert set(body) == FILES.get(name, {"application/json"}), path
            assert name in FILES or all(kind.get("examples") for kind in body.values()), (path, method)


@pytest.mark.parametrize(
    "view", sorted(set(views()) - {Schema, Nowhere, Leaked}, key=lambda view: view.__name__)
)
def test_every_view_says_what_it_starts_from_and_what_it_asks(view: type[Door]) -> None:
    """`kind` and `needs` stand in the class itself: what one forgets is a failure and not a default."""
    assert issubclass(view, Door)
    assert {"kind", "needs"} <= set(vars(view))
    assert hasattr(view.kind.objects, "visible_to")
    assert view.authentication_classes == [Bearer, Session]
    assert view.permission_classes == [IsAuthenticated]
    if issubclass(view, Listing):
        assert view.order


@pytest.mark.parametrize("view", [Schema, Nowhere])
def test_the_views_without_rows_ask_who_one_is(view: type[APIView]) -> None:
    assert view.authentication_classes == [Bearer, Session]
    assert view.permission_classes == [IsAuthenticated]


def test_what_every_operation_has_by_inheritance_is_described(described: dict[str, Any]) -> None:
    """A limit on requests for all; a key against doing it twice for each write; an ETag for each single object."""
    views = by_operation()

    for path, method, operation in operations(described):
        where, answers = f"{method} {path}", set(operation["responses"])
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert {"401", "406", "429"} <= answers, where
        assert {"Retry-After", "RateLimit"} <= set(operation["responses"]["429"]["headers"]), where
        if method == "get":
            tagged = not issubclass(views[path, method], Listing) and operation["operationId"] not in TOLD
            assert ("304" in answers, "If-None-Match" in headers) == (tagged, tagged), where
        else:
            assert {"400", "409", "422"} <= answers, where
            of_an_account = bool(
                views[path, method].authentication_classes
            )  # an answer is kept for an account
            assert ("Idempotency-Key" in headers) == of_an_account, where


def test_lists_are_cursor_pages_with_a_limit_and_nothing_else_is_a_list(described: dict[str, Any]) -> None:
    views = by_operation()

    for path, method, operation in operations(described):
        name = operation["operationId"]
        if method != "get" or name in TOLD:
            continue
        shown = resolved(described, operation["responses"]["200"]["content"]["application/json"]["schema"])
        is_list = issubclass(views[path, method], Listing)
        assert shown["type"] == "object", "an array has no place for the next page"
        assert ("properties" in shown) == (name not in FOREIGN), path
        assert ("next" in shown.get("properties", {})) == is_list, path
        sizes = [one["schema"]["maximum"] for one in operation.get("parameters", []) if one["name"] == "size"]
        assert sizes == ([200] if is_list else [SIZED[name]] if name in SIZED else []), path


def test_every_exemption_is_needed(described: dict[str, Any]) -> None:
    names = {operation["operationId"] for _, _, operation in operations(described)}

    assert set(FILES) | FOREIGN | TOLD | set(SIZED) <= names


def test_whoever_answers_with_a_secret_says_that_it_is_told_once(described: dict[str, Any]) -> None:
    secretive = set()
    for path, method, operation in operations(described):
        for status, answer in operation["responses"].items():
            whole = answer.get("content", {}).get("application/json")
            if (
                whole
                and status < "300"
                and operation["operationId"] not in FOREIGN
                and "secret" in resolved(described, whole["schema"])["properties"]
            ):
                assert method != "get", "a secret is told by whoever made it, once"
                secretive.add((path, method))

    assert secretive
    assert secretive <= {place for place, view in by_operation().items() if view.shows_secret}


def resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference."""
    found: dict[str, Any] = schema
    if "$ref" in schema:
        found = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def by_operation() -> dict[tuple[str, str], type[Door]]:
    """The view of each operation, by path and method."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    generator._initialise_endpoints()
    found = generator._get_paths_and_endpoints()
    return {(path, method.lower()): type(view) for path, _, method, view in found if isinstance(view, Door)}
