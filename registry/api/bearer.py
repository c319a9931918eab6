"""Sign-in by token: `Authorization: Bearer crd_…` (RFC 6750). What a token is, control knows; it is asked through a hook.

The account that comes back carries a limit (`registry.models.limits`): every query set and every permission is narrowed
by it, wherever they are asked. There is no cookie, so nothing to forge: no CSRF token is needed. A session and a token
in one request are two people, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.request import Request

from registry.models import User

CHALLENGE = 'Bearer realm="Cardinal"'
_known: list[Callable[[str, str, str], User | None]] = []


def provide(known: Callable[[str, str, str], User | None]) -> None:
    """Control says whose a token is: the account with its limit, or None for whatever is not in force.

    It is asked with the token, the address of the peer, and what proxies in front have written (X-Forwarded-For).
    """
    _known[:] = [known]


class Bearer(BaseAuthentication):
    """A token in the Authorization header."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        given = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, text = given.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            raise ParseError("Send a session or a token, not both.")
        here, via = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
        user = _known[0](text.strip(), here, via) if _known else None
        if user is None:
            raise AuthenticationFailed("The token is not known here, or is over.")
        return user, "token"

    def authenticate_header(self, request: Request) -> str:
        failed = request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
        return f'{CHALLENGE}, error="invalid_token"' if failed else CHALLENGE


class BearerSchema(OpenApiAuthenticationExtension):
    """How the schema calls it."""

    target_class = "registry.api.bearer.Bearer"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        told = "A token with a scope of the portal: read, sync, report, token or introspect."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "crd_…", "description": told}
