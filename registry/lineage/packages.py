"""The packages of a version's environment, as its requirements name them, and how they are searched.

Names are compared as PyPI does (PEP 503): case, `-`, `_` and `.` make no difference. A line pins a package when it
names one version with `==` or `===`; every other line leaves open which version was there.
The function `cardinal_packages` in the database (migration 0040) reads lines by the same rule, so that an index can
answer; a test holds both to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, TextField

MOST = 500
LINE = re.compile(
    r"^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([^\s;,*]+)\s*(?:;.*)?$)?"
)
SEPARATORS = re.compile(r"[-_.]+")
OPEN = "?"  # stands where a version would, when the line pins none


@dataclass(frozen=True)
class Package:
    """One line of the requirements. `number` is the pinned version, empty when the line leaves it open."""

    name: str
    number: str
    line: str

    @property
    def key(self) -> str:
        """The name as PyPI compares it."""
        return normal(self.name)


def normal(name: str) -> str:
    """A package name in the form in which names are compared."""
    return SEPARATORS.sub("-", name.strip()).lower()


def parse(lines: Any) -> list[Package]:
    """The packages in `lines` (of MLmodel's requirements) by name; a line that names none is left out."""
    found = [
        Package(match[1], match[2] or "", line.strip()[:300])
        for line in (lines[:MOST] if isinstance(lines, list) else [])
        if isinstance(line, str) and (match := LINE.match(line))
    ]
    return sorted(found, key=lambda one: (one.key, one.line))


def keys(packages: Iterable[Package]) -> set[str]:
    """What the database finds a version by: `name`, and `name==number` or `name==?`."""
    return {key for one in packages for key in (one.key, f"{one.key}=={one.number or OPEN}")}


class Keys(Func):
    """`keys` of a version's `model_file`, read by the database."""

    function = "cardinal_packages"
    output_field = ArrayField(TextField())
