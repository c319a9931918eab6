"""Rows as nodes: how each thing is called, what stands under it, and which facts it shows. Asks the database nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from registry.lineage.bases import Base
from registry.lineage.graph import Node
from registry.lineage.packages import parse
from registry.models import (
    Dataset,
    DatasetSnapshot,
    Endpoint,
    Manifest,
    PipelineStage,
    Run,
    System,
    TrackingServer,
    Version,
)

MOST_FACTS, LONGEST = 40, 300
WEAK = "weak: tells snapshots apart, proves nothing"

Facts = tuple[tuple[str, str], ...]


def version(one: Version, aliases: Sequence[str] = ()) -> Node:
    """A version, under its aliases."""
    named = ", ".join(aliases)
    return Node(
        f"version-{one.pk}",
        "version",
        str(one),
        named or "no alias",
        _facts(
            ("Model", one.model.name),
            ("Version", one.number),
            ("Aliases", named),
            ("Source", one.source),
            ("Status", one.status),
            ("Registered", one.registered_at),
            ("Tracking server", one.model.server.name),
        ),
        one.get_absolute_url(),
    )


def dataset(one: Dataset) -> Node:
    """A dataset, whatever its state."""
    return Node(
        f"dataset-{one.pk}",
        "dataset",
        one.name,
        "all snapshots",
        _facts(("First seen", one.first_seen_at)),
        one.get_absolute_url(),
    )


def snapshot(one: DatasetSnapshot, contexts: Iterable[str] = ()) -> Node:
    """One state of a dataset, under what it was used for."""
    uses = sorted(set(contexts))
    return Node(
        f"snapshot-{one.pk}",
        "snapshot",
        one.dataset.name,
        ", ".join([one.weak_digest[:8], *uses]),
        _facts(
            ("Dataset", one.dataset.name),
            ("MLflow digest", f"{one.weak_digest} ({WEAK})"),
            ("Used for", ", ".join(uses)),
            ("Rows", one.row_count),
            ("Source", f"{one.source_type} {one.source}".strip()),
        ),
        one.dataset.get_absolute_url(),
    )


def run(one: Run, url: str = "") -> Node:
    """A run with its parameters and measurements."""
    return Node(
        f"run-{one.pk}",
        "run",
        str(one),
        one.started_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        if one.started_at
        else "start not recorded",
        _facts(
            ("Run", one.run_id),
            ("Status", one.status),
            ("Started", one.started_at),
            ("Ended", one.ended_at),
            *_pairs("Parameter", one.params),
            *_pairs("Metric", one.metrics),
        ),
        url,
    )


def commit(one: Run) -> Node:
    """The state of the code that the run says it ran."""
    place = _text(one.git_repository)
    return Node(
        f"commit-{_key(one.git_repository, one.git_commit)}",
        "commit",
        one.git_commit[:12],
        place or "repository not recorded",
        _facts(("Commit", one.git_commit), ("Repository", place)),
    )


def environment(one: Version) -> Node | None:
    """Python and the packages of a version, or None where neither is recorded."""
    held = one.model_file if isinstance(one.model_file, dict) else {}
    packages, python = parse(held.get("packages")), _text(held.get("python_version"))
    if not packages and not python:
        return None
    count = f"{len(packages)} package{'s' if len(packages) != 1 else ''}"
    return Node(
        f"environment-{one.pk}",
        "environment",
        f"Python {python}" if python else "Python not recorded",
        count,
        _facts(
            ("Python", python),
            ("MLflow", held.get("mlflow_version")),
            *((f"Package {package.name}", package.number or package.line) for package in packages),
            most=600,
        ),
    )


def manifest(one: Manifest) -> Node:
    """The files of a version by their digest."""
    count = len(one.files)
    return Node(
        f"manifest-{one.pk}",
        "manifest",
        f"{count} file{'s' if count != 1 else ''}",
        f"SHA-256 {one.digest[:12]}",
        _facts(
            ("SHA-256 of the list", one.digest),
            ("Size", f"{sum(file['size'] for file in one.files)} bytes"),
            ("Hashed", one.taken_at),
        ),
    )


def base(one: Base, server: int) -> Node:
    """A base model that is no version of this registry, or none that the reader may see."""
    return Node(
        f"base-{_key(str(server), one.name)}",
        "base",
        one.name,
        f"named by {one.said_by}",
        _facts(("Name", one.name), ("Relation", one.relation), ("Named by", one.said_by)),
    )


def person(one: Run) -> Node:
    """Whoever ran it, as the tracking server tells it; no account of this portal."""
    return Node(
        f"person-{_key(str(one.server_id), one.user_name)}",
        "person",
        one.user_name,
        "as the tracking server tells it",
        _facts(("Name there", one.user_name)),
    )


def server(one: TrackingServer, mlflow: str = "") -> Node:
    """The software that recorded the run."""
    return Node(
        f"server-{one.pk}",
        "server",
        one.name,
        f"MLflow {mlflow}" if mlflow else "MLflow",
        _facts(("Name", one.name), ("MLflow that logged the model", mlflow)),
    )


def stage(one: PipelineStage) -> Node:
    """A stage with its command."""
    return Node(
        f"stage-{one.pk}",
        "stage",
        one.name,
        one.command or "no command recorded",
        _facts(
            ("Command", one.command),
            *_pairs("Parameter", one.params),
            *((f"Read {file['path']}", _said(file)) for file in one.dependencies),
            *((f"Wrote {file['path']}", _said(file)) for file in one.outputs),
            ("Recorded in", f"file with SHA-256 {one.source}"),
        ),
    )


def file(one: Mapping[str, Any], version_pk: int) -> Node:
    """A file that a pipeline read or wrote, in one state."""
    return Node(
        file_id(one, version_pk),
        "file",
        one["path"] or one["digest"][:12],
        f"{one['algorithm']} {one['digest'][:12]}".strip(),
        _facts(
            ("Path", one["path"]),
            (one["algorithm"] or "Digest", one["digest"]),
            ("Size", _bytes(one["size"])),
        ),
    )


def file_id(one: Mapping[str, Any], version_pk: int) -> str:
    """Two mentions of a file are of one state when their digests agree; without a digest, when their paths do."""
    mark = f"{one['algorithm']}:{one['digest']}" if one["digest"] else f"path:{one['path']}"
    return f"file-{_key(str(version_pk), mark)}"


def endpoint(one: Endpoint) -> Node:
    """Where a version answers queries."""
    return Node(
        f"endpoint-{one.pk}",
        "endpoint",
        one.environment,
        one.url,
        _facts(
            ("Environment", one.environment),
            ("Address", one.url),
            ("Protocol", one.get_protocol_display()),
            ("Name there", one.served_name),
        ),
    )


def system(one: System) -> Node:
    """An AI system that uses the model."""
    return Node(
        f"system-{one.pk}",
        "system",
        one.name,
        one.get_operator_role_display(),
        _facts(("Operator role", one.get_operator_role_display()), ("Purpose", one.intended_purpose)),
        one.get_absolute_url(),
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _facts(*pairs: tuple[str, Any], most: int = MOST_FACTS) -> Facts:
    """What is known of it, as text; what is not known is left out, and what is too much is counted."""
    known = tuple((str(label)[:100], _text(value)) for label, value in pairs if value not in (None, ""))
    rest = len(known) - most
    return (*known[:most], ("And", f"{rest} more")) if rest > 0 else known


def _pairs(noun: str, held: Any) -> list[tuple[str, Any]]:
    return [(f"{noun} {name}", held[name]) for name in sorted(held)] if isinstance(held, dict) else []


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, float):
        value = f"{value:.6g}"
    text = " ".join(str("" if value is None else value)[: 4 * LONGEST].split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _said(file: Mapping[str, Any]) -> str:
    return (
        " ".join(part for part in (file["algorithm"], file["digest"], _bytes(file["size"])) if part)
        or "no digest"
    )


def _bytes(size: int | None) -> str:
    return "" if size is None else f"{size} bytes"
