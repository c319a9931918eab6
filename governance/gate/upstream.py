"""Where an allowed query goes: the address that a version's endpoint gives to what was asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from governance.gate import doors
from governance.gate.doors import Operation


@dataclass(frozen=True, slots=True)
class Upstream:
    """The endpoint of a version in an environment: which server, what it speaks, and by what name it knows the version."""

    url: str
    protocol: str = doors.MLFLOW
    served_name: str = ""  # empty: the model's slug
    version_in_path: bool = False
    credential: str = ""  # the name of one that the gate is told by its operator

    def name(self, model: str) -> str:
        """The name by which this server knows the version."""
        return self.served_name or model

    def address(self, operation: Operation, model: str, version: int | None) -> str:
        """The address of `operation` there. The version that was approved is named by its number, never by an alias."""
        if operation.protocol not in (doors.V1, doors.V2):
            return self.url + operation.suffix
        number = f"/versions/{version}" if self.version_in_path else ""
        return f"{self.url}/{operation.protocol}/models/{quote(self.name(model), safe='')}{number}{operation.suffix}"
