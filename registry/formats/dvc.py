"""`dvc.lock` (schema 1.0 and 2.0): the stages of a pipeline, each with its command, what went in and what came out.

The lineage reads them: `parse(raw)` gives frozen stages. An import keeps the raw file; no document is filled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry.formats.ledger import Ledger, Reading, written
from registry.formats.reading import Unreadable, below, is_storable, json_tree, leaves, text_of
from registry.formats.several import maps, texts
from registry.formats.yaml12 import yaml_tree

DIGESTS = ("md5", "etag", "checksum", "sha256")
DIGEST = re.compile(r"[0-9a-zA-Z.+/=_-]{1,128}")
LINEAGE = "lineage"
MOST_STAGES, MOST_FILES = 200, 2_000
LONGEST = {"name": 200, "command": 20_000, "path": 1_000, "algorithm": 20, "params": 100_000}  # characters
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
    tree = _tree(raw)
    return _stages(Ledger("pipeline", tree))


def read(raw: bytes, source: str) -> Reading:
    """The account of the file: what a stage takes goes to the lineage, the rest is kept."""
    tree = _tree(raw)
    ledger = Ledger("pipeline", tree)
    if "schema" in tree:
        ledger.drop("/schema", "It names the version of the format.")
    _stages(ledger)
    return ledger.close("dvc", source)


def _tree(raw: bytes) -> dict[str, Any]:
    text = text_of(raw)
    tree = json_tree(text) if text.lstrip().startswith("{") else yaml_tree(text)[0]
    if not isinstance(tree, dict) or tree.get("schema") not in SCHEMAS:
        raise Unreadable("This is no dvc.lock of schema 1.0 or 2.0.")
    if not _stages(Ledger("pipeline", tree)):
        raise Unreadable("There are no stages in this dvc.lock.")
    return tree


def _stages(ledger: Ledger) -> tuple[Stage, ...]:
    """Every stage that has a command, claiming what it takes; what does not fit stays behind, and the stage without it."""
    named, top = (ledger.tree["stages"], "/stages") if "stages" in ledger.tree else (ledger.tree, "")
    found: list[Stage] = []
    for name, stage in named.items() if isinstance(named, dict) else ():
        here = below(top, name)
        if not isinstance(stage, dict) or not stage.get("cmd"):
            continue
        if not name or len(name) > LONGEST["name"] or not is_storable(name) or len(found) == MOST_STAGES:
            ledger.keep(
                [path for path, _ in leaves(stage, here)],
                f"At most {MOST_STAGES} stages with names are taken.",
            )
            continue
        found.append(
            Stage(
                name,
                _commands(ledger, stage["cmd"], f"{here}/cmd"),
                _files(ledger, stage.get("deps"), f"{here}/deps"),
                _params(ledger, stage.get("params"), f"{here}/params"),
                _files(ledger, stage.get("outs"), f"{here}/outs"),
            )
        )
    return tuple(found)


def _commands(ledger: Ledger, given: Any, place: str) -> tuple[str, ...]:
    found, left = [], LONGEST["command"]
    for text, path in texts(given, place):
        if len(text) < left:
            left -= len(text) + 1
            found.append(text)
            ledger.claim(LINEAGE, path)
    return tuple(found)


def _files(ledger: Ledger, given: Any, place: str) -> tuple[File, ...]:
    found: list[File] = []
    for one, path in maps(given, place):
        if len(found) < MOST_FILES and 0 < len(written(one.get("path"))) <= LONGEST["path"]:
            found.append(_file(ledger, one, path))
    return tuple(found)


def _file(ledger: Ledger, one: dict[str, Any], path: str) -> File:
    algorithm = next((key for key in DIGESTS if DIGEST.fullmatch(written(one.get(key)))), "")
    named = written(one.get("hash"))
    takes = {"path", algorithm} | (
        {"hash"} if algorithm and 0 < len(named) <= LONGEST["algorithm"] else set()
    )
    size, files = (one[key] if _is_count(one.get(key)) else None for key in ("size", "nfiles"))
    for key in (takes | ({"size"} if size is not None else set())) - {""}:
        ledger.claim(LINEAGE, f"{path}/{key}")
    return File(
        path=written(one["path"]),
        digest=written(one[algorithm]) if algorithm else "",
        algorithm=(named if "hash" in takes else algorithm),
        size=size,
        files=files,
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _params(ledger: Ledger, given: Any, place: str) -> tuple[tuple[str, str, str], ...]:
    found, left = [], LONGEST["params"]
    for file, values in given.items() if isinstance(given, dict) else ():
        for pointer, value in leaves(values):
            path = below(place, file) + pointer
            said = (str(file), pointer.removeprefix("/"), "" if value is None else str(value))
            left -= 6 * (sum(map(len, said)) + 2)  # JSON writes a character in at most six
            if left > 0 and all(map(is_storable, said)):
                found.append(said)
                ledger.claim(LINEAGE, path)
    return tuple(found)
