"""Pipelines: keep the stages that a file such as `dvc.lock` records for a version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from registry.errors import Invalid
from registry.events import PipelineRecorded, publish
from registry.models import PipelineStage, User, Version
from registry.permissions import require

MOST_STAGES, MOST_FILES = 200, 2_000
LONGEST_NAME, LONGEST_COMMAND, LONGEST_PATH = 200, 20_000, 1_000
LARGEST_PARAMS = 100_000  # characters of JSON
DIGEST = re.compile(r"[0-9a-zA-Z.+/=_-]{0,128}")


@transaction.atomic
def record(
    *, version: Version, stages: Sequence[dict[str, Any]], source: str, by: User
) -> list[PipelineStage]:
    """Keep the `stages` of the pipeline that made `version`, as the next edition; the same file again changes nothing.

    Each of `stages`: name, cmd (or commands, several), deps, params ({name: value}, or rows of file, name, value), outs;
    a dependency or output: path, digest, algorithm, size (bytes or None). `source` is the SHA-256 of the file.
    """
    require(by, "registry.write_document", on=version)
    rows = _checked(stages, source)
    Version.objects.select_for_update().get(pk=version.pk)  # two importers queue here, each gets its edition
    last = PipelineStage.objects.filter(version=version).aggregate(edition=Max("edition"))["edition"] or 0
    current = list(PipelineStage.objects.filter(version=version, edition=last).order_by("position"))
    if current and current[0].source == source:
        return current
    made = PipelineStage.objects.bulk_create(
        PipelineStage(version=version, edition=last + 1, position=position, source=source, by=by, **row)
        for position, row in enumerate(rows, start=1)
    )
    publish(PipelineRecorded(version=version, stages=len(made), source=source, by=by))
    return made


def _checked(stages: Sequence[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    problems: dict[str, list[str]] = {}
    if not re.fullmatch(r"[0-9a-f]{64}", source):
        problems["source"] = ["Give the SHA-256 of the file, as 64 hexadecimal digits."]
    if not 0 < len(stages) <= MOST_STAGES:
        problems["stages"] = [f"Give between 1 and {MOST_STAGES} stages; these are {len(stages)}."]
        raise Invalid(fields=problems)
    rows = []
    for position, stage in enumerate(stages, start=1):
        try:
            rows.append(_row(stage))
        except Invalid as error:
            problems[f"stages.{position}"] = [error.args[0]]
    names = [row["name"] for row in rows]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        problems["stages"] = [f"Give each stage a name of its own; {repeated[0]} stands there twice."]
    if problems:
        raise Invalid(fields=problems)
    return rows


def _row(stage: dict[str, Any]) -> dict[str, Any]:
    """The columns of one stage; `Invalid` with one sentence when it cannot be kept."""
    name = _text(stage.get("name"), "name", LONGEST_NAME)
    if not name:
        raise Invalid("Give the stage a name.")
    params = _params(stage.get("params") or {})
    try:
        written = json.dumps(params, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("Give parameters as plain JSON.") from error
    if len(written) > LARGEST_PARAMS or "\\u0000" in written:
        raise Invalid(f"Use at most {LARGEST_PARAMS} characters of parameters, without NUL.")
    return {
        "name": name,
        "command": _text(stage.get("cmd") or stage.get("commands"), "command", LONGEST_COMMAND),
        "params": params,
        "dependencies": _files(stage.get("deps")),
        "outputs": _files(stage.get("outs")),
    }


def _params(given: Any) -> dict[str, Any]:
    """Parameters by name; a file that they stand in goes before the name."""
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items()}
    return {":".join(str(part) for part in path if part): value for *path, value in given}


def _files(files: Any) -> list[dict[str, Any]]:
    given = list(files or [])
    if len(given) > MOST_FILES:
        raise Invalid(f"Name at most {MOST_FILES} files in one stage; these are {len(given)}.")
    return [_file(file) for file in given]


def _file(file: Any) -> dict[str, Any]:
    if not isinstance(file, Mapping):
        raise Invalid("Give each file as path, digest, algorithm and size.")
    size, digest = file.get("size"), _text(file.get("digest"), "digest", 128)
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63):
        raise Invalid("Give the size of a file in bytes, as a whole number.")
    if not DIGEST.fullmatch(digest):
        raise Invalid("Give digests of files as letters and digits.")
    path = _text(file.get("path"), "path", LONGEST_PATH)
    return {
        "path": path,
        "digest": digest,
        "algorithm": _text(file.get("algorithm"), "algorithm", 20),
        "size": size,
    }


def _text(value: Any, what: str, longest: int) -> str:
    """`value` as text that can be stored."""
    text = "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "").strip()
    if len(text) > longest or "\x00" in text:
        raise Invalid(f"Use at most {longest} characters for the {what} of a stage or file, without NUL.")
    return text
