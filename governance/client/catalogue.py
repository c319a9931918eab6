"""What exists: models, versions, datasets, and the documents about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from governance.client.answers import Dataset, Model, Revision, Version
from governance.client.errors import Misconfigured, NotThere
from governance.client.reading import read
from governance.client.wire import Wire

SLUG = re.compile(r"[-a-zA-Z0-9_]{1,120}\Z", re.ASCII)


@dataclass(frozen=True)
class Named:
    """A version as people write it: `credit-scorer@champion` or `credit-scorer/3`."""

    model: str
    alias: str = ""
    number: int = 0

    @classmethod
    def of(cls, text: str) -> Named:
        """What `text` names; `Misconfigured` when it names none."""
        model, sign, rest = re.match(r"([^@/]*)([@/]?)(.*)\Z", text, re.DOTALL).groups()  # type: ignore[union-attr]
        if SLUG.match(model) and sign == "@" and re.fullmatch(r"[A-Za-z0-9_-]{1,255}", rest, re.ASCII):
            return cls(model, alias=rest)
        if SLUG.match(model) and sign == "/" and re.fullmatch(r"[1-9][0-9]{0,8}", rest, re.ASCII):
            return cls(model, number=int(rest))
        raise Misconfigured(f"{text[:200]!r} names no version: write MODEL@ALIAS or MODEL/NUMBER.")

    def __str__(self) -> str:
        return f"{self.model}@{self.alias}" if self.alias else f"{self.model}/{self.number}"


def part(text: str) -> str:
    """One part of an address, whatever is in it."""
    return quote(text, safe="")


@dataclass(frozen=True)
class Models:
    """Models and their versions."""

    wire: Wire

    def list(self, *, limit: int | None = None, **filters: str | int | None) -> Iterator[Model]:
        """Those that you may see, with the filters of the page of models, such as `risk="high"`."""
        return (read(Model, row) for row in self.wire.rows("models/", filters, limit=limit))

    def get(self, slug: str) -> Model:
        """One model with its aliases."""
        return read(Model, self.wire.get(f"models/{part(slug)}/").data)

    def versions(self, slug: str, *, limit: int | None = None) -> Iterator[Version]:
        """Its versions, newest first."""
        return (read(Version, row) for row in self.wire.rows(f"models/{part(slug)}/versions/", limit=limit))

    def version(self, slug: str, number: int) -> Version:
        """One version with its run."""
        return read(Version, self.wire.get(f"models/{part(slug)}/versions/{number}/").data)

    def number_of(self, named: Named | str) -> int:
        """The number behind `MODEL@ALIAS` at this moment; `NotThere` when the alias names no version."""
        one = Named.of(named) if isinstance(named, str) else named
        if one.number:
            return one.number
        for alias in self.get(one.model).aliases:
            if alias.name == one.alias:
                return alias.version
        raise NotThere(status=404, title=f"{one.model} has no version called {one.alias}.")


@dataclass(frozen=True)
class Datasets:
    """What versions were trained on."""

    wire: Wire

    def list(self, *, limit: int | None = None, **filters: str | int | None) -> Iterator[Dataset]:
        """Those that you may see."""
        return (read(Dataset, row) for row in self.wire.rows("datasets/", filters, limit=limit))

    def get(self, slug: str) -> Dataset:
        """One dataset with its snapshots."""
        return read(Dataset, self.wire.get(f"datasets/{part(slug)}/").data)


@dataclass(frozen=True)
class Documents:
    """Cards and datasheets, as they are now."""

    wire: Wire

    def card(self, slug: str, number: int) -> Revision:
        """The model card of a version."""
        return read(Revision, self.wire.get(f"models/{part(slug)}/versions/{number}/card/").data)

    def datasheet(self, slug: str) -> Revision:
        """The datasheet of a dataset."""
        return read(Revision, self.wire.get(f"datasets/{part(slug)}/datasheet/").data)
