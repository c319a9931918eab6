"""What a version consists of: run, MLmodel, files. Read over the network first, then stored in one transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from registry.actions import changes, data
from registry.mlflow import manifest, proposals
from registry.mlflow.facts import Absent, RunFacts, Unacceptable, Unreachable, VersionFacts
from registry.mlflow.reader import TrackingServer as Source
from registry.models import TrackingServer, User, Version

CONTEXTS = {"training": "training", "train": "training", "evaluation": "evaluation", "eval": "evaluation"}
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=12)


def due(server: TrackingServer, *, now: datetime | None = None) -> list[int]:
    """Keys of the versions of `server` to read whole now. One that fails waits twice as long each time."""
    return _due(Version.objects.unread().filter(model__server=server), now)


def moved(server: TrackingServer, *, now: datetime | None = None) -> list[int]:
    """Keys of the versions of `server` whose files lie elsewhere now, to be hashed there; they wait alike."""
    return _due(Version.objects.moved().filter(model__server=server), now)


def _due(versions: QuerySet[Version], now: datetime | None) -> list[int]:
    moment = now or timezone.now()
    rows = versions.order_by("-registered_at", "pk")
    return [
        pk
        for pk, tried_at, tries in rows.values_list("pk", "tried_at", "tries")
        if tried_at is None or tried_at <= moment - _wait(tries)
    ]


def claim(keys: Iterable[int]) -> None:
    """Note that a worker sets out to read these, so that the next pass does not order them again."""
    Version.objects.filter(pk__in=list(keys)).update(tried_at=timezone.now(), tries=F("tries") + 1)


def read(source: Source, keys: Iterable[int], *, by: User) -> list[str]:
    """Read each of the versions whole, or note why not; returns the problems. A server that is away ends it."""
    problems = []
    rows = Version.objects.filter(pk__in=list(keys)).select_related("model__server", "run").order_by("pk")
    for version in rows:
        try:
            store(version, source, by=by)
        except (Absent, Unacceptable) as problem:
            problems.append(str(problem))
            changes.note_unread(version=version, problem=str(problem), by=by)
        except Unreachable as problem:
            changes.note_unread(version=version, problem=str(problem), by=by)
            return [*problems, str(problem)]
    return problems


def store(version: Version, source: Source, *, by: User) -> None:
    """Read all of one version, then keep it."""
    facts = told(version)
    run = source.run(facts.run_id) if facts.run_id else None
    logged = source.logged_model(facts.logged_model_id) if facts.logged_model_id else None
    model_file = source.model_file(facts)
    found = proposals.propose(facts, run, logged, model_file)
    data.record_contents(
        version=version,
        run=(run.run_id, _run_columns(run), _inputs(run)) if run else None,
        model_file=dataclasses.asdict(model_file),
        proposals=[dataclasses.asdict(one) for one in found],
        files=files(source, facts),
        by=by,
    )


def files(source: Source, facts: VersionFacts) -> list[dict[str, Any]]:
    """The manifest of a version as rows."""
    return [{"path": f.path, "sha256": f.sha256, "size": f.size_bytes} for f in manifest.take(source, facts)]


def told(version: Version) -> VersionFacts:
    """The version as its server told it."""
    return VersionFacts(
        model=version.model.name,
        number=version.number,
        description=version.description,
        source=version.source,
        run_id=version.run.run_id if version.run else version.told_run_id,
        logged_model_id=version.logged_model_id,
        status=version.status,
        created_at=version.registered_at,
        tags=version.tags,
        stage=version.stage,
    )


def _wait(tries: int) -> timedelta:
    doubled: int = 2 ** max(0, min(tries, 12) - 1)
    return min(SHORTEST_WAIT * doubled, LONGEST_WAIT)


def _run_columns(run: RunFacts) -> dict[str, Any]:
    return {
        "user_name": run.user,
        "status": run.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "tags": dict(run.tags),
        "model_inputs": list(run.model_inputs),
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
