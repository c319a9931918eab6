"""The schema itself, a page to read and try it, and the answer for addresses that do not exist."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from registry.api.bearer import Bearer
from registry.api.doors import Session


class Schema(SpectacularAPIView):
    """The OpenAPI 3.1 description, as YAML or JSON."""

    authentication_classes = [Bearer, Session]
    permission_classes = [IsAuthenticated]


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
