"""Runs, the datasets they used, and the files they left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from registry import canonical
from registry.errors import Invalid
from registry.events import (
    DatasetSeen,
    FilesBack,
    FilesGone,
    ManifestTaken,
    SourceHashed,
    TrainingDataAdded,
    publish,
    publish_together,
)
from registry.models import Dataset, DatasetSnapshot, Manifest, Run, RunInput, TrackingServer, User, Version
from registry.permissions import require


@transaction.atomic
def record_run(
    *, server: TrackingServer, run_id: str, facts: dict[str, Any], inputs: Sequence[dict[str, Any]], by: User
) -> Run:
    """Take a run and the dataset snapshots it used into the registry.

    `facts` are columns of Run; each of `inputs` has name, weak_digest, source_type, source, schema, profile, context.
    A run that is known may have learned from more since: its versions are told of, and assessed again.
    """
    require(by, "registry.sync_trackingserver")
    run, is_new = Run.objects.update_or_create(server=server, run_id=run_id, defaults=facts)
    added = []
    for one in inputs:
        snapshot = _snapshot(one, by)
        _, is_added = RunInput.objects.get_or_create(run=run, snapshot=snapshot, context=one["context"])
        if is_added and one["context"] == RunInput.Context.TRAINING:
            added.append(snapshot)
    if added and not is_new:
        _tell_added(run, added, by)
    return run


@transaction.atomic
def record_manifest(*, version: Version, files: Sequence[dict[str, Any]], by: User) -> Manifest:
    """Keep what hashing the files of `version` gave. Unchanged files leave the manifest as it is.

    `files`: {"path", "sha256", "size"}. A digest that differs from the last one is an event that ends the clearance.
    """
    require(by, "registry.sync_trackingserver")
    rows = sorted(
        ({"path": f["path"], "sha256": f["sha256"], "size": f["size"]} for f in files),
        key=lambda f: f["path"],
    )
    if not rows:
        raise Invalid(f"{version} has no files to hash.")
    digest = canonical.digest(canonical.canonical(rows))
    last = Manifest.objects.filter(version=version).order_by("-taken_at", "-pk").first()
    if last and last.digest == digest:
        _note_hashed(version, by)
        return last
    manifest = Manifest.objects.create(version=version, digest=digest, files=rows)
    publish(
        ManifestTaken(
            version=version, manifest=manifest, digest=digest, previous=last.digest if last else "", by=by
        )
    )
    _note_hashed(version, by)
    return manifest


@transaction.atomic
def mark_files_gone(*, version: Version, problem: str, by: User) -> Version:
    """The tracking server says that it has no files of `version`. Its clearance ends until they are there again."""
    require(by, "registry.sync_trackingserver")
    if Version.objects.filter(pk=version.pk, files_gone_at=None).update(files_gone_at=timezone.now()):
        publish(FilesGone(version=version, problem=problem[:500], by=by))
    version.refresh_from_db(fields=["files_gone_at"])
    return version


@transaction.atomic
def record_contents(
    *,
    version: Version,
    run: tuple[str, dict[str, Any], Sequence[dict[str, Any]]] | None,
    model_file: dict[str, Any],
    proposals: Sequence[dict[str, Any]],
    files: Sequence[dict[str, Any]],
    by: User,
) -> Manifest:
    """Keep all that `version` consists of, read in one go: run (id, columns, inputs), MLmodel, proposals, files.

    The manifest comes last: its event assesses the version with everything else in place.
    """
    require(by, "registry.sync_trackingserver")
    if run:
        run_id, facts, inputs = run
        version.run = record_run(
            server=version.model.server, run_id=run_id, facts=facts, inputs=inputs, by=by
        )
    version.model_file, version.proposals = model_file, list(proposals)
    version.read_problem = ""
    version.save(update_fields=["run", "model_file", "proposals", "read_problem"])
    return record_manifest(version=version, files=files, by=by)


def _note_hashed(version: Version, by: User) -> None:
    """The files are there, where they are said to be. After the manifest: nothing is cleared between the two."""
    if Version.objects.filter(pk=version.pk, files_gone_at__isnull=False).update(files_gone_at=None):
        publish(FilesBack(version=version, by=by))
    moved = Version.objects.filter(pk=version.pk, source=version.source, moved_at__isnull=False)
    if moved.update(
        moved_at=None
    ):  # not if it moved on meanwhile: what was hashed are the files of the place before
        publish(SourceHashed(version=version, source=version.source, by=by))


def _tell_added(run: Run, added: Sequence[DatasetSnapshot], by: User) -> None:
    """One event for each version of the run and each snapshot that came to its training data."""
    publish_together(
        [
            TrainingDataAdded(version=version, dataset=snapshot.dataset, snapshot=snapshot.weak_digest, by=by)
            for version in run.versions.select_related("model").order_by("pk")
            for snapshot in added
        ]
    )


def _snapshot(facts: dict[str, Any], by: User) -> DatasetSnapshot:
    dataset, _ = Dataset.objects.get_or_create(name=facts["name"], defaults={"slug": _slug(facts["name"])})
    snapshot, created = DatasetSnapshot.objects.get_or_create(
        dataset=dataset,
        weak_digest=facts["weak_digest"],
        defaults={key: facts[key] for key in ("source_type", "source", "schema", "profile")},
    )
    if created:
        publish(DatasetSeen(dataset=dataset, snapshot=snapshot.weak_digest, by=by))
    return snapshot


def _slug(name: str) -> str:
    base = slugify(name)[:100] or "dataset"
    count = Dataset.objects.filter(slug__startswith=base).count()
    return base if count == 0 else f"{base}-{count + 1}"
