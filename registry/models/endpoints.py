"""Where versions answer queries."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Model as Row

from registry.models.model import Environment, Version

SERVED_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"  # as one part of an address
MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}"  # as a value of the body
CREDENTIAL = r"[a-z][a-z0-9]{0,39}"
PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


class Endpoint(models.Model):
    """Where a version answers queries, and how. The gate sends allowed queries here.

    `served_name` is the name under which the server knows the version; empty for the model's slug. `version_in_path`: its
    addresses hold the number of the version as well. `credential` names a secret that the gate's operator has given to the
    gate, which is never stored here.
    """

    class Protocol(models.TextChoices):
        MLFLOW = "mlflow", "MLflow scoring"
        V2 = "v2", "Open Inference Protocol V2"
        V1 = "v1", "KServe V1 and TensorFlow Serving"
        OPENAI = "openai", "OpenAI style"

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="endpoints")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    url = models.URLField(max_length=400)
    protocol = models.CharField(max_length=12, choices=Protocol.choices, default=Protocol.MLFLOW)
    served_name = models.CharField(max_length=255, blank=True, default="")
    version_in_path = models.BooleanField(default=False)
    credential = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "environment"], name="endpoint_once_per_environment"),
            models.CheckConstraint(
                condition=models.Q(environment__in=["production", "staging"]),
                name="endpoint_environment_known",
            ),
            models.CheckConstraint(
                condition=models.Q(protocol__in=["mlflow", "v2", "v1", "openai"]),
                name="endpoint_protocol_known",
            ),
            models.CheckConstraint(
                condition=models.Q(served_name="")
                | models.Q(protocol__in=["v2", "v1"], served_name__regex=f"^{SERVED_NAME}$")
                | models.Q(protocol="openai", served_name__regex=f"^{MODEL_NAME}$"),
                name="endpoint_name_is_plain",
            ),
            models.CheckConstraint(
                condition=models.Q(version_in_path=False) | models.Q(protocol__in=["v2", "v1"]),
                name="endpoint_version_where_a_path_has_one",
            ),
            models.CheckConstraint(
                condition=models.Q(credential="") | models.Q(credential__regex=f"^{CREDENTIAL}$"),
                name="endpoint_credential_is_a_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}"

    def kin(self) -> list[Row]:
        return self.version.kin()

    def faults(self) -> dict[str, list[str]]:
        """Why this cannot be where a version answers, by field; empty when it can. The environment is the verb's matter."""
        found = {
            "url": _against_address(self.url),
            "protocol": ""
            if self.protocol in self.Protocol.values
            else f"Choose one of {', '.join(self.Protocol.values)}.",
            "served_name": self._against_name(),
            "version_in_path": ""
            if self._has_paths or not self.version_in_path
            else "Only the protocols v2 and v1 have a version in their paths.",
            "credential": ""
            if not self.credential or re.fullmatch(CREDENTIAL, self.credential)
            else "Give the name of a credential: small letters and digits, at most 40.",
        }
        return {name: [sentence] for name, sentence in found.items() if sentence}

    @property
    def _has_paths(self) -> bool:
        return self.protocol in (self.Protocol.V2, self.Protocol.V1)

    def _against_name(self) -> str:
        if not self.served_name:
            return ""
        if self.protocol == self.Protocol.MLFLOW:
            return "An MLflow scoring server serves one version, and no query names it."
        if re.fullmatch(SERVED_NAME if self._has_paths else MODEL_NAME, self.served_name):
            return ""
        return f"Letters, digits and {'- _ .' if self._has_paths else '- _ . : /'}, at most 255."


def _against_address(url: str) -> str:
    """A plain address: the gate adds the path of the query, so nothing may stand where that would end up."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "Give an address such as http://host:port/path."
    odd = set("?#@\\ ").intersection(url) or not url.isascii() or not url.isprintable()
    if not plain or odd or not PATH.fullmatch(parts.path):
        return "Give an address such as http://host:port/path, without account, query or fragment."
    if settings.ENDPOINT_HOSTS and parts.hostname not in settings.ENDPOINT_HOSTS:
        return f"Model servers run on {', '.join(settings.ENDPOINT_HOSTS)} only."
    return ""
