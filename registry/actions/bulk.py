"""Many models and versions at once: what a first read brings."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.text import slugify

from registry.events import AliasMoved, Event, ModelRegistered, VersionRegistered, publish_together
from registry.mlflow.facts import ModelFacts, VersionFacts
from registry.models import Alias, LedgerRow, Model, TrackingServer, User, Version
from registry.permissions import require
from registry.search import index

FIRST = "first"  # a value of LedgerRow.SeenBy


@transaction.atomic
def register_many(
    *, server: TrackingServer, models: Sequence[tuple[ModelFacts, Sequence[VersionFacts]]], by: User
) -> list[Version]:
    """Take many models with their versions and aliases into the registry, in a few statements; returns the versions.

    The trail gets one entry per model and per version, as if each had been registered alone: the history of a version
    begins with its registration, and an entry that only counted would leave thousands of histories without beginning.
    The ledger begins with who holds which alias and stage.
    """
    require(by, "registry.sync_trackingserver")
    with index.models_together() as keys:
        made, versions, aliases = _insert(server, models)
        keys += [model.pk for model in made]
    LedgerRow.objects.bulk_create(_first_rows(aliases, versions, by), batch_size=1000)
    events: list[Event] = [ModelRegistered(model=model, by=by) for model in made]
    events += [VersionRegistered(version=one, source=one.source, by=by) for one in versions]
    publish_together(events + [_first_move(alias, by) for alias in aliases])
    return versions


@transaction.atomic
def register_versions(*, model: Model, told: Sequence[VersionFacts], by: User) -> list[Version]:
    """Take versions of a known model into the registry."""
    require(by, "registry.sync_trackingserver")
    made = Version.objects.bulk_create(
        [_as_version(model, facts) for facts in sorted(told, key=lambda one: one.number)]
    )
    publish_together([VersionRegistered(version=one, source=one.source, by=by) for one in made])
    return made


def _insert(
    server: TrackingServer, models: Sequence[tuple[ModelFacts, Sequence[VersionFacts]]]
) -> tuple[list[Model], list[Version], list[Alias]]:
    slugs = _free_slugs([facts.name for facts, _ in models])
    made = Model.objects.bulk_create(
        [
            Model(
                server=server,
                name=facts.name,
                slug=slug,
                description=facts.description,
                tags=dict(facts.tags),
                created_at=facts.created_at,
            )
            for (facts, _), slug in zip(models, slugs, strict=True)
        ],
        batch_size=1000,
    )
    versions = Version.objects.bulk_create(
        [
            _as_version(model, facts)
            for model, (_, told) in zip(made, models, strict=True)
            for facts in sorted(told, key=lambda one: one.number)
        ],
        batch_size=1000,
    )
    numbered = {(version.model_id, version.number): version for version in versions}
    aliases = [
        Alias(model=model, name=name, version=numbered[model.pk, number])
        for model, (facts, _) in zip(made, models, strict=True)
        for name, number in sorted(facts.aliases.items())
        if (model.pk, number) in numbered
    ]
    Alias.objects.bulk_create(aliases, batch_size=1000)
    return made, versions, aliases


def _as_version(model: Model, facts: VersionFacts) -> Version:
    return Version(
        model=model,
        number=facts.number,
        registered_at=facts.created_at,
        source=facts.source[:500],
        logged_model_id=facts.logged_model_id[:80],
        told_run_id=facts.run_id[:64],
        status=facts.status[:40],
        stage=facts.stage[:40],
        description=facts.description,
        tags=dict(facts.tags),
    )


def _first_move(alias: Alias, by: User) -> AliasMoved:
    return AliasMoved(
        model=alias.model, alias=alias.name, version=alias.version, previous=0, seen_by=FIRST, by=by
    )


def _first_rows(aliases: list[Alias], versions: list[Version], by: User) -> list[LedgerRow]:
    held = [
        LedgerRow(
            model=one.model,
            version=one.version,
            what=LedgerRow.What.ALIAS,
            name=one.name,
            after=str(one.version.number),
            seen_by=FIRST,
            by=by,
        )
        for one in aliases
    ]
    staged = [
        LedgerRow(
            model=one.model, version=one, what=LedgerRow.What.STAGE, after=one.stage, seen_by=FIRST, by=by
        )
        for one in versions
        if one.stage
    ]
    return held + staged


def _free_slugs(names: Sequence[str]) -> list[str]:
    """A slug of its own for each of `names`, with one query for any number of them."""
    taken = set(Model.objects.values_list("slug", flat=True))
    found = []
    for name in names:
        found.append(_free(slugify(name)[:100] or "unnamed", taken))
        taken.add(found[-1])
    return found


def _free(base: str, taken: set[str]) -> str:
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
