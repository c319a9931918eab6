"""Figures: bring a picture, read what is known of one. Its bytes are where the pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import figures as verbs
from registry.api.bodies import TooLarge
from registry.api.doors import Door
from registry.api.problems import described
from registry.models import Figure
from registry.pictures import MOST_BYTES

FIGURE = {
    "digest": "3b1c" * 16,
    "media_type": "image/png",
    "width": 800,
    "height": 600,
    "size": 24_310,
    "at": "2026-11-21T09:30:00Z",
    "file": f"/figures/{'3b1c' * 16}/",
}


class _Picture(BaseParser):
    """The bytes of a picture as the body, at most as many as a figure may have."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            raise TooLarge(f"A figure has at most {MOST_BYTES} bytes.")
        return stream.read(MOST_BYTES + 1)


class PNGBody(_Picture):
    """A PNG."""

    media_type = "image/png"


class JPEGBody(_Picture):
    """A JPEG."""

    media_type = "image/jpeg"


@extend_schema_serializer(examples=[OpenApiExample("A figure", value=FIGURE, response_only=True)])
class FigureOut(serializers.ModelSerializer[Figure]):
    """A picture as it is stored: written anew, without what hung on it. Name it in a document by its digest."""

    media_type = serializers.ChoiceField(choices=["image/png", "image/jpeg"])
    file = serializers.SerializerMethodField()

    class Meta:
        model = Figure
        fields = ["digest", "media_type", "width", "height", "size", "at", "file"]

    @extend_schema_field(OpenApiTypes.STR)
    def get_file(self, figure: Figure) -> str:
        """Where its bytes are."""
        return figure.get_absolute_url()


class Figures(Door):
    """Bring a picture."""

    kind = Figure
    needs = ""
    parser_classes = [PNGBody, JPEGBody]
    serializer_class = FigureOut

    @described(
        "figures_attach",
        "Upload a figure",
        "documents",
        {201: FigureOut},
        declines=(400, 401, 403, 413, 415),
        request={"image/png": OpenApiTypes.BINARY, "image/jpeg": OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> Response:
        """Send the bytes as the body. PNG or JPEG, at most 5 MB and 40 million pixels; the same picture is kept once."""
        sent: Any = request.data
        data = sent if isinstance(sent, bytes) else b""  # no body at all is an empty dictionary
        figure = verbs.attach(data=data, by=self.user)
        there = reverse("api-figure", args=[figure.digest])
        return Response(FigureOut(figure).data, status=201, headers={"Location": there})


class OneFigure(Door):
    """A figure by its digest."""

    kind = Figure
    needs = ""
    serializer_class = FigureOut

    @described("figures_read", "Read about a figure", "documents", {200: FigureOut})
    def get(self, request: Request, digest: str) -> Response:
        """What is known of a figure that a visible document shows, or that you have brought."""
        return Response(FigureOut(self.one(digest=digest)).data)
