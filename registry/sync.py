"""Read a tracking server into the registry: slow looks over the network first, then one short transaction a model.

Every pass looks at all models, versions and aliases: MLflow moves no timestamp when an alias moves, so a cursor would
miss promotions. What a known version consists of is read once; its files are hashed again every hour (`rehash`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from registry.actions import catalogue, data, servers
from registry.mlflow import manifest, proposals
from registry.mlflow.facts import Absent, ModelFacts, RunFacts, Unacceptable, Unreachable, VersionFacts
from registry.mlflow.reader import TrackingServer as Source
from registry.models import Model, TrackingServer, User, Version

READY = "READY"
CONTEXTS = {"training": "training", "train": "training", "evaluation": "evaluation", "eval": "evaluation"}


@dataclass
class Outcome:
    """What one pass found: how many models and versions were new, and what could not be read."""

    models_added: int = 0
    versions_added: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """All that the tracking server says about one version, gathered before anything is written."""

    version: VersionFacts
    run: RunFacts | None
    model_file: dict[str, Any]
    proposals: list[dict[str, Any]]
    files: list[dict[str, Any]]


def read(server: TrackingServer, *, by: User) -> Outcome:
    """Bring the registry in step with `server`. When it does not answer, what is known stays, with the reason."""
    source = Source(server.uri)
    outcome = Outcome()
    try:
        models = list(source.models())
        versions = [version for version in source.versions() if version.status == READY]
        known = _known(server)
        for facts in models:
            new = [v for v in versions if v.model == facts.name and (facts.name, v.number) not in known]
            looks = [look for look in (_look(source, version, outcome) for version in new) if look]
            _store(server, facts, looks, outcome, by)
    except Unreachable as error:
        outcome.problems.append(str(error))
        TrackingServer.objects.filter(pk=server.pk).update(problem=str(error))
        return outcome
    servers.note_synced(
        server=server, models_added=outcome.models_added, versions_added=outcome.versions_added, by=by
    )
    return outcome


def rehash(version: Version, *, by: User) -> str:
    """Hash the files of `version` again; returns the digest. A changed byte ends the clearance."""
    source = Source(version.model.server.uri)
    facts = VersionFacts(
        model=version.model.name,
        number=version.number,
        description=version.description,
        source=version.source,
        run_id=version.run.run_id if version.run else "",
        logged_model_id=version.logged_model_id,
        status=version.status,
        created_at=version.registered_at,
        tags=version.tags,
    )
    return data.record_manifest(version=version, files=_files(source, facts), by=by).digest


def _known(server: TrackingServer) -> set[tuple[str, int]]:
    rows = Version.objects.filter(model__server=server, manifests__isnull=False)
    return set(rows.values_list("model__name", "number"))


def _look(source: Source, version: VersionFacts, outcome: Outcome) -> Look | None:
    """One version, or None when it cannot be read whole; it is tried again with the next pass."""
    try:
        run = source.run(version.run_id) if version.run_id else None
        logged = source.logged_model(version.logged_model_id) if version.logged_model_id else None
        model_file = source.model_file(version)
        found = proposals.propose(version, run, logged, model_file)
        return Look(
            version=version,
            run=run,
            model_file=dataclasses.asdict(model_file),
            proposals=[dataclasses.asdict(one) for one in found],
            files=_files(source, version),
        )
    except (Absent, Unacceptable) as error:
        outcome.problems.append(str(error))
        return None


def _files(source: Source, version: VersionFacts) -> list[dict[str, Any]]:
    return [
        {"path": f.path, "sha256": f.sha256, "size": f.size_bytes} for f in manifest.take(source, version)
    ]


@transaction.atomic
def _store(server: TrackingServer, facts: ModelFacts, looks: list[Look], outcome: Outcome, by: User) -> None:
    model = Model.objects.filter(server=server, name=facts.name, created_at=facts.created_at).first()
    if model is None:
        model = catalogue.register_model(
            server=server,
            name=facts.name,
            description=facts.description,
            tags=dict(facts.tags),
            created_at=facts.created_at,
            by=by,
        )
        outcome.models_added += 1
    for look in sorted(looks, key=lambda one: one.version.number):
        outcome.versions_added += 1
        _store_version(server, model, look, by)
    catalogue.move_aliases(model=model, aliases=dict(facts.aliases), by=by)


def _store_version(server: TrackingServer, model: Model, look: Look, by: User) -> None:
    run = None
    if look.run:
        run = data.record_run(
            server=server,
            run_id=look.run.run_id,
            facts=_run_columns(look.run),
            inputs=_inputs(look.run),
            by=by,
        )
    version = model.versions.filter(number=look.version.number).first()
    if version is None:
        version = catalogue.register_version(
            model=model,
            number=look.version.number,
            registered_at=look.version.created_at,
            run=run,
            facts={
                "source": look.version.source,
                "logged_model_id": look.version.logged_model_id,
                "status": look.version.status,
                "description": look.version.description,
                "tags": dict(look.version.tags),
                "model_file": look.model_file,
                "proposals": look.proposals,
            },
            by=by,
        )
    data.record_manifest(version=version, files=look.files, by=by)


def _run_columns(run: RunFacts) -> dict[str, Any]:
    return {
        "user_name": run.user,
        "status": run.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "tags": dict(run.tags),
        "git_commit": run.git_commit,
        "git_repository": run.git_repo,
    }


def _inputs(run: RunFacts) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "weak_digest": one.digest,
            "source_type": one.source_type,
            "source": str(one.source.get("uri") or one.source.get("url") or dict(one.source) or "")[:2000],
            "schema": dict(one.schema),
            "profile": dict(one.profile),
            "context": CONTEXTS.get(one.context.lower(), "other"),
        }
        for one in run.dataset_inputs
    ]
