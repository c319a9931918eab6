"""Where versions answer queries."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions import catalogue
from registry.api.bodies import In
from registry.api.doors import Door, visible_version
from registry.api.problems import WRITE, described
from registry.models import Endpoint, Environment, Version
from registry.permissions import require

ENDPOINT = {
    "model": "credit-risk",
    "version": 3,
    "environment": "production",
    "url": "http://models.internal:5001",
    "protocol": "v2",
    "served_name": "credit-risk",
    "version_in_path": True,
    "credential": "",
}


@extend_schema_serializer(examples=[OpenApiExample("An endpoint", value=ENDPOINT, response_only=True)])
class EndpointOut(serializers.ModelSerializer[Endpoint]):
    """Where a version answers in an environment. The gate sends allowed queries there."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")

    class Meta:
        model = Endpoint
        fields = [
            "model",
            "version",
            "environment",
            "url",
            "protocol",
            "served_name",
            "version_in_path",
            "credential",
        ]


@extend_schema_serializer(
    examples=[
        OpenApiExample("An MLflow scoring server", value={"url": "http://models.internal:5001"}),
        OpenApiExample(
            "A server of many models",
            value={
                "url": "https://models.internal:8080",
                "protocol": "v2",
                "served_name": "credit-risk",
                "version_in_path": True,
                "credential": "inhouse",
            },
        ),
    ]
)
class EndpointIn(In):
    """A model server and how it is asked. What is left out is as if it had never been said."""

    url = serializers.CharField(
        max_length=400, help_text="http or https, host, port, path; no account, query or fragment."
    )
    protocol = serializers.ChoiceField(
        choices=Endpoint.Protocol.choices,
        default=Endpoint.Protocol.MLFLOW,
        help_text="What the server speaks.",
    )
    served_name = serializers.CharField(
        max_length=255,
        allow_blank=True,
        default="",
        help_text="The name by which the server knows the version; empty for the model's slug. None with mlflow.",
    )
    version_in_path = serializers.BooleanField(
        default=False, help_text="v2 and v1: name the version's number there too."
    )
    credential = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="The name of a secret that the gate's operator has given to the gate; empty for none.",
    )


class OneEndpoint(Door):
    """The endpoint of a version in an environment."""

    kind = Version
    needs = ""
    serializer_class = EndpointOut

    @described("endpoints_read", "Read an endpoint", "models", {200: EndpointOut})
    def get(self, request: Request, slug: str, number: int, environment: str) -> Response:
        """Where the version answers in `environment`: production or staging."""
        found = _endpoint(visible_version(self.user, slug, number), environment)
        if found is None:
            raise Http404
        return Response(EndpointOut(found).data)

    @described(
        "endpoints_set",
        "Set an endpoint",
        "models",
        {200: EndpointOut, 201: EndpointOut},
        declines=WRITE,
        request=EndpointIn,
    )
    def put(self, request: Request, slug: str, number: int, environment: str) -> Response:
        """Say where the version answers in `environment`. Holds within a second."""
        version = visible_version(self.user, slug, number)
        before = _endpoint(version, environment)
        require(self.user, "registry.change_endpoint", on=version)
        made = catalogue.set_endpoint(
            version=version, environment=environment, by=self.user, **self.given(EndpointIn)
        )
        return Response(EndpointOut(made).data, status=200 if before else 201)

    @described("endpoints_remove", "Remove an endpoint", "models", {204: None}, declines=(401, 403, 404))
    def delete(self, request: Request, slug: str, number: int, environment: str) -> Response:
        """Forget where the version answers in `environment`; the gate refuses the next query there."""
        version = visible_version(self.user, slug, number)
        require(self.user, "registry.change_endpoint", on=version)
        if environment not in Environment.values:
            raise Http404
        catalogue.remove_endpoint(version=version, environment=environment, by=self.user)
        return Response(status=204)


def _endpoint(version: Version, environment: str) -> Endpoint | None:
    """The endpoint of `version`; an environment that does not exist is not there."""
    if environment not in Environment.values:
        raise Http404
    rows: Any = version.endpoints.select_related("version__model")
    found: Endpoint | None = rows.filter(environment=environment).first()
    return found
