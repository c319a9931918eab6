"""The bill of materials of a version: everything that went into it and where it is used, each with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from registry.lineage import bases, packages
from registry.models import Endpoint, Manifest, PipelineStage, Revision, Run, RunInput, System, User, Version

MOST_PARAMS = 500


@dataclass(frozen=True)
class Material:
    """A dataset snapshot that the run used, and the datasheet that describes the dataset now."""

    use: RunInput
    datasheet: Revision | None


@dataclass(frozen=True)
class Stock:
    """A base model: how it was named, and the version of this registry that is meant, where one is and may be seen."""

    base: bases.Base
    version: Version | None


@dataclass(frozen=True)
class Bom:
    """Everything on one page. What is not recorded is empty."""

    version: Version
    run: Run | None
    python: str
    mlflow: str
    manifest: Manifest | None
    packages: tuple[packages.Package, ...]
    data: tuple[Material, ...]
    bases: tuple[Stock, ...]
    stages: tuple[PipelineStage, ...]
    endpoints: tuple[Endpoint, ...]
    systems: tuple[System, ...]

    @property
    def files(self) -> list[dict[str, Any]]:
        """The files of the version by path: path, sha256, size in bytes."""
        return self.manifest.rows if self.manifest else []

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file["size"] for file in self.files)

    @property
    def params(self) -> list[tuple[str, str]]:
        """Parameters of the run by name."""
        return self.run.param_rows[:MOST_PARAMS] if self.run else []


def of(version: Version, user: User) -> Bom:
    """The bill of materials of `version` as `user` may see it."""
    (one,) = bases.whole(Version.objects.filter(pk=version.pk))
    held = one.model_file if isinstance(one.model_file, dict) else {}
    used = RunInput.objects.filter(run=one.run_id) if one.run_id else RunInput.objects.none()
    parents, links = bases.ancestors([one], user)
    direct = {link.parent for link in links if link.child == one.pk}
    known = {key: parent for parent in parents if parent.pk in direct for key in bases.keys(parent)}
    return Bom(
        version=one,
        run=one.run,
        python=str(held.get("python_version") or ""),
        mlflow=str(held.get("mlflow_version") or ""),
        manifest=Manifest.objects.filter(version=one).order_by("-taken_at", "-pk").first(),
        packages=tuple(packages.parse(held.get("packages"))),
        data=tuple(
            Material(use, _head(use))
            for use in used.select_related("snapshot__dataset__datasheet__head")
            .defer("snapshot__schema")
            .order_by("context", "snapshot__dataset__name", "pk")
        ),
        bases=tuple(Stock(base, known.get(base.name)) for base in bases.named(one)),
        stages=tuple(PipelineStage.objects.filter(version=one).current()),
        endpoints=tuple(one.endpoints.order_by("environment", "pk")),
        systems=tuple(System.objects.visible_to(user).filter(models=one.model).order_by("name", "pk")),
    )


def rows(bom: Bom) -> Iterator[tuple[str, str, str, str, str, str]]:
    """As lines of a table: kind, name, version, size in bytes, algorithm, digest. The head comes first."""
    yield ("kind", "name", "version", "bytes", "algorithm", "digest")
    for file in bom.files:
        yield ("file", file["path"], "", str(file["size"]), "SHA-256", file["sha256"])
    if bom.python:
        yield ("runtime", "python", bom.python, "", "", "")
    for package in bom.packages:
        yield ("package", package.name, package.number or package.line, "", "", "")
    for material in bom.data:
        snapshot = material.use.snapshot
        name, context = snapshot.dataset.name, material.use.context
        yield (f"dataset ({context})", name, "", "", "MLflow (weak)", snapshot.weak_digest)
        if sheet := material.datasheet:
            yield ("datasheet", name, str(sheet.number), "", "SHA-256", sheet.digest)
    if bom.run and bom.run.git_commit:
        yield ("commit", bom.run.git_repository, "", "", "git", bom.run.git_commit)
    for stock in bom.bases:
        yield ("base model", stock.base.name, "", "", "", "")
    for stage in bom.stages:
        for file in stage.outputs:
            size = "" if file["size"] is None else str(file["size"])
            yield (f"output of stage {stage.name}", file["path"], "", size, file["algorithm"], file["digest"])


def _head(use: RunInput) -> Revision | None:
    return getattr(getattr(use.snapshot.dataset, "datasheet", None), "head", None)
