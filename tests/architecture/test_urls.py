"""Default deny: every address asks who one is, unless it is listed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Open to anybody, each with the reason.
OPEN = {
    "/accounts/login/": "somebody who logs in is not logged in",
    "/accounts/unsubscribe/": "a mail program posts it by itself, with a signed key (RFC 8058)",
    "/admin/login/": "the same, for the administration",
    "/healthz": "a probe has no account",
    "/readyz": "a probe has no account",
    "/hooks/mlflow/x/": "a tracking server has no account; it signs what it delivers",
    "/api/v1/tokens/leaked/": "whoever has found a token may end it, and has no account",
    "/metrics": "Prometheus has no account; counts without names",
}
SAMPLES = {
    "int": "1",
    "slug": "x",
    "str": "x",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "path": "x",
}


def addresses(resolver: URLResolver | None = None, start: str = "/") -> Iterator[str]:
    """An example of every address, with sample values in place of its parts."""
    for pattern in (resolver or get_resolver()).url_patterns:
        piece = example(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, start + piece)
        elif isinstance(pattern, URLPattern):
            yield start + piece


def example(pattern: Any) -> str:
    """An address that fits the pattern."""
    text = str(pattern)
    if hasattr(pattern, "_route"):
        for name, converter in pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            text = re.sub(rf"<(?:\w+:)?{name}>", SAMPLES.get(kind, "x"), text)
        return text
    text = re.sub(r"\(\?P<format>[^)]*\)\??", "json" if "format" in text else "", text)
    text = re.sub(r"\(\?P<\w+>[^)]*\)", "1", text)
    return text.replace("^", "").replace("\\Z", "").replace("$", "").replace("\\.", ".").replace("/?", "/")


def test_there_are_addresses_to_walk() -> None:
    assert len(set(addresses())) > 20


@pytest.mark.django_db
def test_every_address_refuses_the_anonymous_unless_listed() -> None:
    let_in = {}
    for address in sorted(set(addresses()) - set(OPEN)):
        for method in ("get", "post"):
            answer = getattr(Client(), method)(address)
            to_login = answer.status_code == 302 and "login" in answer.headers["Location"]
            if not to_login and answer.status_code not in (401, 403):
                let_in[f"{method.upper()} {address}"] = answer.status_code

    assert not let_in


def test_no_exception_outlives_its_address() -> None:
    assert set(OPEN) <= set(addresses())


@pytest.mark.django_db
def test_an_address_that_does_not_exist_tells_nothing() -> None:
    answer = Client().get("/there-is-no-such-page/")

    assert answer.status_code in (302, 404)


def test_login_is_asked_by_default_and_not_by_each_view() -> None:
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == [
        "rest_framework.permissions.IsAuthenticated"
    ]
    assert settings.ANONYMOUS_USER_NAME is None
