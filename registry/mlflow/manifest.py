"""The manifest of a version's files, by our own SHA-256: MLflow itself keeps no digest of what it stores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import rfc8785

from registry.mlflow.facts import Absent, Unacceptable, Unreachable, VersionFacts
from registry.mlflow.reader import TrackingServer

MOST_FILES = 5_000
MOST_BYTES = 50 * 1024**3


@dataclass(frozen=True)
class FileDigest:
    """One file of a version as its bytes were read, not as the server described it."""

    path: str
    size_bytes: int
    sha256: str


def take(
    server: TrackingServer,
    version: VersionFacts,
    *,
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
) -> tuple[FileDigest, ...]:
    """Read and digest every file of `version`; one over the limits is `Unacceptable`, never cut short."""
    taken: list[FileDigest] = []
    total = 0
    for entry in server.files(version):
        if len(taken) >= most_files:
            raise Unacceptable(
                f"{version} has more than {most_files:,} files; log a smaller model or raise the limit."
            )
        sha256, size = _digested(server, version, entry.path, before=total, most_bytes=most_bytes)
        if entry.size is not None and entry.size != size:
            raise Unreachable(
                f"{entry.path} of {version} has {entry.size:,} bytes by the tracking server's list, "
                f"but {size:,} came. "
                "Ask again; if it stays so, the stored file was changed."
            )
        total += size
        taken.append(FileDigest(path=entry.path, size_bytes=size, sha256=sha256))
    if not taken:
        raise Absent(f"{version} has no files; log the model again.")
    return tuple(sorted(taken, key=lambda file: file.path))


def _digested(
    server: TrackingServer, version: VersionFacts, path: str, *, before: int, most_bytes: int
) -> tuple[str, int]:
    """(SHA-256, size) of one file. One chunk is hashed while the next one is on its way."""
    digest, size = hashlib.sha256(), 0
    with ThreadPoolExecutor(max_workers=1) as hasher:
        hashing = None
        for chunk in server.open(version, path):
            if hashing:
                hashing.result()
            hashing = hasher.submit(digest.update, chunk)
            size += len(chunk)
            if before + size > most_bytes:
                raise Unacceptable(
                    f"{version} is larger than {most_bytes:,} bytes; log a smaller model or raise the limit."
                )
    return digest.hexdigest(), size


def digest(files: Iterable[FileDigest]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of the manifest, by path: the digest of a version."""
    entries: list[Any] = [
        {"path": file.path, "sha256": file.sha256, "size": file.size_bytes}
        for file in sorted(files, key=lambda file: file.path)
    ]
    return hashlib.sha256(rfc8785.dumps(entries)).hexdigest()
