"""What the registry knows of a tracking server, in three queries for any number of models."""

from __future__ import annotations

from django.db.models import Q

from registry.mlflow.facts import ModelFacts
from registry.models import Alias, Model, TrackingServer, Version
from registry.sync.difference import KnownModel, KnownVersion

MODEL = ("pk", "name", "created_at", "description", "tags", "gone_at")
VERSION = ("model", "number", "description", "tags", "status", "stage", "source", "gone_at")


def known(server: TrackingServer, *, like: ModelFacts | None = None) -> list[KnownModel]:
    """Every model of `server`; or, for one that was told of, those it may be: by its name, or renamed, by its time."""
    chosen = Q(server=server)
    if like:
        chosen &= Q(name=like.name) | Q(created_at=like.created_at)
    rows = Model.objects.filter(chosen)
    found = {
        pk: KnownModel(pk, name, created_at, description, tags, gone_at is not None)
        for pk, name, created_at, description, tags, gone_at in rows.values_list(*MODEL)
    }
    of = Q(model__in=list(found)) if like else Q(model__server=server)
    for model, number, description, tags, status, stage, source, gone_at in Version.objects.filter(
        of
    ).values_list(*VERSION):
        found[model].versions[number] = KnownVersion(
            description, tags, status, stage, source, gone_at is not None
        )
    for model, name, number in Alias.objects.filter(of).values_list("model", "name", "version__number"):
        found[model].aliases[name] = number
    return list(found.values())
