"""How severe a finding is: a default for each rule and risk class, and whatever the floor above has decided.

A document does not know the risk class of the systems that use its model; that is decided above. Whoever knows it
registers here (`provide`), as listeners of events do, and is asked once for each document that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from registry.models import Dataset, Version

UNDECIDED = "undecided"
CLASSES = (UNDECIDED, "minimal", "limited", "high", "prohibited")
SEVERITIES = ("off", "hint", "warning", "blocking")  # from the mildest to the strictest


@dataclass(frozen=True)
class Rule:
    """Something the lint looks for. `severity` maps a risk class to how severe it is by default."""

    code: str
    label: str
    severity: Mapping[str, str]


@dataclass(frozen=True)
class Strictness:
    """How severe the findings about one document are: the strictest of the risk classes that concern it.

    `decided` maps (rule, risk class) to the severity that compliance has decided; the rest are defaults.
    """

    classes: tuple[str, ...] = (UNDECIDED,)
    decided: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def severity(self, code: str) -> str:
        """The severity of findings of this rule: off, hint, warning or blocking."""
        known = rules()[code].severity
        found = [self.decided.get((code, one), known[one]) for one in self.classes or (UNDECIDED,)]
        return max(found, key=SEVERITIES.index)


Provider = Callable[["Version | Dataset"], Strictness]
_providers: list[Provider] = []


def provide(provider: Provider) -> None:
    """Let `provider` say how strict a document is looked at. Called once, when the application above starts."""
    _providers[:] = [provider]


def strictness_of(about: Version | Dataset) -> Strictness:
    """How strict the card of this version, or the datasheet of this dataset, is looked at."""
    return _providers[0](about) if _providers else Strictness()


def strictest(classes: Iterable[str], decided: Mapping[tuple[str, str], str]) -> Strictness:
    """The strictness of a document that concerns systems of these classes; "" stands for undecided."""
    return Strictness(tuple(sorted({one or UNDECIDED for one in classes})) or (UNDECIDED,), decided)


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its code, in the order of the file."""
    raw: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "severities.yaml").read_text())
    return {one["code"]: Rule(one["code"], one["label"], one["severity"]) for one in raw["rules"]}
