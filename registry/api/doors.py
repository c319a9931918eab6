"""What every view of the REST interface stands on: who asks, what exists for them, how lists are cut."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api import once
from registry.api.bearer import Bearer
from registry.api.bodies import StorableJSON
from registry.api.limits import PerAccount
from registry.api.pages import Pages
from registry.api.preconditions import unless_known
from registry.models import User, Version
from registry.permissions import require


class Session(SessionAuthentication):
    """The session of the portal, with its CSRF token. Whoever has none is asked to sign in (401)."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="Cardinal"'


class SessionSchema(OpenApiAuthenticationExtension):
    """How the schema calls it."""

    target_class = "registry.api.doors.Session"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        told = "The portal's session. Changes also need its CSRF token in the header X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": told}


class OutOfScope(PermissionDenied):
    """The token may not do this (RFC 6750, 3.1)."""

    def __init__(self, detail: str, wanted: str) -> None:
        super().__init__(detail)
        self.auth_header = 'Bearer realm="Cardinal", error="insufficient_scope"' + (
            f', scope="{wanted}"' if wanted else ""
        )


class Door(GenericAPIView[Any]):
    """A view starts from the rows of `kind` that the user may see, and from nothing else.

    `needs` is a permission that is asked for before anything is shown; "" where visibility decides alone. What a
    change needs is asked for by its verb. Each view says both, even where they are as its parent has them.
    `shows_secret` marks a view whose write answers with a secret, once: that answer is stored nowhere.

    By inheritance: one account cannot ask without limit, a write with an Idempotency-Key is done once, an object that
    has not changed is answered with 304, and nothing is cached for anybody else.
    """

    kind: ClassVar[Any]
    needs: ClassVar[str]
    shows_secret: ClassVar[bool] = False
    # What a token must be allowed to come in here: to read, and to write. Without the second no token writes.
    reads_as: ClassVar[str] = "read"
    writes_as: ClassVar[str] = ""

    authentication_classes = [Bearer, Session]
    permission_classes = [IsAuthenticated]
    throttle_classes: ClassVar[list[type[PerAccount]]] = [PerAccount]  # type: ignore[misc]
    parser_classes = [StorableJSON]
    pagination_class: Any = None
    # What OPTIONS would tell, the schema tells better.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    attempt: once.Attempt | None = None
    throttles: list[PerAccount]

    @property
    def user(self) -> User:
        """Who asks."""
        return cast("User", self.request.user)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not once.asked(request):
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic():
            answer = super().dispatch(request, *args, **kwargs)
            if self.attempt:
                once.keep(self.attempt, answer)
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._within_scope(request)
        if self.needs:
            require(self.user, self.needs)
        if once.asked(request._request) and request.user.is_authenticated:  # noqa: SLF001 - DRF's name for the request below
            self.attempt = once.begin(request, self.user)

    def _within_scope(self, request: Request) -> None:
        limit = getattr(self.user, "limit", None)  # nobody has none
        wanted = self.writes_as if request.method in once.WRITES else self.reads_as
        if limit and wanted not in limit.scopes:
            named = f"the scope {wanted} of the portal" if wanted else "somebody who is signed in"
            raise OutOfScope(
                f"This needs {named}; a token with {', '.join(sorted(limit.scopes))} cannot.", wanted
            )

    def get_throttles(self) -> list[Any]:
        self.throttles = [throttle() for throttle in self.throttle_classes]
        return list(self.throttles)

    def handle_exception(self, exc: Exception) -> Any:
        return exc.answer if isinstance(exc, once.Replayed) else super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        for throttle in getattr(self, "throttles", []):
            for name, value in throttle.headers().items():
                answer.headers[name] = value
        if self.shows_secret and request.method in once.WRITES and answer.status_code < 300:
            answer.headers["Cache-Control"] = "no-store"
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(answer, ["Accept", "Cookie", "Authorization"])
        if isinstance(self, Listing) or not isinstance(answer, Response):
            return answer  # the next page of a list, and a file, are asked for by name
        return unless_known(request, answer)

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn without anybody who asks
            return cast("QuerySet[Any]", self.kind.objects.none())
        return cast("QuerySet[Any]", self.kind.objects.visible_to(self.user))

    def one(self, rows: QuerySet[Any] | None = None, **key: Any) -> Any:
        """The row with this key, if it exists for the user."""
        return get_object_or_404(self.get_queryset() if rows is None else rows, **key)

    def given(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The body, checked."""
        return _checked(kind(data=self.request.data, context=self.get_serializer_context()))

    def chosen(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The query string, checked; what was left empty is left out."""
        return {
            key: value for key, value in _checked(kind(data=self.request.query_params)).items() if value != ""
        }


class Listing(Door):
    """A list, cut into pages in the order of `order` (a column of `kind`) and then the key."""

    order: ClassVar[str]
    pagination_class = Pages

    def ordered_by(self) -> str:
        """The column that pages are cut by."""
        return self.order

    def rows(self, found: QuerySet[Any]) -> Response:
        """One page of `found`."""
        shown = self.paginate_queryset(found)
        return self.get_paginated_response(self.get_serializer(shown, many=True).data)


def visible_version(user: User, slug: str, number: int) -> Version:
    """The version, if it exists for `user`."""
    rows = Version.objects.visible_to(user).select_related("model__server", "run__server", "card__head__by")
    return get_object_or_404(rows.named(slug, number))


def _checked(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return cast("dict[str, Any]", serializer.validated_data)
