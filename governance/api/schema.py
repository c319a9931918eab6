"""The schema itself, a page to read and try it, and the answer for addresses that do not exist."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from registry.api.bearer import Bearer
from registry.api.doors import Session


class Schema(APIView):
    """The OpenAPI 3.1 description, as YAML or JSON. It is the same for all who ask, so a process writes it once."""

    authentication_classes = [Bearer, Session]
    permission_classes = [IsAuthenticated]
    renderer_classes = SpectacularAPIView.renderer_classes
    schema = None

    def get(self, request: Request, *args: object, **kwargs: object) -> HttpResponse:
        renderer = request.accepted_renderer
        kind = f"{renderer.media_type}; charset=utf-8" if renderer.charset else renderer.media_type
        named = {"Content-Disposition": f'inline; filename="Cardinal.{renderer.format}"'}
        return HttpResponse(_written(renderer.format), content_type=kind, headers=named)


@cache
def _written(form: str) -> bytes:
    """The description in one notation: a second of work, and a few hundred kilobytes to keep."""
    renderer = OpenApiJsonRenderer() if form == "json" else OpenApiYamlRenderer()
    written = renderer.render(SchemaGenerator().get_schema(request=None, public=True), renderer_context={})
    return written.encode() if isinstance(written, str) else bytes(written)


class Nowhere(APIView):
    """Every other address: a program gets problem details, not a page."""

    authentication_classes = [Bearer, Session]
    permission_classes = [IsAuthenticated]
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


@ensure_csrf_cookie
def docs(request: HttpRequest) -> HttpResponse:
    """The interface to read and to try, with assets of our own and nothing inline."""
    return render(request, "governance/api_docs.html")
