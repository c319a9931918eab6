"""`dvc.lock` (schema 1.0 and 2.0): the stages of a pipeline, each with its command, what went in and what came out.

The lineage reads them: `parse(raw)` gives frozen stages. An import keeps the raw file; no document is filled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry.formats.ledger import Ledger, Reading
from registry.formats.reading import Unreadable, json_tree, leaves, text_of
from registry.formats.yaml12 import yaml_tree

DIGESTS = ("md5", "etag", "checksum", "sha256")
SCHEMAS = (None, "1.0", 1.0, "2.0", 2.0)


@dataclass(frozen=True)
class File:
    """A file or a folder that a stage read or wrote. DVC's digest of a folder ends with `.dir`."""

    path: str
    digest: str = ""
    algorithm: str = ""
    size: int | None = None  # bytes
    files: int | None = None  # in a folder

    @property
    def is_folder(self) -> bool:
        return self.digest.endswith(".dir") or self.files is not None


@dataclass(frozen=True)
class Stage:
    """A step of a pipeline."""

    name: str
    commands: tuple[str, ...]
    deps: tuple[File, ...]
    params: tuple[tuple[str, str, str], ...]  # file, name, value as text
    outs: tuple[File, ...]


def parse(raw: bytes) -> tuple[Stage, ...]:
    """The stages in the order of the file. Raises `Unreadable` when there are none."""
    return _stages(_tree(raw))


def read(raw: bytes, source: str) -> Reading:
    """The account of the file: what a stage holds goes to the lineage, the rest is kept."""
    tree = _tree(raw)
    ledger = Ledger("pipeline", tree)
    top = "/stages" if "stages" in tree else ""
    known = ("cmd", "deps", "params", "outs")
    for path, _ in leaves(tree):
        parts = path.removeprefix(top).split("/")
        if path.startswith(f"{top}/") and len(parts) > 2 and parts[2] in known and ledger.usable(path):
            ledger.claim("lineage", path)
    if "schema" in tree:
        ledger.drop("/schema", "It names the version of the format.")
    return ledger.close("dvc", source)


def _tree(raw: bytes) -> dict[str, Any]:
    text = text_of(raw)
    tree = json_tree(text) if text.lstrip().startswith("{") else yaml_tree(text)[0]
    if not isinstance(tree, dict) or tree.get("schema") not in SCHEMAS:
        raise Unreadable("This is no dvc.lock of schema 1.0 or 2.0.")
    if not _stages(tree):
        raise Unreadable("There are no stages in this dvc.lock.")
    return tree


def _stages(tree: dict[str, Any]) -> tuple[Stage, ...]:
    named = tree.get("stages", tree)
    return tuple(
        Stage(
            name,
            tuple(str(one) for one in _several(stage["cmd"])),
            _files(stage.get("deps")),
            _params(stage.get("params")),
            _files(stage.get("outs")),
        )
        for name, stage in (named.items() if isinstance(named, dict) else ())
        if isinstance(stage, dict) and stage.get("cmd")
    )


def _files(given: Any) -> tuple[File, ...]:
    return tuple(_file(one) for one in _several(given) if isinstance(one, dict) and one.get("path"))


def _file(one: dict[str, Any]) -> File:
    algorithm = next((key for key in DIGESTS if one.get(key)), "")
    size, count = one.get("size"), one.get("nfiles")
    return File(
        path=str(one["path"]),
        digest=str(one.get(algorithm, "")) if algorithm else "",
        algorithm=str(one.get("hash", algorithm)) if algorithm else "",
        size=size if isinstance(size, int) else None,
        files=count if isinstance(count, int) else None,
    )


def _params(given: Any) -> tuple[tuple[str, str, str], ...]:
    by_file = given if isinstance(given, dict) else {}
    return tuple(
        (str(file), pointer.removeprefix("/"), "" if value is None else str(value))
        for file, values in by_file.items()
        for pointer, value in leaves(values)
    )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
