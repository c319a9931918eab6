"""What differs between what the registry knows and what a tracking server tells. Pure: nothing is asked or written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from registry.mlflow.facts import ModelFacts, VersionFacts


@dataclass(frozen=True)
class KnownVersion:
    """A version as it was told last."""

    description: str
    tags: Mapping[str, str]
    status: str
    stage: str
    source: str
    gone: bool


@dataclass(frozen=True)
class KnownModel:
    """A model as it was told last."""

    pk: int
    name: str
    created_at: datetime
    description: str
    tags: Mapping[str, str]
    gone: bool
    aliases: dict[str, int] = field(default_factory=dict)
    versions: dict[int, KnownVersion] = field(default_factory=dict)


@dataclass
class Change:
    """What differs about one known model."""

    known: KnownModel
    told: ModelFacts
    new: list[VersionFacts] = field(default_factory=list)
    changed: list[VersionFacts] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


@dataclass
class Difference:
    """New models with their versions, changes of known ones, and known ones that were not told of."""

    new: list[tuple[ModelFacts, list[VersionFacts]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    missing: list[KnownModel] = field(default_factory=list)


def compare(
    known: Iterable[KnownModel], models: Iterable[ModelFacts], versions: Iterable[VersionFacts]
) -> Difference:
    """The difference, by the key of a model: its name and its creation time on one server.

    A known model under another name with the same creation time and no contradicting version is a rename. The same name
    under another creation time is another model: it inherits nothing.
    """
    told_versions: dict[str, list[VersionFacts]] = defaultdict(list)
    for version in versions:
        told_versions[version.model].append(version)
    by_key = {(one.name, one.created_at): one for one in known}
    fresh, found = [], Difference()
    for told in models:
        if one := by_key.pop((told.name, told.created_at), None):
            _note(found, one, told, told_versions[told.name])
        else:
            fresh.append(told)
    left = _by_time(by_key.values())
    times = Counter(told.created_at for told in fresh)
    for told in fresh:
        candidates = left.get(told.created_at, [])
        alone = len(candidates) == 1 and times[told.created_at] == 1
        if alone and _agree(candidates[0], told_versions[told.name]):
            _note(found, left.pop(told.created_at)[0], told, told_versions[told.name])
        else:
            found.new.append((told, told_versions[told.name]))
    found.missing = [one for many in left.values() for one in many if not one.gone]
    return found


def _by_time(known: Iterable[KnownModel]) -> dict[datetime, list[KnownModel]]:
    grouped: dict[datetime, list[KnownModel]] = defaultdict(list)
    for one in known:
        grouped[one.created_at].append(one)
    return grouped


def _agree(known: KnownModel, told: list[VersionFacts]) -> bool:
    """Two models made in the same millisecond are not one: a version number that both have comes from one source."""
    return all(
        one.number not in known.versions or known.versions[one.number].source == one.source[:500]
        for one in told
    )


def _note(found: Difference, known: KnownModel, told: ModelFacts, versions: list[VersionFacts]) -> None:
    change = Change(known, told)
    seen = set()
    for version in versions:
        seen.add(version.number)
        held = known.versions.get(version.number)
        if held is None:
            change.new.append(version)
        elif held != _as_known(version):
            change.changed.append(version)
    change.missing = [n for n, one in known.versions.items() if n not in seen and not one.gone]
    present = {number for number in seen | set(known.versions) if number not in change.missing}
    aliases = {name: number for name, number in told.aliases.items() if number in present}
    own = (known.name, known.description, dict(known.tags), known.gone, known.aliases)
    if own != (told.name, told.description, dict(told.tags), False, aliases) or (
        change.new or change.changed or change.missing
    ):
        found.changes.append(change)


def _as_known(version: VersionFacts) -> KnownVersion:
    return KnownVersion(
        description=version.description,
        tags=dict(version.tags),
        status=version.status[:40],
        stage=version.stage[:40],
        source=version.source[:500],
        gone=False,
    )
